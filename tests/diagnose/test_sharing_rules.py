"""Rules about connections that a fork left in two processes, on runs written by hand."""

from __future__ import annotations

import pytest

from mptrace.diagnose.finding import Severity, Verdict
from mptrace.model.process import Past
from mptrace.wire import wait
from mptrace.wire.events import failures, processes, resources
from tests.support.story import Story, story
from tests.support.verdicts import found, one

RULES = {0: "fork-shared-handle", 1: "proxy-shared-over-fork"}
KEY = 500


def uses(told: Story, way: int = wait.RECV, *, manager: int = 0, guarded: int = 0, at: str = "") -> Story:
    return told.event(resources.USED_AFTER_FORK, at=at, key=KEY, way=way, manager=manager, guarded=guarded)


def shared(way: int = wait.RECV, *, manager: int = 0, guarded: int = 0) -> Story:
    told = story().pipe("service").process("ask-1").process("ask-2")
    if way == wait.RECV and not manager:
        for name in ("ask-1", "ask-2"):
            uses(told.process(name), wait.SEND, guarded=guarded, at="job.py:16")
    for name in ("ask-1", "ask-2"):
        uses(told.process(name), way, manager=manager, guarded=guarded, at="job.py:17")
    return told


@pytest.mark.parametrize("manager", [0, 1])
def test_two_that_receive_through_one_connection_at_the_same_time_are_a_warning(manager: int) -> None:
    finding = one(shared(manager=manager).run(live=False), RULES[manager])
    assert (finding.verdict, finding.severity) == (Verdict.LIKELY, Severity.HINT)
    assert finding.title.startswith("ask-1 and ask-2 ")
    assert "job.py:17" in {f"{place.site.file.rpartition('/')[2]}:{place.site.line}" for place in finding.places}


def test_two_that_only_send_are_a_possible_hazard_and_a_hint() -> None:
    finding = one(shared(wait.SEND).run(live=False), "fork-shared-handle")
    assert (finding.verdict, finding.severity) == (Verdict.POSSIBLE, Severity.HINT)


@pytest.mark.parametrize("manager", [0, 1])
def test_one_that_hangs_in_it_makes_it_an_error(manager: int) -> None:
    told = shared(manager=manager)
    told.waits(wait.RECV, told.resource("service")).process("ask-1").waits(wait.RECV, told.resource("service"))
    told.main().joins("ask-1")
    assert one(told.run(), RULES[manager]).severity is Severity.ERROR


def test_one_that_died_of_a_garbled_message_makes_it_an_error() -> None:
    told = shared().event(failures.UNCAUGHT, error="EOFError", message="", traceback="", where="process")
    assert one(told.run(live=False), "fork-shared-handle").severity is Severity.ERROR


def test_an_exception_of_another_kind_does_not() -> None:
    told = shared().event(failures.UNCAUGHT, error="ValueError", message="", traceback="", where="process")
    assert one(told.run(live=False), "fork-shared-handle").severity is Severity.HINT


def test_with_a_lock_around_each_use_it_is_in_order() -> None:
    assert found(shared(guarded=1).run(live=False), "fork-shared-handle") == []


def test_two_that_take_turns_in_a_way_that_is_not_seen_are_in_order() -> None:
    told = story().pipe("service").process("ask-1").process("ask-2")
    for name in ("ask-1", "ask-2"):
        uses(told.process(name))
    assert found(told.run(live=False), "fork-shared-handle") == []


def test_two_that_wait_for_a_message_at_once_do_not_take_turns() -> None:
    told = story().pipe("service").process("ask-1").process("ask-2")
    for name in ("ask-1", "ask-2"):
        uses(told.process(name))
    first = told.process("ask-1").actor
    first.process.past.append(Past(first.tid, told.tick(), wait.RECV, told.resource("service"), 0))
    assert one(told.run(live=False), "fork-shared-handle").verdict is Verdict.LIKELY


def test_one_after_the_other_is_in_order() -> None:
    told = story().pipe("service").process("ask-1").process("ask-2").process("ask-1")
    uses(told).exits()
    uses(told.process("ask-2"))
    assert found(told.run(live=False), "fork-shared-handle") == []


def test_one_that_was_done_before_the_other_began_is_in_order_although_its_end_was_seen_later() -> None:
    told = story().pipe("service").process("ask-1").process("ask-2").process("ask-1")
    uses(told).event(processes.RETURNED, code=0)
    uses(told.process("ask-2")).process("ask-1").exits()
    assert found(told.run(live=False), "fork-shared-handle") == []


def test_the_same_number_in_processes_of_no_common_fork_is_another_connection() -> None:
    told = shared()
    for name in ("ask-1", "ask-2"):
        told.find_process(name).parent = None  # type: ignore[union-attr]
    assert found(told.run(live=False), "fork-shared-handle") == []


def test_the_fork_is_a_place_of_it_and_the_line_to_change_for_a_proxy() -> None:
    told = story().pipe("service").event(processes.FORKED, at="job.py:9", child=0, threads="").process("ask-1")
    uses(told, manager=1)
    uses(told.main(), manager=1)
    finding = one(told.run(live=False), "proxy-shared-over-fork")
    assert finding.fix.endswith("instead of os.fork() at")
    assert str(finding.fix_at) == "/job/job.py:9"


def reads(told: Story, what: str = "file", *, guarded: int = 0) -> Story:
    return told.event(
        resources.HANDLE_USED, at="job.py:9", key=7, what=what, name="/data/table.bin", call="readinto", guarded=guarded
    )


@pytest.mark.parametrize(("what", "title"), [("file", "the same open file table.bin"), ("socket", "the same socket")])
def test_two_that_read_through_one_file_or_socket_are_a_hint(what: str, title: str) -> None:
    told = story().process("ask-1").process("ask-2")
    for name in ("ask-1", "ask-2"):
        reads(told.process(name), what)
    finding = one(told.run(live=False), "fork-shared-handle")
    assert (finding.verdict, finding.severity) == (Verdict.LIKELY, Severity.HINT)
    assert title in finding.title


def test_one_that_reads_in_a_file_alone_or_under_a_lock_is_in_order() -> None:
    told = reads(story().process("ask-1")).process("ask-2")
    assert found(told.run(live=False), "fork-shared-handle") == []
    told = reads(story().process("ask-1"), guarded=1)
    assert found(reads(told.process("ask-2"), guarded=1).run(live=False), "fork-shared-handle") == []
