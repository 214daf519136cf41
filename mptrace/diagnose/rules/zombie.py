"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deaths import death_evidence, told_of
from mptrace.diagnose.finding import Finding, Place, Severity, Step
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import counted, listed, who
from mptrace.model.process import Process, Role
from mptrace.model.run import Run
from mptrace.wire.events import processes

LONG_NS = 2_000_000_000
"""A child that is reaped so soon after its end is no trouble."""

FEW = 3
"""So many at once are worth a line."""


@rule(severity=Severity.HINT, needs=("process",))
def zombie(run: Run) -> Iterator[Finding]:
    """Children ended and were not joined: they stay in the table of processes while their parent goes on.

    Why it costs:
        The kernel keeps a process that has ended until its parent asks how. A parent that starts children and never joins them
        fills the table, and the limit on processes counts them (ulimit -u, a container's pids limit).

    How we know:
        The children were seen to end; their parent did not ask for more than two seconds, and lived.

    What to do:
        Call join() on each, or multiprocessing.active_children() now and then, which joins all that have ended; or use a Pool.
    """
    if run.meta.ended_by:
        return
    left: dict[Process, list[Process]] = {}
    for process in run.processes:
        if process.role is Role.CHILD and process.parent is not None and process.parent.traced and _was_left(run, process):
            left.setdefault(process.parent, []).append(process)
    for parent, children in left.items():
        if len(children) >= FEW:
            yield _finding(run, parent, children)


def _was_left(run: Run, process: Process) -> bool:
    """Was it there for long after its end, because nobody asked?"""
    if process.ended_ns is None or process.exit is None or process.exit.seen_by != "observer" or process.parent is None:
        return False
    asked = [event.at_ns for event in told_of(run, process, processes.REAPED)]
    until = min(asked, default=process.parent.ended_ns or run.seen_ns)
    return until - process.ended_ns > LONG_NS


def _finding(run: Run, parent: Process, children: list[Process]) -> Finding:
    sites = tuple(dict.fromkeys(child.start_site for child in children if child.start_site))
    first = min(children, key=lambda child: child.ended_ns or 0)
    return Finding(
        title=f"{counted(len(children), 'child', 'children')} of {who(parent)} ended and {'was' if len(children) == 1 else 'were'} never joined",
        steps=(Step(f"ended first of {listed(who(child) for child in children)}", first, first.ended_ns, first.start_site),),
        why="What has ended stays in the table of processes until its parent joins it.",
        fix=f"join() them, or call multiprocessing.active_children() now and then{'; started at' if sites else ''}",
        fix_at=sites[0] if sites else None,
        processes=(parent, *children),
        places=tuple(Place("start", site, parent) for site in sites),
        evidence=tuple(one for child in children[:5] for one in death_evidence(run, child)),
        at_ns=first.ended_ns,
    )
