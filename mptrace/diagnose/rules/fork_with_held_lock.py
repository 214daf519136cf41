"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mptrace.diagnose.copied_locks import is_alone, is_copied, module_of, wanted_copy
from mptrace.diagnose.deaths import is_library
from mptrace.diagnose.finding import Finding, Place, Step
from mptrace.diagnose.folding import ANY_WAIT
from mptrace.diagnose.hang import hang, place_of
from mptrace.diagnose.lock_code import held_around, is_only_taken_by_blocks, last_name
from mptrace.diagnose.lost_threads import LostThread, lost_python_threads
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import Standstill, standstills
from mptrace.diagnose.wording import listed, verb, who
from mptrace.model.moment import Wait
from mptrace.model.process import Process
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
        copies: dict[tuple[str, Site | None, Process | None], list[Copy]] = {}
        for wait in standstill.moment.waits:
            copy = _copy(standstill, wait)
            if copy is not None:
                copies.setdefault((copy.lock, copy.taken, copy.parent), []).append(copy)
        for alike in copies.values():
            yield _finding(standstill, alike)


@dataclass(frozen=True, slots=True)
class Copy:
    """A child's wait for its copy of a lock; ``holder``: the thread that probably had the original, ``taken``: the line it was inside of."""

    wait: Wait
    lock: str
    lost: list[LostThread]
    holder: LostThread | None
    taken: Site | None
    doubts: list[str]

    @property
    def parent(self) -> Process | None:
        """Who was forked."""
        return self.wait.thread.process.forked_from or self.wait.thread.process.parent

    @property
    def threads(self) -> str:
        """The thread that had the lock, or those that may have had it."""
        return f"the thread {self.holder.name}" if self.holder else listed(f"the thread {one.name}" for one in self.lost)


def _copy(standstill: Standstill, wait: Wait) -> Copy | None:
    run = standstill.run
    if not is_copied(wait) or wait.thread not in standstill.graph.stuck or not standstill.holds_for([wait]):
        return None
    if not is_alone(standstill.moment, wait.thread) or _is_held_here(standstill, wait):
        return None
    lost = lost_python_threads(run, wait.thread.process)
    lock = wanted_copy(run, wait) if lost else ""
    if not lock:
        return None
    inside = _inside(run, lost, lock)
    holder, taken = inside[0] if inside else (_in_module(lost, lock), None)
    return Copy(wait, lock, lost, holder, taken, list(_doubts(run, wait, lock, inside)))


def _is_held_here(standstill: Standstill, wait: Wait) -> bool:
    """Has a thread of the child itself the lock, as its frames say?"""
    return wait.resource is not None and bool(standstill.moment.holders_of(wait.resource))


def _inside(run: Run, lost: list[LostThread], lock: str) -> list[tuple[LostThread, Site]]:
    """Return the threads that were inside a block of a lock of this name at the fork, each with the line that took it."""
    found = []
    for thread in lost:
        for number, site in enumerate(thread.stack):
            waits = f"{last_name(lock)}.wait" in run.source_line(site.file, site.line) and number > 0
            lines = [
                line for text, line in held_around(run, site) if last_name(text) == last_name(lock) and line.line < site.line
            ]
            if lines and not waits:  # a Condition's wait() gives its lock back
                found.append((thread, lines[0]))
                break
    return found


def _in_module(lost: list[LostThread], lock: str) -> LostThread | None:
    """Return the thread that was in the library's module that the lock is of, else the only one that there was."""
    module = lock.rpartition(" ")[2]
    inside = [one for one in lost if any(is_library(site.file) and module_of(site) == module for site in one.stack[:4])]
    return inside[0] if inside else lost[0] if len(lost) == 1 else None


def _doubts(run: Run, wait: Wait, lock: str, inside: list[tuple[LostThread, Site]]) -> Iterator[str]:
    """Yield why somebody else than that thread may have taken it."""
    if lock.startswith(("a lock of ", "the lock of ")):
        yield f"that it was {lock} which was held is told by the stacks alone"
    elif not inside:
        yield f"no thread of the parent was seen inside a block of {lock}"
    elif len(inside) > 1 and "." in lock:
        yield f"{len(inside)} threads of the parent were inside of a block of a lock of that name"
    elif not is_only_taken_by_blocks(run, lock):
        yield f"{lock} is also taken by acquire(), and may have been taken by {who(wait.thread)} itself"
    elif any(
        last_name(text) == last_name(lock) for site in wait.stack for text, line in held_around(run, site) if line != wait.site
    ):
        yield f"{who(wait.thread)} is inside of a block of {lock} itself"


def _finding(standstill: Standstill, copies: list[Copy]) -> Finding:
    first, children = copies[0], [copy.wait.thread.process for copy in copies]
    names, lock, threads = listed(who(child) for child in children), first.lock, first.threads
    doubts = list(dict.fromkeys(doubt for copy in copies for doubt in copy.doubts))
    it = "it was" if len(copies) == 1 else "they were"
    return hang(
        standstill,
        [copy.wait for copy in copies],
        title=f"{names} {verb(len(copies), 'waits', 'wait')} for {lock}, which {threads} of {who(first.parent)} "
        f"{'probably ' if doubts else ''}held when {it} forked",
        why=f"The fork copied {lock} as it was, taken, but not {threads}: nobody in {names} will ever release the copy.",
        fix=f"fork before the thread is started, or use multiprocessing.set_start_method('spawn'); {who(children[0])} is forked at",
        fix_at=children[0].start_site,
        steps=[_step(first, one) for one in ([first.holder] if first.holder else first.lost[:3])],
        processes=[first.parent] if first.parent else [],
        places=list(dict.fromkeys(place for copy in copies for place in _places(copy))),
        doubts=doubts,
    )


def _step(copy: Copy, thread: LostThread) -> Step:
    inside = copy.taken is not None and thread is copy.holder
    says = f"is inside of a block of {copy.lock}" if inside else thread.whereabouts
    site = copy.taken if inside else thread.site
    return Step(f"the thread {thread.name} of {who(copy.parent)} {says} at the fork", None, thread.at_ns, site)


def _places(copy: Copy) -> Iterator[Place]:
    child, site = copy.wait.thread.process, place_of(copy.wait)
    if site is not None:
        yield Place("waiter", site, child)
    held = copy.taken or (copy.holder.site if copy.holder else None)
    if held is not None:
        yield Place("holder", held, copy.parent)
    if child.start_site is not None:
        yield Place("fork", child.start_site, child.parent)
