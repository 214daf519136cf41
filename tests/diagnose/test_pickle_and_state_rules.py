"""Rules about what cannot be pickled or rebuilt, and about variables that are not shared, on runs written by hand."""

from __future__ import annotations

import pytest

from mptrace.diagnose.finding import Severity, Verdict
from mptrace.model.process import Role
from mptrace.wire import wait as waits
from mptrace.wire.events import failures, processes, shared, tasks
from tests.support.story import Story, story
from tests.support.verdicts import causes, found, loud, one


def refused(**more: str) -> Story:
    fields = {"error": "TypeError", "message": "cannot pickle '_io.TextIOWrapper' object", "path": "self.file"}
    fields |= {"offender": "TextIOWrapper", "call": "Process.start"}
    return story().main().event(failures.PICKLE_FAILED, at="job.py:26", **{**fields, **more})


def test_an_argument_that_cannot_be_sent_names_the_way_to_it() -> None:
    told = refused().event(failures.UNCAUGHT, error="TypeError", where="main").exits(1).ends(1)
    finding = one(told.run(live=False), "unpicklable-argument")
    assert finding.severity is Severity.ERROR
    assert finding.title == "self.file (a TextIOWrapper) cannot be sent to another process by Process.start()"
    assert "__getstate__" in finding.fix
    assert str(finding.fix_at) == "/job/job.py:26"


def test_a_pickling_error_that_the_program_handled_is_a_hint_at_most() -> None:
    assert loud(refused().exits(0).ends(0).run(live=False)) == []


def test_a_result_that_cannot_be_sent_back_is_told_apart_from_arguments() -> None:
    told = story().pool("pool").process("w", Role.WORKER).in_pool("pool")
    told.event(failures.PICKLE_FAILED, error="TypeError", path="", offender="generator", call="Pool result", root="result of read_rows",
               key=told.resource("pool").key)  # fmt: skip
    run = told.main().event(failures.UNCAUGHT, error="MaybeEncodingError", where="main").exits(1).ends(1).run(live=False)
    assert causes(run) == ["unpicklable-result"]
    assert one(run, "unpicklable-result").title == "the result of read_rows() cannot be sent back: generator"


def test_an_item_that_was_dropped_explains_the_get_that_waits_for_it() -> None:
    told = story().queue("results").process("worker-2")
    told.event(failures.ITEM_DROPPED, at="crawl.py:41", key=told.resource("results").key, error="TypeError",
               message="cannot pickle '_thread.lock' object", path="page.lock", offender="_thread.lock", root="<Page>")  # fmt: skip
    run = told.exits(0).main().gets("results", at="crawl.py:60").run()
    assert causes(run) == ["unpicklable-queue-item"]
    finding = one(run, "unpicklable-queue-item")
    assert finding.title == "worker-2 put <Page> on results that was dropped: page.lock (a _thread.lock) cannot be pickled"
    assert [step.says for step in finding.also] == ["waits in results.get()"]
    assert finding.moment == 1


def test_an_exception_that_cannot_be_rebuilt_names_where_it_was_raised_and_defined() -> None:
    told = story().pool("pool").process("w", Role.WORKER).in_pool("pool")
    key = told.resource("pool").key
    told.event(tasks.FAILED, at="p.py:17", pool=key, job=0, error="ParseError")
    told.event(failures.NOT_REBUILDABLE, pool=key, job=0, error="ParseError", message="b, line 1", function="parse",
               why="ParseError.__init__() takes 2 arguments, but args has 1 argument", defined_file="/job/p.py", defined_line=11)  # fmt: skip
    told.main().waits(waits.RESULT, told.resource("pool"), at="p.py:25")
    finding = one(told.run(), "exception-loses-args")
    assert finding.verdict is Verdict.PROVEN
    assert {(place.role, str(place.site)) for place in finding.places} >= {
        ("raised", "/job/p.py:17"), ("waiter", "/job/p.py:25"), ("definition", "/job/p.py:11"),
    }  # fmt: skip


def test_what_a_child_cannot_rebuild_is_told_at_the_line_that_sent_it() -> None:
    told = (
        story()
        .process("worker")
        .event(failures.UNPICKLE_FAILED, error="AttributeError", message="Can't get attribute 'Job'", call="Process.start")
    )
    told.event(failures.UNCAUGHT, error="AttributeError", where="spawn").exits(1)
    run = told.main().exits(0).ends(0).run(live=False)
    assert causes(run) == ["unpickle-failed"]
    assert one(run, "unpickle-failed").fix_at == told.find_process("worker").start_site  # type: ignore[union-attr]


SHARER = '  File "/usr/lib/python3.11/multiprocessing/resource_sharer.py", line 86, in get_connection'
SEGMENT = '  File "/usr/lib/python3.11/multiprocessing/shared_memory.py", line 104, in __init__'
OWN = '  File "/usr/lib/python3.11/multiprocessing/connection.py", line 250, in recv\n  File "/job/shape.py", line 12, in __setstate__'


