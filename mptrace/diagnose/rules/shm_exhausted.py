"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

import signal
from collections.abc import Iterator

from mptrace.diagnose.deaths import death_evidence, program_frame, raised_at
from mptrace.diagnose.finding import Evidence, Finding, Place, Step, Verdict
from mptrace.diagnose.raised import error_text, errors, loudness
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import who
from mptrace.model.event import Event
from mptrace.model.process import Process
from mptrace.model.run import Run
from mptrace.wire.events import observations

FULL = "[Errno 28]"
"""What an OSError begins with when there is no room left."""

MAKERS = ("multiprocessing/synchronize.py", "multiprocessing/shared_memory.py", "multiprocessing/heap.py", "/dev/shm/", "'/psm_")  # noqa: S108
"""What the traceback or message names when the room that was lacking is that of /dev/shm."""

LEFT = 1 << 20
"""With more bytes left than this, a SIGBUS has another cause."""

NEAR_NS = 5_000_000_000
"""A look at /dev/shm counts for a death so long before it."""


@rule(explains=("segfault", "uncaught-exception", "start-failed", "executor-broken", "pool-worker-died", "helper-thread-died"))
def shm_exhausted(run: Run) -> Iterator[Finding]:
    """There is no room left for shared memory: /dev/shm, or what a container allows of it, is full.

    Why it crashes:
        Semaphores, Value, Array and SharedMemory are files in /dev/shm. Making one larger than what is left succeeds: the
        process that writes to it is killed by SIGBUS. Making a semaphore fails with "No space left on device".

    How we know:
        The error names a file of /dev/shm or was raised where one is made; or a process died of SIGBUS while less than a
        megabyte was left there.

    What to do:
        Unlink what is not needed any more, make smaller blocks, or give the container more (docker run --shm-size).
    """
    for event in errors(run, FULL):
        told = event.text("message") + event.text("traceback")
        if any(maker in told for maker in MAKERS):
            yield _refused(run, event)
    for process in run.processes:
        look = _look_at_death(run, process)
        if look is not None:
            yield _killed(run, process, look)


def _look_at_death(run: Run, process: Process) -> Event | None:
    """Return what was seen of /dev/shm when a process died of SIGBUS, if little was left."""
    ended, at_ns = process.exit, process.ended_ns
    if ended is None or ended.signal != signal.SIGBUS or ended.by or at_ns is None:
        return None
    looks = [
        event for event in run.of(observations.MEMORY) if abs(event.at_ns - at_ns) < NEAR_NS and event.number("shm_free") >= 0
    ]
    nearest = min(looks, key=lambda event: abs(event.at_ns - at_ns), default=None)
    return nearest if nearest is not None and nearest.number("shm_free") < LEFT else None


def _refused(run: Run, event: Event) -> Finding:
    site = raised_at(event)
    return Finding(
        title=f"{who(event.process)} could not make anything shared: /dev/shm is full",
        steps=(Step(f"raised {error_text(event)}", event.process, event.at_ns, site),),
        why="Semaphores and shared memory are files in /dev/shm, and there is no room for another one.",
        fix="unlink shared memory that is not needed any more, or make /dev/shm larger (docker run --shm-size)",
        fix_at=site,
        processes=(event.process,) if event.process else (),
        places=(Place("raised", site, event.process),) if site else (),
        evidence=(Evidence(event.ref, f"{who(event.process)}: {error_text(event)}"),),
        details=tuple(event.text("traceback").splitlines()),
        at_ns=event.at_ns,
        lowered=loudness(run, event),
    )


def _killed(run: Run, process: Process, look: Event) -> Finding:
    at, left = program_frame(process), look.number("shm_free") // 1024
    return Finding(
        title=f"{who(process)} was killed by SIGBUS: it wrote to shared memory, and /dev/shm is full",
        verdict=Verdict.LIKELY,
        steps=(Step("died of SIGBUS", process, process.ended_ns, at),),
        why=f"{left} kB were left in /dev/shm then. A block may be made larger than what is left; who writes to it is killed.",
        fix="unlink blocks that are not needed any more, make smaller ones, or make /dev/shm larger (docker run --shm-size)",
        fix_at=at,
        processes=(process,),
        places=(Place("death", at, process),) if at else (),
        evidence=(Evidence(look.ref, f"{left} kB left in /dev/shm"), *death_evidence(run, process)),
        details=tuple(process.last_words),
        at_ns=process.ended_ns,
    )
