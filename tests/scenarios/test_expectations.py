"""How a program's comments about itself are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.expectations import METHODS, Program, read_program


def program(folder: Path, text: str, name: str = "lock_cycle/broken.py") -> Program:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return read_program(path)


def test_a_program_without_comments_is_healthy_under_every_start_method(tmp_path):
    read = program(tmp_path, "print(1)\n")
    assert (read.hangs, read.methods, read.expectations) == (False, METHODS, ())
    assert read.exits == dict.fromkeys(METHODS, 0)


def test_an_expectation_stands_on_its_line_with_role_verdict_and_names(tmp_path):
    read = program(tmp_path, "a = 1\nb = 2  # expect: lock-cycle waiter verdict=likely names=a,b\n")
    (one,) = read.expectations
    assert (one.line, one.rule, one.role, one.verdict, one.names) == (2, "lock-cycle", "waiter", "likely", ("a", "b"))


def test_two_expectations_share_a_line(tmp_path):
    read = program(tmp_path, "a = 1  # expect: lock-cycle holder; self-deadlock\n")
    assert [(one.rule, one.role) for one in read.expectations] == [("lock-cycle", "holder"), ("self-deadlock", None)]


def test_a_string_that_looks_like_an_expectation_is_none(tmp_path):
    assert program(tmp_path, 'a = "# expect: lock-cycle waiter"\n').expectations == ()


def test_a_program_is_healthy_under_start_methods_that_its_expectations_leave_out(tmp_path):
    read = program(tmp_path, "# hangs: yes\na = 1  # expect: lock-cycle methods=spawn,forkserver\n")
    assert not read.expected("fork")
    assert [read.does_hang(method) for method in METHODS] == [False, True, True]


def test_an_exit_status_may_hold_for_some_start_methods_only(tmp_path):
    assert program(tmp_path, "# exit: 1 spawn\n").exits == {"fork": 0, "spawn": 1, "forkserver": 0}


@pytest.mark.parametrize(
    ("text", "root"),
    [
        ("a = 1  # expect: uncaught-exception; lock-cycle\n", "lock-cycle"),
        ("a = 1  # expect: uncaught-exception; segfault\n", "uncaught-exception"),
        ("# root: segfault\na = 1  # expect: uncaught-exception; lock-cycle\n", "segfault"),
    ],
)
def test_the_root_is_what_is_said_or_the_folder_s_rule_or_the_first(tmp_path, text, root):
    assert program(tmp_path, text).expected_root("fork") == root


@pytest.mark.parametrize("text", ["# expect: lock-cycle waiter holder\n", "# expect: lock-cycle color=red\n"])
def test_an_expectation_that_cannot_be_understood_is_an_error(tmp_path, text):
    with pytest.raises(ValueError, match="cannot understand"):
        program(tmp_path, text)


def test_a_single_program_is_named_after_its_folder_and_a_twin_after_both(tmp_path):
    assert program(tmp_path, "", "seed_pipe/program.py").name == "seed_pipe"
    assert program(tmp_path, "", "segfault/fixed.py").name == "segfault/fixed"
