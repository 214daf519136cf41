"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.copied_locks import is_alone
from mptrace.diagnose.finding import Finding, Place, Step
from mptrace.diagnose.folding import ANY_WAIT
from mptrace.diagnose.hang import hang, place_of
from mptrace.diagnose.lost_threads import LostThread, lost_python_threads
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import Standstill, standstills
from mptrace.diagnose.wording import who
from mptrace.model.moment import Wait
from mptrace.model.run import Run
from mptrace.wire import wait as kinds

WAITS_FOR = {
    "concurrent/futures/_base.py": ("the result of a future", ("concurrent/futures/thread.py", "concurrent/futures/process.py")),
    "queue.py": ("a queue.Queue", ()),
    "asyncio/base_events.py": ("an event loop", ("asyncio/base_events.py", "selectors.py")),
}
"""File of the library that waits -> what for, and the files in which the thread that serves it spends its time."""


@rule(needs=("program", "threads"), explains=(ANY_WAIT, "fork-with-threads"))
def thread_missing_after_fork(run: Run) -> Iterator[Finding]:
    """A forked child waits for what a thread was to do that only its parent has.

    Why it hangs:
        A fork copies an executor, a queue or a client with all its state, but not its threads. The child's copy takes work and
        looks alive, and nobody does the work.

    How we know:
        The child waits without a timeout for a future or a queue of its own memory, which only its own threads can end, and it
        has none that could. At the fork, its parent had the thread that serves it.

    What to do:
        Make the executor, the queue's consumer or the client in the child, or use the start method spawn or forkserver.
    """
    for standstill in standstills(run):
        for wait in standstill.moment.waits:
            if not wait.timed and standstill.holds_for([wait]):
                yield from _futures(standstill, wait)
                yield from _pools(standstill, wait)


def _futures(standstill: Standstill, wait: Wait) -> Iterator[Finding]:
    """Yield it for a wait inside the child's own memory: a thread's future, a queue."""
    if wait.kind != kinds.MUTEX_WAIT or wait.thread not in standstill.graph.stuck or not is_alone(standstill.moment, wait.thread):
        return
    what, servants = _waited_for(wait)
    lost = lost_python_threads(standstill.run, wait.thread.process) if what else []
    if not lost:
        return
    served = [thread for thread in lost if any(site.file.endswith(servants) for site in thread.stack[:6])] if servants else []
    doubts = [] if served else [f"which thread of the parent served {what} was not seen"]
    yield _finding(standstill, wait, what, served or lost, doubts)


def _waited_for(wait: Wait) -> tuple[str, tuple[str, ...]]:
    inner = next((site for site in wait.stack if not site.file.endswith("/threading.py")), None)
    if inner is None or not wait.stack[0].function.rpartition(".")[2].endswith("wait"):
        return "", ()
    return next(
        (found for file, found in WAITS_FOR.items() if inner.file.endswith("/" + file) and "/lib/python3" in inner.file), ("", ())
    )


def _pools(standstill: Standstill, wait: Wait) -> Iterator[Finding]:
    """Yield it for a result of a pool or executor that the parent made before the fork."""
    pool, process = wait.call.resource, wait.thread.process
    if wait.call.kind not in (kinds.RESULT, kinds.FUTURE) or pool is None or process.forked_from is None:
        return
    elsewhere = pool.made_by is not None and pool.made_by is not process and pool.made_by.started_ns < process.started_ns
    if not elsewhere or any(thread.serves is pool for thread in process.threads):
        return
    lost = lost_python_threads(standstill.run, process)
    servants = [thread for maker in (pool.made_by,) if maker for thread in maker.threads if thread.serves is pool]
    served = [one for one in lost if one.tid in {thread.tid for thread in servants}]
    yield _finding(
        standstill, wait, f"a result of {pool.label}", served or lost, [] if served else ["what served it was not seen"]
    )


def _finding(standstill: Standstill, wait: Wait, what: str, lost: list[LostThread], doubts: list[str]) -> Finding:
    child = wait.thread.process
    parent, pool = child.forked_from or child.parent, wait.call.resource
    thread = f"the thread {lost[0].name}" if lost else "the threads"
    site = place_of(wait)
    places = [Place("waiter", site, child)] if site else []
    return hang(
        standstill,
        [wait],
        title=f"{who(child)} waits for {what}, which {thread} would do: only {who(parent)}, which forked it, has that thread",
        why=f"A fork copies the objects but not the threads; {who(child)} has nobody who does what it waits for.",
        fix=f"make in {who(child)} what it uses there, instead of using what was made before the fork, at",
        fix_at=site,
        steps=[Step(f"{thread} of {who(parent)} runs at the fork", None, lost[0].at_ns, child.start_site)] if lost else [],
        resources=[pool] if pool and pool.created_at else [],
        processes=[parent] if parent else [],
        places=[*places, *([Place("fork", child.start_site, parent)] if child.start_site else [])],
        doubts=doubts,
    )
