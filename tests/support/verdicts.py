"""What tests ask of a diagnosis: the findings of one rule, all of them in short, that nothing was found."""

from __future__ import annotations

from mptrace.diagnose.engine import Diagnosis, diagnose
from mptrace.diagnose.finding import Finding, Severity
from mptrace.model.run import Run


def diagnosed(run: Run) -> Diagnosis:
    """Return the diagnosis; AssertionError if a rule failed."""
    diagnosis = diagnose(run)
    assert not diagnosis.broken, diagnosis.broken
    return diagnosis


def found(run: Run, rule: str) -> list[Finding]:
    """Return the findings of one rule, as causes or consequences."""
    return [finding for finding in diagnosed(run).every() if finding.rule == rule]


def one(run: Run, rule: str) -> Finding:
    """Return the only finding of a rule."""
    (finding,) = found(run, rule)
    return finding


def causes(run: Run) -> list[str]:
    """Return the rules of the causes, the first one first."""
    return [finding.rule for finding in diagnosed(run).findings]


def loud(run: Run) -> list[str]:
    """Return the rules that found an error or a warning."""
    return [finding.rule for finding in diagnosed(run).every() if finding.severity is not Severity.HINT]
