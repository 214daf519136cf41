"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.collect.sources import is_program
from mptrace.diagnose.copied_locks import is_alone, is_copied, is_native
from mptrace.diagnose.finding import Evidence, Finding, Place, Step, Verdict
from mptrace.diagnose.folding import ANY_WAIT
from mptrace.diagnose.hang import hang, place_of, wants
from mptrace.diagnose.lost_threads import LostThread, lost_threads
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import Standstill, standstills
from mptrace.diagnose.wording import counted, listed, who
from mptrace.model.moment import Moment, Native, Wait
from mptrace.model.process import Thread
from mptrace.model.run import Run
from mptrace.model.site import Site


@rule(needs=("program",), explains=(ANY_WAIT, "fork-with-threads"))
def native_lock_after_fork(run: Run) -> Iterator[Finding]:
    """A forked child hangs in native code, after a fork from a process with threads.

    Why it hangs:
        Libraries such as OpenMP, BLAS, gRPC, CUDA, or malloc itself, have locks and threads of their own. A fork copies the locks
        as they are, and none of the threads: the child waits for a lock that a thread held which it does not have, or for work
        by such a thread.

    How we know:
        The child's only thread waits without a timeout for a lock that no other process can reach, on a line that calls no lock
        of Python's, and its parent had other threads at the fork. The library and its function are read from the thread's stack.
        Proven if the lock itself says that its owner is one of the threads that the parent had at the fork and the child lacks (a
        mutex of the C library does); a lock that does not say so, or work that a lost thread was to do, is only likely. So is a
        child that does not wait but polls, computing for ever: its only thread was seen twice inside of the library that hands
        work to threads (OpenMP), in a function that polls, while nothing else in the job went on.

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
    for moment in run.moments:
        for thread, native in moment.spinning.items():
            if lost := lost_threads(run, thread.process):
                yield _polls(moment, thread, native, lost)


def _polls(moment: Moment, thread: Thread, native: Native, lost: list[LostThread]) -> Finding:
    child, look = thread.process, moment.looks.get(thread)
    parent, site = (
        child.forked_from or child.parent,
        next((one for one in look.stack if is_program(one.file)), None) if look else None,
    )
    waits = [wait for wait in moment.waits if wait.thread.process is not child and not wait.timed]
    return Finding(
        title=f"{who(child)} polls in {_where(native, site)}, for threads that it does not have: {who(parent)} had {_threads(lost)} "
        f"when it forked {who(child)}",
        verdict=Verdict.LIKELY,
        steps=(Step(f"polls in {_where(native, None)}", child, moment.at_ns, site),),
        why=f"{native.library} hands work to threads of its own. The fork copied what it knows of them, and none of them: nobody does "
        "the work, and the child computes for ever without getting on.",
        also=tuple(wants(wait) for wait in waits if not wait.thread.role.is_service),
        fix=f"use multiprocessing.set_start_method('spawn'), or start {who(child)} before the library is used, at",
        fix_at=child.start_site or site,
        processes=tuple(one for one in (child, parent) if one),
        places=(
            *([Place("waiter", site, child)] if site else []),
            *([Place("fork", child.start_site, parent)] if child.start_site else []),
        ),
        evidence=tuple(one.evidence() for one in lost[:3]) + tuple(Evidence(wait.ref, "waits meanwhile") for wait in waits[:3]),
        details=("that these threads will never come is not proven: the child may compute",),
        moment=moment.number,
        waits=tuple(waits[:1]),
        at_ns=moment.at_ns,
    )


def _finding(standstill: Standstill, wait: Wait, lost: list[LostThread]) -> Finding:
    child, site = wait.thread.process, place_of(wait)
    parent = child.forked_from or child.parent
    native = standstill.moment.native.get(wait.thread)
    owner = next((one for one in lost if native is not None and native.owner and one.tid == native.owner), None)
    return hang(
        standstill,
        [wait],
        title=f"{who(child)} hangs in {_where(native, site)}: "
        + (
            f"{_threads([owner])} of {who(parent)} held the lock when {who(child)} was forked"
            if owner
            else f"{who(parent)} had {_threads(lost)} when it forked {who(child)}"
        ),
        why=f"The lock's owner is {_threads([owner])} of {who(parent)}: the fork copied the lock, but not its owner."
        if owner
        else "The fork copied the locks of native libraries as they were then, and none of the threads that would release them.",
        fix=f"use multiprocessing.set_start_method('spawn'), or start {who(child)} before the library is used, at",
        fix_at=child.start_site or site,
        steps=[
            Step(f"the thread {one.name} {one.whereabouts}", None, one.at_ns, one.site)
            for one in ([owner] if owner else lost[:3])
            if one.name and one.site
        ],
        processes=[parent] if parent else [],
        places=[
            *([Place("waiter", site, child)] if site else []),
            *([Place("fork", child.start_site, parent)] if child.start_site else []),
        ],
        doubts=[] if owner else ["whose the lock is that it waits for in the native code is not known"],
    )


def _where(native: Native | None, site: Site | None) -> str:
    """Return ``pthread_mutex_lock() of libc.so.6, called in transform()``; ``native code`` where that was not read."""
    called = f", called in {site.function}()" if site and site.function not in ("", "<module>") else ""
    if native is None or not native.library:
        return f"native code{called}"
    return (f"{native.function}() of {native.library}" if native.function else f"native code of {native.library}") + called


def _threads(lost: list[LostThread]) -> str:
    named = [f"the thread {thread.name}" for thread in lost if thread.name]
    native = sum(not thread.name for thread in lost)
    return listed([*named, *([counted(native, "native thread")] if native else [])])
