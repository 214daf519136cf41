"""Rules about starts that failed and limits that were met, on runs written by hand."""

from __future__ import annotations

from mptrace.diagnose.finding import Severity, Verdict
from mptrace.wire.events import failures, observations, processes
from tests.support.story import Story, story
from tests.support.verdicts import causes, found, loud, one

NO_ROOM = {"error": "OSError", "message": "[Errno 28] No space left on device"}
IN_SEMLOCK = '  File "/usr/lib/python3.11/multiprocessing/synchronize.py", line 57, in __init__\n'


def died_with(**fields: str) -> Story:
    """A main program that died of an exception at job.py:30."""
    return story().main().event(failures.UNCAUGHT, at="job.py:30", where="main", **fields).exits(1).ends(1)


def test_a_semaphore_without_room_is_a_full_dev_shm() -> None:
    finding = one(died_with(**NO_ROOM, traceback=IN_SEMLOCK).run(live=False), "shm-exhausted")
    assert finding.verdict is Verdict.PROVEN
    assert str(finding.fix_at) == "/job/job.py:30"


def test_a_full_disk_is_not_a_full_dev_shm() -> None:
    told = died_with(**NO_ROOM, traceback='  File "/job/job.py", line 30, in save\n')
    assert found(told.run(live=False), "shm-exhausted") == []


def bus_error(free: int) -> Story:
    told = story().process("filler").dies(7, by="")
    told.event(observations.MEMORY, pid=told.actor.process.pid, rss=0, shm_free=free, files=-1)
    return told.main().exits(0).ends(0)


def test_sigbus_with_a_full_dev_shm_is_explained_by_it() -> None:
    run = bus_error(free=4096).run(live=False)
    assert causes(run)[0] == "shm-exhausted"
    assert one(run, "shm-exhausted").verdict is Verdict.LIKELY
    assert one(run, "segfault").explained_by == "shm-exhausted"


def test_sigbus_with_room_left_has_another_cause() -> None:
    assert causes(bus_error(free=1 << 30).run(live=False))[0] == "segfault"


def start_failed(message: str, error: str = "BlockingIOError") -> Story:
    return story().main().event(processes.START_FAILED, at="job.py:9", name="w-1", error=error, message=message)


def test_a_fork_that_met_a_limit_says_which() -> None:
    told = start_failed("[Errno 11] Resource temporarily unavailable").event(
        failures.UNCAUGHT, error="BlockingIOError", where="main"
    )
    finding = one(told.exits(1).ends(1).run(live=False), "start-failed")
    assert finding.severity is Severity.ERROR
    assert "w-1" in finding.title
    assert "ulimit -u" in finding.fix


def test_a_start_that_failed_and_was_tried_again_is_a_hint() -> None:
    run = start_failed("[Errno 11] Resource temporarily unavailable").exits(0).ends(0).run(live=False)
    assert one(run, "start-failed").severity is Severity.HINT
    assert loud(run) == []


def test_a_start_that_failed_in_pickling_is_told_by_the_rule_for_that() -> None:
    told = story().main().event(failures.PICKLE_FAILED, error="TypeError", message="cannot pickle 'generator' object")
    told.event(processes.START_FAILED, name="w-1", error="TypeError", message="cannot pickle 'generator' object")
    assert found(told.exits(0).ends(0).run(live=False), "start-failed") == []


def test_a_child_that_could_not_import_the_main_script_names_the_line() -> None:
    told = story().process("w-1").event(processes.BOOTSTRAP_PHASE, phase="main", error="ImportError")
    told.event(failures.UNCAUGHT, at="job.py:3", error="ImportError", message="no module named here", where="spawn").exits(1)
    finding = one(told.main().exits(0).ends(0).run(live=False), "start-failed")
    assert str(finding.fix_at) == "/job/job.py:3"


def test_too_many_open_files_name_the_line_that_made_most_queues() -> None:
    told = story()
    for number in range(12):
        told.queue(f"answers[{number}]", at="job.py:7")
    told.main().event(failures.UNCAUGHT, at="job.py:30", error="OSError", message="[Errno 24] Too many open files", where="main")
    finding = one(told.exits(1).ends(1).run(live=False), "fd-exhausted")
    assert finding.title == "MainProcess has too many files open: 12 Queues made on one line"
    assert str(finding.fix_at) == "/job/job.py:7"


def test_a_descriptor_that_was_not_received_counts_as_too_many_files() -> None:
    run = died_with(error="RuntimeError", message="received 0 items of ancdata").run(live=False)
    assert causes(run) == ["fd-exhausted"]
