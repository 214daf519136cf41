"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deaths import submitted
from mptrace.diagnose.finding import Evidence, Finding, Place, Step, Verdict
from mptrace.diagnose.folding import ANY_WAIT
from mptrace.diagnose.hang import place_of, wants
from mptrace.diagnose.respawns import failed_workers, fails_at_once, how
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import last_waits
from mptrace.diagnose.wording import counted, shortened, who
from mptrace.model.event import Event
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.wire.event import unsigned
from mptrace.wire.events import failures, tasks

ROUNDS = 2
"""So many deaths for each place of a pool are no accident."""


@rule(needs=("pool",), explains=(ANY_WAIT, "uncaught-exception", "unpickle-failed", "pool-worker-died", "hard-exit"))
def worker_respawn_loop(run: Run) -> Iterator[Finding]:
    """The workers of a pool die as fast as they are replaced.

    Why it hangs:
        A Pool replaces every worker that ends. If something ends each of them at once (a task that no worker can unpickle, a
        missing library), it does so for ever, and no result comes.

    How we know:
        The pool reaped several times as many failed workers as it has places, and their common cause was recorded. If only their
        ends were seen, from outside, it is likely: the next one may do better.

    What to do:
        Repair the cause. A ProcessPoolExecutor raises BrokenProcessPool at the first death.
    """
    for key, events in failed_workers(run).items():
        pool = next((resource for resource in run.resources if resource.key == key), None)
        initializer = any(unsigned(event.number("pool")) == key for event in run.of(tasks.INITIALIZER_FAILED))
        if pool is not None and not initializer and not fails_at_once(run, key) and len(events) >= ROUNDS * max(pool.number, 1):
            yield _finding(run, pool, events)


def _finding(run: Run, pool: Resource, gone: list[Event]) -> Finding:
    waiting, moment = last_waits(run, lambda wait: wait.call.target is pool, stuck=False)
    causes = [e for e in run.of(failures.UNCAUGHT, failures.UNPICKLE_FAILED) if e.process and e.process.pool is pool]
    cause, call = (causes[0] if causes else None), submitted(run, pool, None)
    error = shortened(f"{cause.text('error')}: {cause.text('message')}".rstrip(": "), 70) if cause else ""
    of = f"of {error}" if cause else f"one after the other{how(gone)}"
    at = call.site if call else pool.created_at
    sites = [
        *(("waiter", place_of(wait), wait.thread.process) for wait in waiting),
        *(("submitted", c.site, c.process) for c in [call] if c),
    ]
    return Finding(
        title=f"the workers of {pool.label} die as fast as they are replaced, {of}",
        verdict=Verdict.PROVEN if cause else Verdict.LIKELY,
        steps=(
            *(Step(f"died of {error}", one.process, one.at_ns, one.site) for one in causes[:3]),
            *(wants(wait) for wait in waiting),
        ),
        why=f"{counted(len(gone), 'worker')} ended so far; the pool has {counted(pool.number, 'place')} and fills them again and again.",
        fix="repair what ends the workers"
        + ("" if cause else ", which they write to stderr")
        + ("; the work is handed in at" if at else ""),
        fix_at=at,
        processes=tuple(dict.fromkeys([*(one.process for one in causes if one.process), *(w.thread.process for w in waiting)])),
        resources=(pool,),
        places=tuple(dict.fromkeys(Place(role, site, process) for role, site, process in sites if site)),
        evidence=tuple(Evidence(one.ref, f"{who(one.process)} found a worker dead") for one in gone[:10]),
        details=tuple(cause.text("traceback").splitlines()) if cause else (),
        at_ns=gone[0].at_ns,
        moment=moment,
    )
