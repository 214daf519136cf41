"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.amounts import percent, seconds
from mptrace.diagnose.costs import effort_of, lived_ns
from mptrace.diagnose.finding import Evidence, Finding, Place, Severity, Step
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import listed, who
from mptrace.model.event import Event
from mptrace.model.process import Process
from mptrace.model.run import Run
from mptrace.wire.events import resources, shared

MANY = 5_000
"""Calls through proxies of one manager, before it is worth a hint."""

LEAST_NS = 2_000_000_000
"""So long must all of them together take."""

SMALL_NS = 2_000_000
"""A call that takes longer on average does, or waits for, something."""

SHARE = 0.3
"""Part of its life that the process with the most of them must have spent in them."""

MAY_WAIT = frozenset(("get", "put", "acquire", "wait", "join", "wait_for", "__enter__"))
WITH_WAITS = frozenset((
    "Queue", "JoinableQueue", "Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition", "Event", "Barrier", "Pool", "AsyncResult",
))  # fmt: skip
"""Methods of these types wait for what another process does: their time is no cost of the manager."""


@rule(severity=Severity.HINT, needs=("managers",))
def manager_bottleneck(run: Run) -> Iterator[Finding]:
    """Many small calls go through one manager, one after the other.

    Why it costs:
        Every `d[key]` and every `l.append(x)` of a manager's dict or list is a message to its server process and back, a
        tenth of a millisecond, and the server answers all processes with one interpreter.

    How we know:
        The calls of each process by method, and the time from call to answer.

    What to do:
        Work on a plain dict or list, and write the result back once (`shared.update(mine)`); return results from the task
        instead; use Value, Array or shared_memory for numbers.
    """
    calls: dict[int, dict[tuple[Process, str], Event]] = {}
    for event in run.of(shared.PROXY_CALLS):
        if event.process is not None and not _may_wait(event.text("method")):
            calls.setdefault(event.number("key"), {})[event.process, event.text("method")] = event
    for key, last in calls.items():
        events = sorted(last.values(), key=lambda event: -event.number("took_ns"))
        if _is_heavy(events):
            yield from _finding(run, key, events)


def _may_wait(method: str) -> bool:
    kind, _, name = method.rpartition(".")
    return kind in WITH_WAITS and name in MAY_WAIT


def _is_heavy(events: list[Event]) -> bool:
    count, took = (sum(event.number(name) for event in events) for name in ("count", "took_ns"))
    return count >= MANY and took >= LEAST_NS and took / count <= SMALL_NS


def _most(run: Run, events: list[Event]) -> tuple[Process | None, float]:
    """Return who spent the largest part of its life in such calls, and that part."""
    spent: dict[Process, int] = {}
    for event in events:
        if event.process is not None:
            spent[event.process] = spent.get(event.process, 0) + event.number("took_ns")
    shares = {process: took / lived_ns(run, process) for process, took in spent.items()}
    process = max(shares, key=lambda process: shares[process], default=None)
    return process, shares[process] if process else 0.0


def _finding(run: Run, key: int, events: list[Event]) -> Iterator[Finding]:
    process, share = _most(run, events)
    if process is None or share < SHARE:
        return
    count, took = (sum(event.number(name) for event in events) for name in ("count", "took_ns"))
    heaviest, server = events[0], _server(run, key)
    effort = effort_of(run, server) if server else None
    busy = f" The manager's process used {seconds(effort.cpu_ns)} of CPU time to answer." if effort else ""
    method = heaviest.text("method").rpartition(".")[2]
    yield Finding(
        title=f"{count:,} calls through a manager took {seconds(took)}: {percent(share, 1)} of the life of {who(process)}",
        steps=tuple(_steps(events)),
        why=f"Each call is a message to the manager's process and back, {seconds(took / count)} on average, and that process answers one at a time.{busy}",
        fix=f"collect in a plain dict or list, and hand it over once at the end, instead of {method}() for each item at",
        fix_at=heaviest.site,
        processes=tuple(
            dict.fromkeys([process, *(event.process for event in events if event.process), *((server,) if server else ())])
        ),
        places=(Place("call", heaviest.site, heaviest.process),) if heaviest.site else (),
        evidence=tuple(Evidence(event.ref, f"calls of {who(event.process)}") for event in events[:5]),
    )


def _steps(events: list[Event]) -> Iterator[Step]:
    """Yield a line for each method on each line of the program, whoever called it."""
    groups: dict[object, list[Event]] = {}
    for event in events:
        groups.setdefault((event.text("method"), event.site), []).append(event)
    for group in list(groups.values())[:6]:
        names = dict.fromkeys(who(event.process) for event in group)
        count, took = (sum(event.number(name) for event in group) for name in ("count", "took_ns"))
        yield Step(
            f"{listed(names)} called {group[0].text('method')}() {count:,} times, {seconds(took)} in all",
            None,
            None,
            group[0].site,
        )


def _server(run: Run, key: int) -> Process | None:
    made = next(
        (event for event in run.of(resources.MADE) if event.text("kind") == "Manager" and event.number("key") == key), None
    )
    return run.process(made.number("number"), made.at_ns) if made else None
