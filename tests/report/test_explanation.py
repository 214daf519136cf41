"""A finding told: its length, its first line, what is left out first."""

from __future__ import annotations

from datetime import timezone

import pytest

from mptrace.report.explanation import MOST_LINES, culprits
from mptrace.report.format import render
from mptrace.report.live import explain
from mptrace.report.page import Page
from tests.golden.cases import CASES, HOME

LIVE = [name for name in CASES if CASES[name]().live]


@pytest.mark.parametrize("name", LIVE)
def test_finding_takes_at_most_25_lines_and_where_to_find_more(name: str) -> None:
    case = CASES[name]()
    printed = explain(case.run, case.diagnosis.findings[0], Page(cwd=HOME, zone=timezone.utc)).splitlines()
    assert len(printed[: printed.index(next(line for line in printed if line.startswith("  More")))]) <= MOST_LINES + 1


@pytest.mark.parametrize("name", LIVE)
def test_first_line_has_rule_and_verdict_and_begins_the_sentence(name: str) -> None:
    case = CASES[name]()
    finding = case.diagnosis.findings[0]
    first = explain(case.run, finding, Page(cwd=HOME)).splitlines()[0]
    assert first.startswith(f"mptrace: {finding.rule} ({finding.verdict.value}): {finding.title[:12]}")


@pytest.mark.parametrize("name", CASES)
def test_nothing_shouts(name: str) -> None:
    case = CASES[name]()
    assert "!" not in render("text", case.run, case.diagnosis, Page(cwd=HOME))


@pytest.mark.parametrize("width", [50, 60, 80, 100, 120])
@pytest.mark.parametrize("name", CASES)
def test_only_what_cannot_be_cut_is_wider_than_the_page(name: str, width: int) -> None:
    case = CASES[name]()
    page = Page(width=width, cwd=HOME, zone=timezone.utc)
    wide = [line for line in render("text", case.run, case.diagnosis, page).splitlines() if len(line) > width]
    assert all(len(line.split()) <= 1 or ".mptrace/" in line for line in wide)


def test_culprits_are_the_processes_that_the_title_names() -> None:
    finding = CASES["lock_cycle_of_two"]().diagnosis.findings[0]
    assert sorted(culprits(finding)) == ["loader-1", "loader-2"]


def test_hints_come_after_everything_else_under_one_heading() -> None:
    case = CASES["lock_cycle_of_two"]()
    for name, heading in (("text", "Hints"), ("markdown", "## Hints")):
        lines = render(name, case.run, case.diagnosis, Page(cwd=HOME)).splitlines()
        before, after = lines[: lines.index(heading)], lines[lines.index(heading) :]
        assert not any("slow-start" in line for line in before)
        assert not any("lock-cycle" in line for line in after)
        assert any("slow-start" in line for line in after)


def test_a_run_with_hints_only_says_that_nothing_is_wrong() -> None:
    case = CASES["only_hints"]()
    assert "Nothing wrong was found." in render("text", case.run, case.diagnosis, Page(cwd=HOME))


def test_a_quiet_finding_about_a_hang_is_no_hint() -> None:
    case = CASES["untraced_and_lost"]()
    assert "Hints" not in render("text", case.run, case.diagnosis, Page(cwd=HOME))
