"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from mptrace.diagnose.deaths import MISSED, death_evidence, last_task
from mptrace.diagnose.finding import Evidence, Finding, Step, Verdict
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import shortened, who
from mptrace.model.event import Event
from mptrace.model.process import Process
from mptrace.model.run import Run
from mptrace.wire.events import observations

NEAR_NS = 5_000_000_000
"""The counter is read now and then: a kill and its count may be so far apart."""


@rule(explains=(*MISSED, "killed-by-signal"))
def oom_killed(run: Run) -> Iterator[Finding]:
    """The kernel killed a process because memory ran out.

    Why it crashes:
        A container or cgroup has a limit on memory. When its processes want more, the kernel ends one of them with SIGKILL; no
        exception is raised anywhere.

    How we know:
        The process died of SIGKILL that no process of the job sent, and the counter of such kills went up.

    What to do:
        Use fewer workers, give each less to do at a time, or raise the limit.
    """
    counts = list(run.of(observations.OOM))
    for before, after in pairwise(counts):
        if after.number("kills") > before.number("kills"):
            yield from (_finding(run, process, before, after) for process in run.processes if _was_hit(process, after))


def _was_hit(process: Process, after: Event) -> bool:
    ended = process.exit
    killed = ended is not None and ended.signal == 9 and ended.by in ("", "outside")
    return killed and abs((process.ended_ns or 0) - after.at_ns) < NEAR_NS


def _finding(run: Run, process: Process, before: Event, after: Event) -> Finding:
    task = last_task(run, process)
    during = f" during {shortened(task.text, 44)}" if task and task.text else ""
    sizes = [event for event in run.of(observations.MEMORY) if event.number("pid") == process.pid]
    return Finding(
        title=f"{who(process)} was killed by the kernel, out of memory{during}",
        verdict=Verdict.PROVEN if after.number("kills") - before.number("kills") == 1 else Verdict.LIKELY,
        steps=(
            *((Step(f"used {_size(sizes[-1].number('rss'))}", process, sizes[-1].at_ns),) if sizes else ()),
            Step("was killed by SIGKILL", process, process.ended_ns),
        ),
        why=f"The counter of kills for lack of memory went from {before.number('kills')} to {after.number('kills')}"
        + (f"; the limit is {_size(after.number('limit'))}." if after.number("limit") > 0 else "."),
        fix="use fewer workers, give each less to do at a time, or raise the limit",
        processes=(process,),
        evidence=(Evidence(after.ref, f"{after.number('kills')} kills"), *death_evidence(run, process)),
        details=tuple(f"{_size(event.number('rss'))}" for event in sizes[-20:]),
        at_ns=process.ended_ns,
    )


def _size(number: int) -> str:
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.0f} MB"
