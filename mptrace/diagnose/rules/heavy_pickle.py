"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from mptrace.diagnose.amounts import percent, seconds, size
from mptrace.diagnose.costs import POOLS, lived_ns
from mptrace.diagnose.finding import Evidence, Finding, Place, Severity, Step
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import who
from mptrace.model.event import Event
from mptrace.model.process import Process
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.model.site import Site
from mptrace.wire.event import unsigned
from mptrace.wire.events import shared

MANY = 10
"""Large messages of one line, before it is worth a hint: what comes once or twice does not matter."""

LEAST_NS = 500_000_000
"""So long must pickling, or rebuilding, them take in one process."""

SHARE = 0.1
"""Part of that process's life which this must be."""


SAME = 0.01
"""By so little may the average sizes of what is sent and what is received differ to be the same."""


@dataclass(slots=True, eq=False)
class Flow:
    """Large messages of one line, or of one queue or pool: the last totals of each process, for each way."""

    events: dict[tuple[Process, int, int, Site | None], Event] = field(default_factory=dict)

    def total(self, name: str, *, received: bool) -> int:
        """Return a sum over all processes that sent, or received."""
        return sum(event.number(name) for event in self.events.values() if bool(event.number("received")) is received)


@rule(severity=Severity.HINT, needs=("reduction",))
def heavy_pickle(run: Run) -> Iterator[Finding]:
    """Large objects are pickled, sent and rebuilt again and again.

    Why it costs:
        Whatever goes through a queue, a pipe or a pool is pickled by who sends it and rebuilt by who receives it: 10 to 100
        milliseconds for a million numbers, every time, on both sides.

    How we know:
        The messages of 64 KiB and more on each line: their number, their bytes, and how long pickling and rebuilding took.

    What to do:
        Send it once, with the initializer of the pool; put large arrays into shared_memory and send the name; send the path
        or the range instead of the data, and results that are as small as they can be.
    """
    for flow in _flows(run):
        process, took = _hardest_hit(flow)
        if process is not None and took >= max(LEAST_NS, SHARE * lived_ns(run, process)) and _count(flow) >= MANY:
            yield _finding(run, flow, process, took)


def _flows(run: Run) -> list[Flow]:
    """Return the messages by the line that sent them; of what a thread of the library sends or receives, by its queue or pool.

    Where something is received that has the size of what is sent elsewhere, it is taken for the same.
    """
    flows: dict[object, Flow] = {}
    for event in run.of(shared.HEAVY):
        if event.process is not None:
            flow = flows.setdefault(_way(run, event), Flow())
            flow.events[event.process, event.number("received"), event.number("key"), event.site] = event
    sent = [flow for flow in flows.values() if flow.total("count", received=False)]
    for flow in flows.values():
        if flow not in sent:
            other = next((other for other in sent if _is_alike(flow, other)), None)
            if other is not None:
                other.events.update(flow.events)
            else:
                sent.append(flow)
    return sent


def _way(run: Run, event: Event) -> object:
    """Return what it went through: a pool's tasks, or its results; a queue; else the line."""
    pool = _pool(run, event)
    if pool is not None and pool.kind in POOLS and event.process is not None:
        return pool, (event.process.pool is pool) == bool(event.number("received"))
    return pool or event.site or event.number("key")


def _is_alike(received: Flow, sent: Flow) -> bool:
    """Have the messages the same size on average?"""
    one = received.total("bytes", received=True) / max(received.total("count", received=True), 1)
    other = sent.total("bytes", received=False) / max(sent.total("count", received=False), 1)
    return abs(one - other) <= SAME * other


def _pool(run: Run, event: Event) -> Resource | None:
    key = unsigned(event.number("key"))
    return next((resource for resource in run.resources if key and resource.key == key), None)


def _count(flow: Flow) -> int:
    return max(flow.total("count", received=False), flow.total("count", received=True))


def _hardest_hit(flow: Flow) -> tuple[Process | None, int]:
    """Return the process that spent the most time on these messages, and how long."""
    spent: dict[Process, int] = {}
    for (one, *_), event in flow.events.items():
        spent[one] = spent.get(one, 0) + event.number("took_ns")
    process = max(spent, key=lambda each: spent[each], default=None)
    return process, spent[process] if process else 0


def _finding(run: Run, flow: Flow, process: Process, took: int) -> Finding:
    heaviest = max(
        flow.events.values(), key=lambda event: (event.site is not None, not event.number("received"), event.number("took_ns"))
    )
    pool = next((found for event in flow.events.values() if (found := _pool(run, event))), None)
    site = heaviest.site or (pool.outermost.created_at if pool else None)
    count, total = _count(flow), max(flow.total("bytes", received=False), flow.total("bytes", received=True))
    return Finding(
        title=f"{who(process)} spent {seconds(took)}, {percent(took, lived_ns(run, process))} of its life, on pickling: {count:,} messages of {size(total / count)}{_where(pool)}",
        steps=tuple(_step(event) for event in sorted(flow.events.values(), key=lambda event: -event.number("took_ns"))[:6]),
        why=_why(flow),
        fix=_fix(heaviest),
        fix_at=site,
        processes=tuple(dict.fromkeys([process, *(one for one, *_ in flow.events)])),
        resources=(pool.outermost,) if pool else (),
        places=(Place("sent" if not heaviest.number("received") else "received", site, heaviest.process),) if site else (),
        evidence=tuple(Evidence(event.ref, "messages so far") for event in list(flow.events.values())[:5]),
    )


def _where(pool: Resource | None) -> str:
    return f" through {pool.outermost.label}" if pool else ""


def _step(event: Event) -> Step:
    did = "rebuilt" if event.number("received") else "pickled"
    call = f" in {event.text('call')}()" if event.text("call") and " " not in event.text("call") else ""
    says = f"{did} {event.number('count'):,} messages, {size(event.number('bytes'))} in {seconds(event.number('took_ns'))}{call}"
    return Step(says, event.process, None, event.site)


def _why(flow: Flow) -> str:
    sent, received = flow.total("took_ns", received=False), flow.total("took_ns", received=True)
    both = f"Pickling took {seconds(sent)} in all" + (f", rebuilding {seconds(received)}" if received else "")
    return f"{both}; sending the bytes comes on top of that."


def _fix(event: Event) -> str:
    call = event.text("call")
    if call.startswith("result of"):
        return f"return less, or put it into shared_memory and return its name: {call.removeprefix('result of ')}() at"
    if call.startswith(("Pool.", "Executor.")):
        return "send what all tasks need once, with the pool's initializer, or put it into shared_memory, instead of with each task at"
    return "put it into shared_memory and send its name, or send only what changes, at"
