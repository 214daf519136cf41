"""What each format prints of runs written by hand, against files; `make golden` accepts what it prints now."""

from __future__ import annotations

from datetime import timezone

import pytest

from mptrace.report.format import render
from mptrace.report.live import conclude, explain
from mptrace.report.page import Page
from tests.golden.accepting import FOLDER, check
from tests.golden.cases import CASES, HOME

PAGE = Page(cwd=HOME, zone=timezone.utc)


@pytest.mark.parametrize("name", CASES)
def test_post_mortem_reads_as_accepted(name: str) -> None:
    case = CASES[name]()
    check(f"{name}.txt", render("text", case.run, case.diagnosis, PAGE))


@pytest.mark.parametrize("name", CASES)
def test_live_explanation_reads_as_accepted(name: str) -> None:
    case = CASES[name]()
    if not case.live:
        pytest.skip("nothing was found")
    check(f"{name}.live.txt", explain(case.run, case.diagnosis.findings[0], PAGE))


@pytest.mark.parametrize("name", CASES)
def test_json_reads_as_accepted(name: str) -> None:
    case = CASES[name]()
    check(f"{name}.json", render("json", case.run, case.diagnosis, PAGE))


@pytest.mark.parametrize(
    "name", ["dead_pool_worker", "wide_names_and_long_paths", "nothing_found", "lock_cycle_of_two", "only_hints"]
)
def test_markdown_reads_as_accepted(name: str) -> None:
    case = CASES[name]()
    check(f"{name}.md", render("markdown", case.run, case.diagnosis, PAGE))


@pytest.mark.parametrize("name", ["many_steps", "lock_cycle_of_two"])
def test_end_of_a_run_reads_as_accepted(name: str) -> None:
    case = CASES[name]()
    check(f"{name}.end.txt", conclude(case.run, case.diagnosis.findings, PAGE, in_full=1))


@pytest.mark.parametrize("name", ["lock_cycle_of_two", "dead_pool_worker", "untraced_and_lost"])
def test_verbose_post_mortem_reads_as_accepted(name: str) -> None:
    case = CASES[name]()
    check(f"{name}.verbose.txt", render("text", case.run, case.diagnosis, Page(cwd=HOME, zone=timezone.utc, verbose=True)))


@pytest.mark.parametrize("name", ["lock_cycle_of_two", "wide_names_and_long_paths"])
def test_plain_ascii_reads_as_accepted(name: str) -> None:
    case = CASES[name]()
    check(f"{name}.ascii.txt", render("text", case.run, case.diagnosis, Page(cwd=HOME, zone=timezone.utc, ascii=True)))


@pytest.mark.parametrize("name", ["lock_cycle_of_two", "dead_pool_worker"])
def test_colours_are_as_accepted(name: str) -> None:
    case = CASES[name]()
    page = Page(cwd=HOME, zone=timezone.utc, colour=True)
    check(f"{name}.ansi.txt", render("text", case.run, case.diagnosis, page).replace("\x1b", "ESC"))


def test_no_file_is_left_of_a_case_that_is_gone() -> None:
    cases = (
        {path.name.split(".")[0] for path in FOLDER.glob("*.txt")}
        | {path.stem for path in FOLDER.glob("*.md")}
        | {path.stem for path in FOLDER.glob("*.json")}
    )
    assert cases == set(CASES)
