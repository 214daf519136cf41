"""A bounded choice of ``make scenarios``: each program once, under one start method in turn; two run at a time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.support import bounded
from tests.support.expectations import METHODS, Program, read_program
from tests.support.scenarios import FOLDER, Row, check, programs, unknown_rule

pytestmark = [pytest.mark.scenario, pytest.mark.slow]


def _choice() -> list[tuple[Program, str]]:
    """Diagnosed ones and plain healthy ones; repaired twins and longer programs are for ``make scenarios``."""
    here = [one for one in programs() if one.since <= sys.version_info[:2]]
    wanted = [one for one in here if one.path.stem != "fixed" and not one.path.parent.name.startswith("from_")]
    cells = [(one, _method(one, turn)) for turn, one in enumerate(wanted)]
    return [(one, method) for one, method in cells if not unknown_rule(one, method)]


def _method(program: Program, turn: int) -> str:
    """Return the start method whose turn it is, of those under which there is something to find."""
    methods = [one for one in program.methods if program.expected(one)] or program.methods
    return methods[turn % len(methods)]


CHOICE = _choice()


@pytest.fixture(scope="module")
def rows() -> Iterator[dict[str, Future[Row]]]:
    """Start all of them, two at a time; each test waits for its own."""
    pool = ThreadPoolExecutor(2)
    yield {program.name: pool.submit(check, program, method) for program, method in CHOICE}
    pool.shutdown(wait=False, cancel_futures=True)
    bounded.end_all()


@pytest.mark.parametrize("name", [program.name for program, _ in CHOICE])
def test_program_is_diagnosed_as_it_says_and_a_healthy_one_is_left_alone(rows: dict[str, Future[Row]], name: str) -> None:
    row = rows[name].result(timeout=600)
    assert not row.problems, row.line()


def test_every_scenario_folder_holds_twins_or_one_program() -> None:
    for folder in FOLDER.iterdir():
        if folder.is_dir() and folder.name[0] not in "._":
            names = {path.name for path in folder.glob("*.py")} - {"stage.py"}
            assert {"broken.py", "fixed.py"} <= names or "program.py" in names, folder.name


def test_every_broken_twin_says_what_to_expect_and_no_repaired_one_does() -> None:
    for path in FOLDER.glob("*/*.py"):
        if path.stem in {"broken", "fixed"}:
            assert bool(read_program(path).expectations) == (path.stem == "broken"), path


def test_every_program_names_start_methods_that_exist() -> None:
    for program in programs():
        assert set(program.methods) <= set(METHODS), program.path
