"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.copied_locks import is_alone, is_copied, is_native
from mptrace.diagnose.finding import Finding, Place, Step
from mptrace.diagnose.folding import ANY_WAIT
from mptrace.diagnose.hang import hang, place_of
from mptrace.diagnose.lost_threads import LostThread, lost_threads
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import Standstill, standstills
from mptrace.diagnose.wording import counted, listed, who
from mptrace.model.moment import Wait
from mptrace.model.run import Run


@rule(needs=("program",), explains=(ANY_WAIT, "fork-with-threads"))
def native_lock_after_fork(run: Run) -> Iterator[Finding]:
    """A forked child hangs in native code, after a fork from a process with threads.

    Why it hangs:
        Libraries such as OpenMP, BLAS, gRPC, CUDA, or malloc itself, have locks and threads of their own. A fork copies the locks
        as they are, and none of the threads: the child waits for a lock that a thread held which it does not have, or for work
        by such a thread.

    How we know:
        The child's only thread waits without a timeout for a lock that no other process can reach, on a line that calls no lock
        of Python's, and its parent had other threads at the fork. What the native code waits for is not looked at, so this is
        never more than likely.

    What to do:
        Use the start method spawn or forkserver, or first use the library in the child. Limiting its threads
        (OMP_NUM_THREADS=1) helps with those that start them in the parent.
    """
    for standstill in standstills(run):
        for wait in standstill.moment.waits:
            if (
                is_copied(wait)
                and wait.thread in standstill.graph.stuck
                and is_native(run, wait)
                and is_alone(standstill.moment, wait.thread)
                and standstill.holds_for([wait])
            ):
                lost = lost_threads(run, wait.thread.process)
                if lost:
                    yield _finding(standstill, wait, lost)


def _finding(standstill: Standstill, wait: Wait, lost: list[LostThread]) -> Finding:
    child, site = wait.thread.process, place_of(wait)
    parent = child.forked_from or child.parent
    where = f" called in {site.function}()" if site and site.function not in ("", "<module>") else ""
    return hang(
        standstill,
        [wait],
        title=f"{who(child)} hangs in native code{where}: {who(parent)} had {_threads(lost)} when it forked {who(child)}",
        why="The fork copied the locks of native libraries as they were then, and none of the threads that would release them.",
        fix=f"use multiprocessing.set_start_method('spawn'), or start {who(child)} before the library is used, at",
        fix_at=child.start_site or site,
        steps=[
            Step(f"the thread {one.name} {one.whereabouts}", None, one.at_ns, one.site)
            for one in lost[:3]
            if one.name and one.site
        ],
        processes=[parent] if parent else [],
        places=[
            *([Place("waiter", site, child)] if site else []),
            *([Place("fork", child.start_site, parent)] if child.start_site else []),
        ],
        doubts=["what it waits for inside of the native code was not looked at"],
    )


def _threads(lost: list[LostThread]) -> str:
    named = [f"the thread {thread.name}" for thread in lost if thread.name]
    native = sum(not thread.name for thread in lost)
    return listed([*named, *([counted(native, "native thread")] if native else [])])
