"""Rules on what only a look from outside can tell, on runs written by hand."""

from __future__ import annotations

from dataclasses import replace

from mptrace.diagnose.finding import Severity, Verdict
from mptrace.model.process import Role
from mptrace.model.run import Run
from mptrace.model.site import Site
from mptrace.wire import wait as waits
from mptrace.wire.events import processes, tasks
from tests.support.story import Story, story
from tests.support.verdicts import found, loud, one

RECV = Site("/lib/python3.11/multiprocessing/connection.py", 395, "Connection._recv")


def half_read(size: int, *, inner: Site = RECV, writes: bool = False) -> Run:
    """The main process reads ``size`` more bytes in get(); its writer is gone, or writes still."""
    told = story().queue("results").process("writer")
    if writes:
        told.waits(waits.SEND, told.resource("results._reader"))
    else:
        told.dies(15)
    told.main().gets("results", at="job.py:25")
    wait = told.waits_list[-1]
    told.waits_told(replace(wait, stack=(inner, *wait.stack)))
    run = told.run()
    for look in run.moments[0].looks.values():
        look.syscall = f"0 0x4 0x7f00 {size:#x} 0x0 0x0 0x0 0x7ffe 0x7f01"
    return run


def test_a_reader_in_the_middle_of_a_message_that_nobody_writes_is_proven() -> None:
    finding = one(half_read(65536), "partial-message")
    assert finding.verdict is Verdict.PROVEN
    assert (
        finding.title == "MainProcess has read the beginning of a message in results.get(), and nobody is left to write the rest"
    )
    assert "perhaps writer, which was killed by SIGTERM" in finding.why
    assert str(finding.fix_at) == "/job/job.py:25"


def test_a_reader_that_waits_for_the_head_of_a_message_has_no_part_of_it() -> None:
    assert found(half_read(4), "partial-message") == []


def test_who_reads_so_many_bytes_itself_may_have_none_of_them() -> None:
    assert found(half_read(65536, inner=Site("/job/job.py", 25, "main")), "partial-message") == []


def test_a_message_that_somebody_still_writes_is_not_partial() -> None:
    assert found(half_read(65536, writes=True), "partial-message") == []


def asked(how: str, call: str = "worker.terminate", *, mask: str = "ignored") -> Story:
    told = story().queue("jobs").process("worker").gets("jobs")
    worker = told.actor.process
    at = "main.py:25" if call else ""
    told.main().event(processes.ASKED_TO_END, at=at, child=worker.pid, signal=15, how=how, call=call)
    told.joins("worker", at="main.py:26")
    for _ in range(15):
        told.tick()
    told.look()
    getattr(told.told.moments[0], mask)[worker] = 1 << 14
    return told


def test_that_a_signal_was_sent_is_only_likely_if_the_text_says_it() -> None:
    finding = one(asked("text").told, "termination-ignored")
    assert (finding.verdict, str(finding.fix_at)) == (Verdict.LIKELY, "/job/main.py:25")
    assert finding.title == "MainProcess waits in join() of worker, which ignores the SIGTERM of terminate()"
    assert "only the program's text says" in str(finding.details)


def test_a_signal_that_lies_before_a_process_that_cannot_go_on_is_proven() -> None:
    finding = one(asked("pending", "", mask="blocked").told, "termination-ignored")
    assert finding.verdict is Verdict.PROVEN
    assert finding.title == "MainProcess waits in join() of worker, which blocks the SIGTERM that it was sent"


def starved(*, untold: bool = False) -> Story:
    told = story().pool("executor", "ProcessPoolExecutor", at="job.py:5")
    told.main_process.python = "3.11.7"
    key = told.resource("executor").key
    told.event(tasks.POOL, pool=key, workers=1, max_tasks=2, start_method="spawn")
    if not untold:
        told.event(tasks.STARVED, pool=key, pending=4)
    return told.waits(waits.FUTURE, told.resource("executor"), at="job.py:7")


def test_an_executor_without_workers_for_its_calls_was_struck_by_its_bug() -> None:
    finding = one(starved().run(), "known-python-bug")
    assert (finding.verdict, finding.severity) == (Verdict.LIKELY, Severity.ERROR)


def test_an_executor_of_which_that_was_not_seen_was_not() -> None:
    assert one(starved(untold=True).run(), "known-python-bug").severity is Severity.WARNING


def hidden(code: int, *, helper: bool) -> Story:
    """A worker of an executor is a zombie for a second; its helper lives on, or it had none."""
    told = story().pool("executor", "ProcessPoolExecutor")
    told.told.meta = replace(told.told.meta, attached=True)
    told.process("worker", Role.EXECUTOR_WORKER).in_pool("executor")
    if helper:
        told.process("helper", parent="worker").moves()
    told.process("worker").exits(code, orderly=False)
    told.main().waits(waits.FUTURE, told.resource("executor"), at="job.py:7")
    for _ in range(10):
        told.tick()
    return told


def test_a_zombie_whose_child_keeps_its_pipe_is_hidden() -> None:
    finding = one(hidden(3, helper=True).run(), "death-hidden")
    assert finding.verdict is Verdict.PROVEN
    assert "helper, a child of the dead, keeps its pipe open" in finding.title


def test_a_zombie_that_waits_for_its_turn_to_be_joined_is_not_hidden() -> None:
    assert found(hidden(0, helper=False).run(), "death-hidden") == []
    assert loud(hidden(0, helper=False).run()) == []
