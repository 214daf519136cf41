"""Everything that judges, behind two functions: a moment of a running job, and a run that has ended."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mptrace.launch.judging import PROVEN, Told

if TYPE_CHECKING:
    from collections.abc import Collection

    from mptrace.diagnose.engine import Diagnosis
    from mptrace.diagnose.finding import Finding
    from mptrace.model.run import Run
    from mptrace.observe.observer_log import ObserverLog
    from mptrace.observe.stacks import Dumps


@dataclass(frozen=True, slots=True)
class Judged:
    """A run and what was found in it."""

    run: Run
    diagnosis: Diagnosis


def judge(run_path: str, *, keep: bool = False, ongoing: bool = False) -> Judged:
    """Read, build and diagnose a run, or so much of it as there is while it is ``ongoing``. BadRecording if it is none.

    ``keep``: the program's sources are kept with it.
    """
    from mptrace.collect import read_run
    from mptrace.collect.sources import keep_sources
    from mptrace.diagnose.engine import diagnose
    from mptrace.model.build import build_run

    recording = read_run(run_path)
    if keep:
        keep_sources(recording)
    run = build_run(recording, ongoing=ongoing)
    return Judged(run, diagnose(run))


def look_inside(log: ObserverLog, moment: int, dumps: Dumps, explained: Collection[tuple[int, int]]) -> None:
    """Read from the memory of a job's processes what its agent does not see: imported when it is needed first."""
    from mptrace.attach import inside

    inside.look_inside(log, moment, dumps, explained)


def prepare() -> None:
    """Import what judging needs: most of the time that a first diagnosis takes."""
    from importlib import import_module

    for name in ("report.live", "model.build", "diagnose.engine"):
        import_module(f"mptrace.{name}")
    import_module("mptrace.diagnose.registry").all_rules()


def judge_moment(run_path: str, moment: int) -> list[Told]:
    """Return what is known about hangs of a running job, the cause to begin with first."""
    from mptrace.report.live import explain
    from mptrace.report.page import page_for

    judged = judge(run_path, ongoing=True)
    page = page_for(sys.stderr)
    return [
        Told(
            rule=finding.rule,
            verdict=finding.verdict.value,
            severity=finding.severity.value,
            title=finding.title,
            text=explain(judged.run, finding, page),
            key=identity(finding),
            sure=is_sure(finding),
        )
        for finding in judged.diagnosis.findings
        if is_hang(finding, moment)
    ]


def is_hang(finding: Finding, moment: int) -> bool:
    """Is this about somebody who waits, at this moment or one before, itself or in what it led to?"""
    return any(each.moment is not None and each.moment <= moment for each in (finding, *finding.children))


def is_sure(finding: Finding) -> bool:
    """Is it proven that somebody waits for ever because of it? That a process died is proven soon; what follows, not always."""
    return any(each.moment is not None and each.verdict.value == PROVEN for each in (finding, *finding.children))


def identity(finding: Finding) -> tuple[object, ...]:
    """Return what makes it the same finding, whenever the run is judged."""
    pids = sorted(process.pid for process in finding.processes)
    keys = sorted((resource.family, resource.key) for resource in finding.resources)
    return finding.rule, tuple(pids), tuple(keys)