@pytest.mark.parametrize(
    ("error", "message", "traceback", "why", "at"),
    [
        ("AttributeError", "Can't get attribute 'Job'", "", "looks up in its own modules", "/job/m.py:9"),
        ("ConnectionRefusedError", "[Errno 111] Connection refused", SHARER, "holds a file descriptor", "/job/m.py:9"),
        ("FileNotFoundError", "[Errno 2] No such file or directory: '/psm_1'", SEGMENT, "it was unlinked", "/job/m.py:9"),
        ("FileNotFoundError", "[Errno 2] No such file: 'a.cfg'", OWN, "That raised", "/job/shape.py:12"),
        ("KeyError", "'colour'", OWN, "That raised", "/job/shape.py:12"),
        ("TypeError", "Job.__init__() missing 1 required positional argument: 'b'", "", "takes other arguments", "/job/m.py:9"),
        ("ValueError", "unsupported pickle protocol: 5", "", "newer protocol", "/job/m.py:9"),
        ("UnpicklingError", "invalid load key, 'x'.", "", "is no pickle", "/job/m.py:9"),
        ("RuntimeError", "worker (pid 9) is killed by signal", "", "what a signal handler did", "/job/m.py:9"),
    ],
)  # fmt: skip
def test_why_something_cannot_be_rebuilt_is_read_from_the_exception(error, message, traceback, why, at) -> None:
    told = story().event(failures.UNPICKLE_FAILED, at="m.py:9", error=error, message=message, traceback=traceback)
    finding = one(told.exits(1).ends(1).run(live=False), "unpickle-failed")
    assert (why in finding.why, str(finding.fix_at)) == (True, at)


def test_of_a_descriptor_that_nobody_hands_over_the_ends_before_are_told() -> None:
    told = story().process("server").exits(0).process("client")
    told.event(failures.UNPICKLE_FAILED, error="ConnectionRefusedError", message="[Errno 111]", traceback=SHARER)
    finding = one(told.exits(1).main().exits(1).ends(1).run(live=False), "unpickle-failed")
    assert [(step.who.name, step.says) for step in finding.steps[:1]] == [("server", "ended with status 0")]  # type: ignore[union-attr]


def test_of_a_descriptor_that_a_dying_process_was_to_hand_over_the_death_is_the_cause() -> None:
    told = story().event(failures.UNPICKLE_FAILED, error="ConnectionResetError", message="[Errno 104]", traceback=SHARER)
    assert causes(told.process("loader").dies(11, by="").main().exits(1).ends(1).run(live=False)) == ["segfault"]


def test_a_child_of_a_daemon_is_refused_once() -> None:
    says = "daemonic processes are not allowed to have children"
    told = story().process("w", Role.WORKER).event(processes.START_FAILED, at="n.py:15", error="AssertionError", message=says)
    assert str(one(told.exits(0).main().exits(1).ends(1).run(live=False), "nested-daemon").fix_at) == "/job/n.py:15"


def counted(after: str, read: str) -> Story:
    told = (
        story()
        .process("p1")
        .event(
            shared.GLOBAL_CHANGED,
            module="__main__",
            name="counter",
            before="0",
            after=after,
            file="/job/c.py",
            line=13,
            function="inc",
        )
    )
    told.exits(0).main().event(shared.GLOBAL_READ, module="__main__", name="counter", value=read, file="/job/c.py", line=22)
    return told.exits(0).ends(0)


def test_a_counter_that_stays_0_in_the_parent_is_told_with_all_its_values() -> None:
    finding = one(counted("1000", "0").run(live=False), "global-lost-update")
    assert (finding.verdict, finding.title) == (Verdict.PROVEN, "counter is 1000 in p1, but stays 0 in MainProcess")
    assert str(finding.fix_at) == "/job/c.py:13"


def test_a_variable_with_the_same_value_on_both_sides_is_silent() -> None:
    assert found(counted("1000", "1000").run(live=False), "global-lost-update") == []


def test_a_variable_that_the_parent_never_reads_is_silent() -> None:
    told = story().process("p1").event(shared.GLOBAL_CHANGED, module="__main__", name="cache", before="{}", after="{1: 2}")
    assert loud(told.exits(0).main().exits(0).ends(0).run(live=False)) == []


def added_to(source: list[str]) -> Story:
    told = story().process("p1").event(
        shared.GLOBAL_CHANGED, module="__main__", name="rows", before="[]", after="[1]", file="/job/c.py", line=3, function="add", how="change",
    )  # fmt: skip
    told.told.sources = {"/job/c.py": source}
    told.exits(0).main().event(shared.GLOBAL_READ, module="__main__", name="rows", value="[]", file="/job/c.py", line=9)
    return told.exits(0).ends(0)


def test_a_list_that_was_only_added_to_is_a_likely_warning() -> None:
    finding = one(added_to(["rows = []"]).run(live=False), "global-lost-update")
    assert (finding.verdict, finding.severity) == (Verdict.LIKELY, Severity.WARNING)


def test_what_the_module_has_from_another_one_is_that_ones_business() -> None:
    assert found(added_to(["from library import rows"]).run(live=False), "global-lost-update") == []
