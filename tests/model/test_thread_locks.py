"""Locks of `threading` that were read from memory: which of these waits count."""

from __future__ import annotations

import pytest

from mptrace.collect import read_run
from mptrace.model.build import build_run
from mptrace.model.moment import Moment
from mptrace.wire.events import observations, threads
from mptrace.wire.wait import MUTEX_WAIT
from tests.support.recording import RunWriter

FUTEX = "202 0x7f00 0x189 0x0 0x0 0x0 0xffffffff 0x7ffd 0x7f01"


def look(run: RunWriter, *, syscall: str = FUTEX, still: bool = True, role: str = "user") -> Moment:
    """A process with a second thread that waits for a lock, which the main thread has."""
    main = run.process(10)
    main.log(threads.STARTED, 2, ident=7001, thread=12, name="loader", role=role)
    for number in range(2):
        run.saw(observations.THREAD, 9, moment=1, pid=10, thread=12, state="S", switches=0 if still else number, syscall=syscall)
    run.saw(observations.LOCK_WAIT, 9, moment=1, pid=10, thread=12, key=99, since=5_000_000, lock="thread Lock", name="stats")
    run.saw(
        observations.LOCK_HOLDER, 9, moment=1, pid=10, key=99, ident=7000, thread=10, how="block", file="/p/a.py", line=3,
        function="main",
    )  # fmt: skip
    run.moment(1, 10)
    return build_run(read_run(run.save())).moments[0]


def test_a_wait_for_a_lock_and_its_holder_are_told(tmp_path):
    moment = look(RunWriter(tmp_path / "run"))
    (wait,), (hold,) = moment.waits, moment.holds
    assert (wait.kind, wait.thread.name, wait.resource.label, wait.since_ns) == (MUTEX_WAIT, "loader", "stats", 5_000_000)
    assert (hold.resource, hold.thread, hold.how, hold.site.line) == (wait.resource, hold.thread.process.main_thread, "block", 3)


@pytest.mark.parametrize(
    "seen", [{"still": False}, {"syscall": "0 0x3"}, {"role": "queue feeder"}], ids=["ran", "reads", "service"]
)
def test_a_thread_that_ran_or_is_elsewhere_or_only_serves_does_not_wait(tmp_path, seen):
    assert look(RunWriter(tmp_path / "run"), **seen).waits == []
