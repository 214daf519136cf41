"""Runs the rules over a run and puts what they found in order: causes first, consequences folded under them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mptrace.diagnose.contradiction import contradiction
from mptrace.diagnose.finding import Finding, Severity, Verdict
from mptrace.diagnose.folding import fold, without_last_resorts
from mptrace.diagnose.registry import all_rules
from mptrace.diagnose.rule import Rule
from mptrace.diagnose.wording import without_place
from mptrace.model.run import Run

FOUND, CLEAR, NOT_CHECKED, BROKEN = "found", "clear", "not checked", "broken"
"""What can become of a rule on a run."""

_SEVERITIES = list(Severity)
_VERDICTS = list(Verdict)


class Unchecked(NamedTuple):
    """A rule without a result: what it needs was not recorded, or (``broken``) it failed, which is mptrace's fault."""

    rule: str
    why: str


class Withdrawn(NamedTuple):
    """A finding that later facts contradict, and which."""

    finding: Finding
    why: str


@dataclass(slots=True, eq=False)
class Diagnosis:
    """What all rules said of a run. ``findings``: the causes, first the one to begin with; consequences are their children."""

    findings: list[Finding] = field(default_factory=list)
    not_checked: list[Unchecked] = field(default_factory=list)
    broken: list[Unchecked] = field(default_factory=list)
    withdrawn: list[Withdrawn] = field(default_factory=list)
    outcomes: dict[str, str] = field(default_factory=dict)
    """Rule id -> found, clear, not checked or broken."""

    def every(self) -> Iterator[Finding]:
        """Yield each cause, followed by its consequences."""
        for finding in self.findings:
            yield finding
            yield from finding.children

    @property
    def worst(self) -> Severity | None:
        """The loudest severity found."""
        return min((finding.severity for finding in self.findings), key=_SEVERITIES.index, default=None)

    @property
    def about_losses(self) -> Finding | None:
        """The finding that opens a report when the recording has gaps."""
        return next((finding for finding in self.findings if finding.rule == "records-lost"), None)


def diagnose(run: Run, rules: Sequence[Rule] | None = None) -> Diagnosis:
    """Return what all rules (or these) say of a run; never raises because of a rule."""
    rules = all_rules() if rules is None else rules
    diagnosis, found = Diagnosis(), list[Finding]()
    for rule in rules:
        found += _ask(rule, run, diagnosis)
    found = without_last_resorts(_merged(_uncontradicted(found, run, diagnosis)), rules)
    diagnosis.findings = fold(sorted(found, key=_order), rules)
    diagnosis.findings.sort(key=_order)
    return diagnosis


def _ask(rule: Rule, run: Run, diagnosis: Diagnosis) -> list[Finding]:
    try:
        found = list(rule.check(run))
    except Exception as trouble:
        diagnosis.broken.append(Unchecked(rule.id, f"{type(trouble).__name__}: {trouble}"))
        diagnosis.outcomes[rule.id] = BROKEN
        return []
    why = "" if found else _why_unchecked(rule, run)
    if why:
        diagnosis.not_checked.append(Unchecked(rule.id, why))
    diagnosis.outcomes[rule.id] = FOUND if found else NOT_CHECKED if why else CLEAR
    for finding in found:
        finding.rule, finding.severity = rule.id, finding.lowered or rule.severity
        finding.fix = finding.fix if finding.fix_at else without_place(finding.fix)
        if all(step.at_ns is not None for step in finding.steps):
            finding.steps = tuple(sorted(finding.steps, key=lambda step: step.at_ns or 0))
    return found


def _why_unchecked(rule: Rule, run: Run) -> str:
    """Not checked is not clear: a rule that found nothing because a probe that it needs was off has not looked."""
    off = [(process, probe) for process, probe in run.completeness.lost.probes_off if probe.partition(":")[0] in rule.needs]
    return f"recording of {off[0][1]} was switched off in {off[0][0]}" if off else ""


def _uncontradicted(found: list[Finding], run: Run, diagnosis: Diagnosis) -> list[Finding]:
    kept = []
    for finding in found:
        why = contradiction(finding, run)
        if why:
            diagnosis.withdrawn.append(Withdrawn(finding, why))
        else:
            kept.append(finding)
    return kept


def _merged(found: list[Finding]) -> list[Finding]:
    """Return each finding once: what was seen at several moments keeps its strongest verdict and its earliest time."""
    kept: list[Finding] = []
    for finding in found:
        place = next((place for place, other in enumerate(kept) if _is_same(other, finding)), None)
        if place is None:
            kept.append(finding)
        else:
            kept[place] = _stronger(kept[place], finding)
    return kept


def _is_same(first: Finding, second: Finding) -> bool:
    if first.rule != second.rule or set(first.resources) != set(second.resources):
        return False
    if first.moment is None or second.moment is None:
        return first.title == second.title and (_is_impersonal(first, second) or set(first.processes) == set(second.processes))
    return first.moment != second.moment and bool(set(first.processes) & set(second.processes))


def _is_impersonal(first: Finding, second: Finding) -> bool:
    """Do both tell of one line of the program, and name none of their processes, so that it does not matter whose it was?"""
    named = any(process.name and process.name in first.title for process in (*first.processes, *second.processes))
    return first.fix_at is not None and first.fix_at == second.fix_at and not named


def _stronger(first: Finding, second: Finding) -> Finding:
    kept = min(first, second, key=lambda finding: _VERDICTS.index(finding.verdict))
    times = [finding.at_ns for finding in (first, second) if finding.at_ns is not None]
    kept.at_ns = min(times, default=None)
    kept.processes = tuple(dict.fromkeys((*kept.processes, *first.processes, *second.processes)))
    return kept


def _order(finding: Finding) -> tuple[int, bool, int, int, str]:
    at_ns = finding.at_ns if finding.at_ns is not None else 1 << 63
    return _SEVERITIES.index(finding.severity), finding.is_hint, _VERDICTS.index(finding.verdict), at_ns, finding.rule
