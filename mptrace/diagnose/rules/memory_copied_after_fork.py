"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mptrace.diagnose.amounts import percent, size
from mptrace.diagnose.finding import Evidence, Finding, Place, Severity, Step, Verdict
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import counted, verb, who
from mptrace.model.event import Event
from mptrace.model.process import Process
from mptrace.model.run import Run
from mptrace.wire.events import observations

LEAST = 200_000_000
"""Bytes that all children of one parent must have copied."""

SHARE = 0.3
"""Part of the parent's memory that a child must have copied to count."""

KEPT = 0.8
"""The parent must still have so much of what it had at the fork: what it gave back is not shared with anybody."""


@dataclass(frozen=True, slots=True)
class Copy:
    """What one child has copied of its parent's memory."""

    child: Process
    bytes: int
    of: int
    event: Event


@rule(severity=Severity.HINT)
def memory_copied_after_fork(run: Run) -> Iterator[Finding]:
    """Forked processes end up with copies of a large object of their parent, page by page.

    Why it costs:
        A forked child shares its parent's memory until one of them writes to it. Python writes to an object to count the
        references to it, even when it is only read: after a walk through a large list, each child has a copy of it.

    How we know:
        The memory of the children as the kernel counts it: pages of their own, beyond what they have allocated themselves,
        against the memory of their parent at the fork.

    What to do:
        Keep large data in a numpy array or shared_memory, which have no reference counts inside; hand each child only its
        part; call gc.freeze() in the parent before the fork.
    """
    by_parent: dict[Process, list[Copy]] = {}
    for copy in _copies(run):
        if copy.child.parent is not None:
            by_parent.setdefault(copy.child.parent, []).append(copy)
    for parent, copies in by_parent.items():
        if len(copies) > 1 and sum(copy.bytes for copy in copies) >= LEAST:
            yield _finding(parent, copies)


def _copies(run: Run) -> Iterator[Copy]:
    most: dict[Process, Copy] = {}
    for event in run.of(observations.COPIED):
        child = run.process(event.number("pid"), event.at_ns)
        copy = _copy(run, child, event) if child is not None and child.start_method == "fork" else None
        if copy is not None and (copy.child not in most or most[copy.child].bytes < copy.bytes):
            most[copy.child] = copy
    return (copy for copy in most.values() if copy.bytes >= SHARE * copy.of)


def _copy(run: Run, child: Process, event: Event) -> Copy | None:
    """Return what it has copied: its own pages but those by which it has grown beyond what its parent had."""
    sizes, own = (_sizes(run, one) for one in (child.parent, child))
    before = [rss for at_ns, rss in sizes if at_ns <= child.started_ns][-1:]
    after = [rss for at_ns, rss in sizes if at_ns > child.started_ns][:1]
    now = [rss for at_ns, rss in sizes if at_ns <= event.at_ns][-1:]
    if not (before or after) or not own:
        return None
    had = min(max(before + after), own[0][1])  # neither was looked at just then, and the child was as large as the parent
    if not now or now[0] < KEPT * had:
        return None
    grown = max(event.number("rss") - had, 0)
    return Copy(child, min(max(event.number("own") - grown, 0), had), had, event)


def _sizes(run: Run, process: Process | None) -> list[tuple[int, int]]:
    """Return the samples of the memory of a process, by time."""
    if process is None:
        return []
    own = (
        event for event in run.of(observations.MEMORY) if event.number("pid") == process.pid and event.at_ns >= process.started_ns
    )
    return [(event.at_ns, event.number("rss")) for event in own if process.alive_at(event.at_ns)]


def _finding(parent: Process, copies: list[Copy]) -> Finding:
    whole, of = sum(copy.bytes for copy in copies), max(copy.of for copy in copies)
    first = copies[0]
    site = first.child.start_site
    children = counted(len(copies), "forked process", "forked processes")
    return Finding(
        title=f"{children} {verb(len(copies), 'has', 'have')} copied {size(whole)} of the memory of {who(parent)} by using its objects",
        verdict=Verdict.LIKELY,
        steps=(
            Step(f"had {size(of)} of memory at the fork", parent, first.child.started_ns, site),
            *(
                Step(f"had a copy of {size(copy.bytes)} of it ({percent(copy.bytes, copy.of)})", copy.child, copy.event.at_ns)
                for copy in copies[:6]
            ),
        ),
        why="Python counts references inside of each object, so that even reading it writes to its memory, and the page is copied.",
        fix="keep large data in numpy arrays or shared_memory, or give each process only its part; started at",
        fix_at=site,
        processes=(parent, *(copy.child for copy in copies)),
        places=(Place("start", site, parent),) if site else (),
        evidence=tuple(Evidence(copy.event.ref, f"memory of {who(copy.child)}") for copy in copies[:5]),
        at_ns=first.event.at_ns,
    )
