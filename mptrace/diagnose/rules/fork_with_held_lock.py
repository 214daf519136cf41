"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.copied_locks import is_copied, module_of, wanted_copy
from mptrace.diagnose.deaths import is_library
from mptrace.diagnose.finding import Finding, Place, Step
from mptrace.diagnose.folding import ANY_WAIT
from mptrace.diagnose.hang import hang, place_of
from mptrace.diagnose.lock_code import held_around, is_only_taken_by_blocks, last_name
from mptrace.diagnose.lost_threads import LostThread, lost_python_threads
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import Standstill, standstills
from mptrace.diagnose.wording import listed, who
from mptrace.model.moment import Wait
from mptrace.model.run import Run
from mptrace.model.site import Site


@rule(needs=("program",), explains=(ANY_WAIT, "fork-with-threads"))
def fork_with_held_lock(run: Run) -> Iterator[Finding]:
    """A forked child waits for a lock that another thread of its parent held at the fork.

    Why it hangs:
        A fork copies the memory with all locks as they are at that instant, but only the thread that forks. A lock that another
        thread held then is taken in the child for ever: the thread that would release it does not exist there.

    How we know:
        The child has one thread, which waits without a timeout for a lock that no other process can reach. At the fork, a thread
        of the parent was inside the block of that lock, and the child itself is in no such block. Where the program takes the
        lock in other ways, or the lock is one of the library's, it is only likely.

    What to do:
        Fork before there are threads, or use the start method spawn or forkserver; or take the lock around the fork as well.
    """
    for standstill in standstills(run):
        for wait in standstill.moment.waits:
            lost = (
                lost_python_threads(run, wait.thread.process) if is_copied(wait) and wait.thread in standstill.graph.stuck else []
            )
            lock = wanted_copy(run, wait) if lost else ""
            if lock and standstill.holds_for([wait]):
                yield _finding(standstill, wait, lost, lock)


def _finding(standstill: Standstill, wait: Wait, lost: list[LostThread], lock: str) -> Finding:
    run, child = standstill.run, wait.thread.process
    parent = child.forked_from or child.parent
    holder, taken = _holder(run, lost, lock)
    doubts = list(_doubts(run, wait, holder, taken, lock))
    thread = f"the thread {holder.name}" if holder else listed(f"the thread {one.name}" for one in lost)
    verb = "held" if not doubts else "probably held"
    return hang(
        standstill,
        [wait],
        title=f"{who(child)} waits for {lock}, which {thread} of {who(parent)} {verb} when {who(child)} was forked",
        why=f"The fork copied {lock} as it was, taken, but not {thread}: nobody in {who(child)} will ever release the copy.",
        fix=f"fork before the thread is started, or use multiprocessing.set_start_method('spawn'); {who(child)} is forked at",
        fix_at=child.start_site,
        steps=[_step(one, parent, taken if one is holder else None) for one in ([holder] if holder else lost[:3])],
        processes=[parent] if parent else [],
        places=list(_places(child.start_site, holder, taken, wait)),
        doubts=doubts,
    )


def _holder(run: Run, lost: list[LostThread], lock: str) -> tuple[LostThread | None, Site | None]:
    """Return the thread that was inside a block of that lock at the fork, and the line that took it; else one in the same module."""
    for thread in lost:
        for site in thread.stack:
            for text, taken in held_around(run, site):
                if last_name(text) == last_name(lock):
                    return thread, taken
    module = lock.rpartition(" ")[2]
    inside = [one for one in lost if any(is_library(site.file) and module_of(site) == module for site in one.stack[:4])]
    return (inside[0], inside[0].site) if inside else (lost[0], lost[0].site) if len(lost) == 1 else (None, None)


def _doubts(run: Run, wait: Wait, holder: LostThread | None, taken: Site | None, lock: str) -> Iterator[str]:
    """Yield why somebody else than that thread may have taken it."""
    if lock.startswith(("a lock of ", "the lock of ")):
        yield f"that it was {lock} which was held is told by the stacks alone"
    elif holder is None or taken is None or not any(taken == line for site in holder.stack for _, line in held_around(run, site)):
        yield f"no thread of the parent was seen inside a block of {lock}"
    elif not is_only_taken_by_blocks(run, lock):
        yield f"{lock} is also taken by acquire(), and may have been taken by {who(wait.thread)} itself"
    elif any(
        last_name(text) == last_name(lock) for site in wait.stack for text, line in held_around(run, site) if line != wait.site
    ):
        yield f"{who(wait.thread)} is inside of a block of {lock} itself"


def _step(thread: LostThread, parent: object, taken: Site | None) -> Step:
    says = "is inside of the lock's block" if taken else thread.whereabouts
    return Step(f"the thread {thread.name} of {who(parent)} {says} at the fork", None, thread.at_ns, taken or thread.site)  # type: ignore[arg-type]


def _places(start: Site | None, holder: LostThread | None, taken: Site | None, wait: Wait) -> Iterator[Place]:
    site = place_of(wait)
    if site is not None:
        yield Place("waiter", site, wait.thread.process)
    if taken is not None or (holder and holder.site):
        yield Place("holder", taken or holder.site, None)  # type: ignore[union-attr,arg-type]
    if start is not None:
        yield Place("fork", start, wait.thread.process.parent)
