"""Folds consequences under their causes: a finding explains another if its rule says so and both are about the same things."""

from __future__ import annotations

from collections.abc import Sequence

from mptrace.diagnose.finding import Finding
from mptrace.diagnose.rule import Rule
from mptrace.model.process import Process
from mptrace.model.resource import Resource

ANY_WAIT = "*"
"""In a rule's ``explains``: every finding about a wait that goes through the same processes or resources."""


def without_last_resorts(findings: Sequence[Finding], rules: Sequence[Rule]) -> list[Finding]:
    """Drop what rules of last resort say about waits that another rule tells of."""
    last = {rule.id for rule in rules if rule.last_resort}
    better = [finding for finding in findings if finding.rule not in last and finding.moment is not None]
    return [finding for finding in findings if finding.rule not in last or not any(_shares(finding, other) for other in better)]


def fold(findings: Sequence[Finding], rules: Sequence[Rule]) -> list[Finding]:
    """Return the causes among findings in their order; each consequence becomes a child of its first cause."""
    explains = {rule.id: rule.explains for rule in rules}
    causes = {id(finding): _cause_of(finding, findings, explains) for finding in findings}
    for finding in findings:
        root = _root_of(finding, causes)
        if root is not finding:
            cause = causes[id(finding)]
            finding.explained_by = cause.rule if cause else None
            root.children.append(finding)
    return [finding for finding in findings if finding.explained_by is None]


def _cause_of(finding: Finding, findings: Sequence[Finding], explains: dict[str, tuple[str, ...]]) -> Finding | None:
    """Return the first that explains it; of two that explain each other, the one that names the other, else the first."""
    for other in findings:
        forth, back = _strength(other, finding, explains), _strength(finding, other, explains)
        if (
            other is not finding
            and forth
            and (forth > back or (forth == back and findings.index(other) < findings.index(finding)))
        ):
            return other
    return None


def _root_of(finding: Finding, causes: dict[int, Finding | None]) -> Finding:
    """Follow the causes; a circle of them ends at where it began."""
    seen: list[Finding] = [finding]
    while (cause := causes[id(seen[-1])]) is not None and cause not in seen:
        seen.append(cause)
    return seen[-1] if causes[id(seen[-1])] is None else finding


def _strength(cause: Finding, finding: Finding, explains: dict[str, tuple[str, ...]]) -> int:
    """Return 2 if the rule names the other one, 1 if it explains every wait and this is one, else 0."""
    names = explains.get(cause.rule, ())
    strength = 2 if finding.rule in names else 1 if ANY_WAIT in names and finding.moment is not None else 0
    return strength if _shares(cause, finding) or _is_behind(finding, cause) else 0


def _shares(cause: Finding, finding: Finding) -> bool:
    return bool(set(cause.processes) & set(finding.processes) or _outermost(cause) & _outermost(finding))


def _outermost(finding: Finding) -> set[Resource]:
    return {resource.outermost for resource in finding.resources}


def _is_behind(finding: Finding, cause: Finding) -> bool:
    """Does the finding's process wait for one that the cause is about?"""
    about: set[Process] = set(cause.processes)
    return any(isinstance(wait.target, Process) and wait.target in about for wait in finding.waits)
