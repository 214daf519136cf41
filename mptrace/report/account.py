"""The report as data, from a run and its diagnosis."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

import mptrace
from mptrace.diagnose.finding import Finding, Place
from mptrace.report import schema
from mptrace.report.chain import chain_lines, fix_words
from mptrace.report.clock import Clock, end_of
from mptrace.report.names import actor_name, process_name, process_of

if TYPE_CHECKING:
    from mptrace.diagnose.engine import Diagnosis
    from mptrace.diagnose.finding import Step
    from mptrace.model.process import Exit, Process
    from mptrace.model.resource import Resource
    from mptrace.model.run import Run
    from mptrace.model.site import Site


@dataclass(frozen=True, slots=True)
class Account:
    """Builds a `schema.Report`; wall clocks are told in ``zone`` (None: the local one)."""

    run: Run
    zone: tzinfo | None = None

    def report(self, diagnosis: Diagnosis) -> schema.Report:
        """Return the whole of it."""
        lost = self._lost()
        return schema.Report(
            schema=schema.SCHEMA,
            mptrace=mptrace.__version__,
            run=self._run(lost),
            processes=[self._process(process) for process in self.run.processes],
            findings=[self._finding(finding) for finding in diagnosis.every()],
            not_checked=[schema.Skipped(rule=each.rule, why=each.why) for each in diagnosis.not_checked],
            broken=[schema.Skipped(rule=each.rule, why=each.why) for each in diagnosis.broken],
            lost=lost,
        )

    def _run(self, lost: schema.Lost) -> schema.Run:
        meta, completeness = self.run.meta, self.run.completeness
        return schema.Run(
            command=list(meta.command),
            script=meta.script,
            python=meta.python,
            host=meta.host,
            cwd=meta.cwd,
            path=meta.path,
            start=self._iso(meta.start_ns),
            end=None if meta.end_ns is None else self._iso(meta.end_ns),
            duration=self._seconds(end_of(self.run)),
            status=meta.status,
            ended_by=meta.ended_by,
            start_method=meta.start_method,
            hang_after=meta.hang_after_s,
            observed=completeness.observed,
            complete=meta.end_ns is not None,
            notes=list(completeness.notes),
            lost=lost,
        )

    def _lost(self) -> schema.Lost:
        lost = self.run.completeness.lost
        return schema.Lost(
            anything=lost.anything,
            records=lost.records,
            threads=lost.threads,
            locks=lost.locks,
            connections=lost.connections,
            torn=lost.torn,
            damaged_files=list(lost.damaged_files),
            probes_off=list(lost.probes_off),
        )

    def _process(self, process: Process) -> schema.Process:
        ended = process.ended_ns
        return schema.Process(
            id=process.id,
            pid=process.pid,
            ppid=process.ppid,
            name=process_name(process),
            role=process.role.value,
            start_method=process.start_method,
            started=self._seconds(process.started_ns),
            started_at=self._iso(process.started_ns),
            ended=None if ended is None else self._seconds(ended),
            ended_at=None if ended is None else self._iso(ended),
            exit=_exit(process.exit),
            traced=process.traced,
            why_untraced=process.why_untraced,
            parent=process.parent.id if process.parent else None,
        )

    def _finding(self, finding: Finding) -> schema.Finding:
        return schema.Finding(
            rule=finding.rule,
            verdict=finding.verdict.value,
            severity=finding.severity.value,
            title=finding.title,
            explanation="\n".join(chain_lines(self.run, finding)),
            fix=fix_words(self.run, finding),
            explained_by=finding.explained_by,
            processes=[_process_ref(process) for process in finding.processes],
            resources=[_resource(resource) for resource in finding.resources],
            locations=[_location(place) for place in _places(finding)],
            evidence=[schema.Evidence(ref=item.ref, says=item.says) for item in finding.evidence],
            steps=[self._step(step) for step in finding.steps],
            also=[self._step(step) for step in finding.also],
            details=list(finding.details),
        )

    def _step(self, step: Step) -> schema.Step:
        return schema.Step(
            at=None if step.at_ns is None else self._seconds(step.at_ns),
            who=actor_name(step.who) if step.who else "",
            pid=process_of(step.who).pid if step.who else None,
            says=step.says,
            place=_place(step.site),
        )

    def _seconds(self, at_ns: int) -> float:
        return round((at_ns - self.run.meta.start_ns) / 1e9, 6)

    def _iso(self, at_ns: int) -> str:
        wall_ns = Clock(self.run.meta, 0).wall_ns(at_ns)
        whole = datetime.fromtimestamp(wall_ns // 1_000_000_000, self.zone).astimezone(self.zone)
        return whole.replace(microsecond=wall_ns // 1000 % 1_000_000).isoformat(timespec="milliseconds")


def _places(finding: Finding) -> list[Place]:
    known = {(place.site.file, place.site.line) for place in finding.places if place.role == "fix"}
    site = finding.fix_at
    fix = [Place("fix", site)] if site is not None and (site.file, site.line) not in known else []
    return [*finding.places, *fix]


def _place(site: Site | None) -> schema.Place | None:
    return None if site is None else schema.Place(file=site.file, line=site.line)


def _exit(end: Exit | None) -> schema.Exit | None:
    return None if end is None else schema.Exit(code=end.code, signal=end.signal, by=end.by, at=_place(end.by_site))


def _process_ref(process: Process) -> schema.ProcessRef:
    return schema.ProcessRef(id=process.id, pid=process.pid, name=process_name(process), role=process.role.value)


def _resource(resource: Resource) -> schema.Resource:
    created = resource.created_at or resource.outermost.created_at
    return schema.Resource(id=resource.id, kind=resource.kind, label=resource.label, created_at=_place(created))


def _location(place: Place) -> schema.Location:
    site, process = place.site, place.process
    return schema.Location(
        role=place.role, file=site.file, line=site.line, function=site.function, pid=process.pid if process else None
    )
