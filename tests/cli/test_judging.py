"""What is told of a running job: hangs, and as sure only those that are proven to be some."""

from __future__ import annotations

from mptrace.cli.judge import Judged, is_hang, is_sure
from mptrace.cli.traced_run import _strict_status
from mptrace.diagnose.engine import Diagnosis
from mptrace.diagnose.finding import Finding, Severity, Verdict
from mptrace.model.run import Run


def death(*consequences: Finding) -> Finding:
    return Finding("worker died", children=list(consequences))


def test_a_death_that_nobody_waits_for_is_no_hang() -> None:
    assert not is_hang(death(), 3)


def test_a_proven_death_is_not_sure_while_what_it_led_to_is_only_likely() -> None:
    told = death(Finding("a get() without a producer", Verdict.LIKELY, moment=2))
    assert is_hang(told, 3)
    assert not is_sure(told)


def test_a_death_is_sure_if_it_is_proven_that_somebody_waits_for_ever() -> None:
    assert is_sure(death(Finding("a get() without a producer", moment=2)))


def test_strict_takes_an_error_for_a_failure_and_a_hint_for_none() -> None:
    hint, error = Finding("costs time", severity=Severity.HINT), Finding("hangs")
    assert _strict_status(Judged(Run(), Diagnosis([hint])), 0) == 0
    assert _strict_status(Judged(Run(), Diagnosis([error, hint])), 0) == 1
    assert _strict_status(Judged(Run(), Diagnosis([error])), 3) == 3
