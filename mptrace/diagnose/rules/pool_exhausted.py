"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deaths import submitted
from mptrace.diagnose.finding import Finding, Place, Step, Verdict
from mptrace.diagnose.folding import ANY_WAIT
from mptrace.diagnose.hang import hang, place_of
from mptrace.diagnose.helping_code import helps
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import Standstill, standstills
from mptrace.diagnose.wording import call_of, counted, listed, shortened
from mptrace.model.event import Event
from mptrace.model.moment import Doing, Wait
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.wire import wait as kinds
from mptrace.wire.event import unsigned
from mptrace.wire.events import tasks

QUEUES = ("_inqueue", "_call_queue")
"""Where a Pool and a ProcessPoolExecutor keep what no worker has taken yet."""


@rule(needs=("pool", "process"), explains=(ANY_WAIT,))
def pool_exhausted(run: Run) -> Iterator[Finding]:
    """Every worker of a pool waits for something that only work queued behind them in the same pool would bring about.

    Why it hangs:
        A worker does one task at a time, and does not leave it to do another. If all workers are in tasks that wait for what a
        later task does, that task never gets a worker.

    How we know:
        All workers of the pool are in the middle of a task and wait without a timeout; nobody outside of the pool who could
        help runs, or all of those wait for results of the pool as well; and there is work that no worker has taken, whose
        function does what they wait for, by its text. Where the text is not at hand, it is only likely.

    What to do:
        Submit first what the others need, do it in the parent or in a pool of its own, or have more workers than tasks that wait
        (which only moves the limit).
    """
    for standstill in standstills(run):
        for pool in run.resources:
            if pool.kind in ("Pool", "ProcessPoolExecutor"):
                yield from _look(standstill, pool)


def _look(standstill: Standstill, pool: Resource) -> Iterator[Finding]:
    moment = standstill.moment
    workers = [process for process in moment.processes if process.pool is pool]
    doings = [doing for doing in moment.doings if doing.thread.process in workers]
    waits = [wait for doing in doings if (wait := moment.wait_of(doing.thread)) is not None]
    busy = {wait.thread.process for wait in waits if not wait.timed and wait.thread in standstill.graph.stuck}
    if moment.final or not workers or len(workers) < pool.number or busy != set(workers) or not standstill.holds_for(waits):
        return
    behind = [
        wait for wait in standstill.behind(waits) if wait.call.resource is pool and wait.call.kind in (kinds.RESULT, kinds.FUTURE)
    ]
    unbegun, queued = _unbegun(standstill, pool, doings), _is_queued(standstill, pool)
    helping, sure = _helping(standstill, waits, unbegun)
    if helping and (queued or behind):
        sure = sure and queued and _is_accounted(standstill, pool, waits, behind)
        yield _finding(standstill, pool, waits, doings, helping, sure=sure)


def _helping(standstill: Standstill, waits: list[Wait], unbegun: list[Event]) -> tuple[list[Event], bool]:
    """Return the calls whose functions may end one of the waits, by their text, and whether that is what they do."""
    free = [wait for wait in waits if wait not in standstill.graph.exact and wait.kind != kinds.MUTEX_WAIT]
    told = [(event, helps(standstill.run, event.text("function"), wait)) for event in unbegun for wait in free]
    sure = [event for event, does in told if does]
    return list(dict.fromkeys(sure or [event for event, does in told if does is None])), bool(sure)


def _unbegun(standstill: Standstill, pool: Resource, doings: list[Doing]) -> list[Event]:
    """Return the calls that handed in what no worker has begun: those after the last one that a worker is in."""
    calls = [event for event in standstill.run.of(tasks.SUBMITTED) if unsigned(event.number("pool")) == pool.key]
    calls = [event for event in calls if event.at_ns <= standstill.moment.at_ns]
    last = max(doing.job for doing in doings)
    return [
        event
        for event in calls
        if event.number("job") > last or (event.number("job") == last and event.number("tasks") > len(doings))
    ]


def _is_queued(standstill: Standstill, pool: Resource) -> bool:
    """Does something lie in the pipe to the workers?"""
    pipes = [part for role in QUEUES if role in pool.parts for name, part in pool.parts[role].parts.items() if name == "_reader"]
    return any(standstill.moment.queued.get(pipe, 0) > 0 for pipe in pipes)


def _is_accounted(standstill: Standstill, pool: Resource, waits: list[Wait], behind: list[Wait]) -> bool:
    """Can all who could end a worker's wait be told: workers, those who wait for the pool's results, and the pool's own threads?"""
    known = {wait.thread for wait in (*waits, *behind)}
    others = {waker for wait in waits for waker in standstill.graph.wakers.get(wait, set())} - known
    return all(other.serves is pool for other in others)


def _finding(
    standstill: Standstill, pool: Resource, waits: list[Wait], doings: list[Doing], unbegun: list[Event], *, sure: bool
) -> Finding:
    names = listed(shortened(doing.text, 40) for doing in doings)
    needed = _likely_needed(unbegun, doings)
    call = submitted(standstill.run, pool, needed.number("job")) or needed
    waiting = list(dict.fromkeys(call_of(wait) for wait in waits))
    submitted_ns = None if standstill.run.meta.attached else call.at_ns  # seen in the queue: nobody knows since when
    finding = hang(
        standstill,
        waits,
        title=f"all {counted(len(waits), 'worker')} of {pool.label} wait in {listed(waiting)}, and {_function(needed)} is queued behind them",
        why=f"The workers are in {names}; none of them takes other work before that returns, and nobody else runs who could end it.",
        fix=f"submit what {listed(waiting)} waits for before the tasks that wait for it, or run it outside of {pool.label}{'; it is submitted at' if call.site else ''}",
        fix_at=call.site,
        steps=[_step(doing) for doing in doings] + [Step(f"submits {_function(needed)}", call.process, submitted_ns, call.site)],
        resources=[pool, *(wait.call.resource.outermost for wait in waits if wait.call.resource)],
        places=[*(Place("waiter", site, wait.thread.process) for wait in waits if (site := place_of(wait))),
                *([Place("submitted", call.site, call.process)] if call.site else [])],
        doubts=[] if sure else ["who else could end these waits, or what is still to be done, was not seen in full"],
    )  # fmt: skip
    if finding.verdict is Verdict.PROVEN and any(standstill.moment.still(wait.thread) is None for wait in waits):
        finding.verdict = Verdict.LIKELY
    return finding


def _function(event: Event) -> str:
    return f"{event.text('function')}()" if event.text("function") else "a task"


def _likely_needed(unbegun: list[Event], doings: list[Doing]) -> Event:
    """Return the first call for another function than the workers are in; if there is none, the first one."""
    others = [event for event in unbegun if not any(doing.text.startswith(f"{event.text('function')}(") for doing in doings)]
    return (others or unbegun)[0]


def _step(doing: Doing) -> Step:
    return Step(f"begins {shortened(doing.text, 44)}", doing.thread.process, doing.since_ns)
