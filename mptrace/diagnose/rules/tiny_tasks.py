"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.amounts import rounded, seconds
from mptrace.diagnose.costs import Work, effort_of, works_of
from mptrace.diagnose.finding import Evidence, Finding, Place, Severity, Step
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import who
from mptrace.model.run import Run

MANY = 5_000
"""Tasks of one pool, before it is worth a hint."""

TINY_NS = 200_000
"""A task that takes longer on average is none."""

LEAST_NS = 500_000_000
"""So much CPU time must the workers have spent on taking tasks and giving back results."""

GOOD_NS = 10_000_000
"""How long the chunk that is proposed takes: a hundred times what it costs to hand it out."""

WITH_CHUNKS = ("imap", "map")


@rule(severity=Severity.HINT, needs=("pool", "executor", "connection"))
def tiny_tasks(run: Run) -> Iterator[Finding]:
    """Handing out the tasks of a pool costs more than the tasks themselves.

    Why it costs:
        Each task is pickled, sent to a worker, and its result sent back: about a tenth of a millisecond. For a task that is
        much shorter than that, the pool is slower than a plain loop.

    How we know:
        The workers counted what they took from the pool's queue and how long they were inside of tasks, and they used more
        CPU time outside of tasks than inside.

    What to do:
        Hand out many items at once: `imap(f, items, chunksize=1000)`, `executor.map(f, items, chunksize=1000)`, or one task
        for a list of items.
    """
    for work in works_of(run):
        if work.messages >= MANY and work.busy_ns / work.messages < TINY_NS and (spent := _beside(run, work)) is not None:
            yield _finding(work, spent)


def _beside(run: Run, work: Work) -> int | None:
    """Return the CPU time that the workers used outside of their tasks, if it was more than within."""
    efforts = [effort for worker in work.workers if (effort := effort_of(run, worker)) is not None]
    cpu, waited = sum(effort.cpu_ns for effort in efforts), sum(effort.delay_ns or 0 for effort in efforts)
    inside = work.busy_ns * cpu // max(cpu + waited, 1)  # so much of it they computed: the rest they waited for a core
    return cpu - inside if cpu - inside >= max(LEAST_NS, inside) else None


def _finding(work: Work, spent: int) -> Finding:
    each, call = work.busy_ns / work.messages, work.main_call
    chunk = max(min(rounded(GOOD_NS / max(each, 1)), rounded(work.messages / (4 * len(work.workers)))), 2)
    function = call.text("function") if call else ""
    way = f"chunksize={chunk}" if call and any(name in call.text("call") for name in WITH_CHUNKS) else ""
    fix = (
        f"hand out many items at once, with {way}, at"
        if way
        else f"give each task a list of about {chunk} items, or use map() with chunksize={chunk}, at"
    )
    maker = work.pool.made_by
    return Finding(
        title=f"{work.messages:,} tasks {f'of {function}() ' if function else ''}took {seconds(each)} each, and handing them out took longer",
        steps=(
            Step(
                f"handed in tasks one by one with {call.text('call') if call else 'submit'}()",
                maker,
                call.at_ns if call else None,
                work.site,
            ),
        ),
        why=f"The workers used {seconds(spent)} of CPU time to take tasks and to give back results, and {seconds(work.busy_ns)} inside of them.",
        fix=fix,
        fix_at=work.site,
        processes=(*((maker,) if maker else ()), *work.workers),
        resources=(work.pool,),
        places=(Place("submitted", work.site, maker),) if work.site else (),
        evidence=tuple(
            Evidence(effort.ref, f"CPU time of {who(worker)}")
            for worker in work.workers[:5]
            if (effort := effort_of(work.run, worker))
        ),
        at_ns=call.at_ns if call else None,
    )
