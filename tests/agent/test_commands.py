"""Whose ``<string>`` is: the program's, if that is a text after ``-c``; generated code's, in what multiprocessing starts so."""

from __future__ import annotations

import sys

import pytest

from mptrace.agent import callsite


@pytest.mark.parametrize(
    ("command", "is_program"),
    [
        ("print(1)", True),
        ("from multiprocessing import Lock; Lock()", True),
        ("from multiprocessing.pool import Pool; Pool()", True),
        ("from multiprocessing.spawn import spawn_main; spawn_main(tracker_fd=6, pipe_handle=8)", False),
        ("from multiprocessing.forkserver import main; main(5, 6, [], **{})", False),
        ("import sys; from multiprocessing.forkserver import main; main(5, 6, ['__main__'], sys_argv=sys.argv[1:])", False),
        ("from multiprocessing.resource_tracker import main;main(4)", False),
    ],
)
def test_a_text_is_the_program_unless_multiprocessing_wrote_it(monkeypatch, command, is_program):
    monkeypatch.setattr(sys, "orig_argv", ["python", "-c", command])
    assert callsite._is_command() is is_program


def test_a_file_is_no_text(monkeypatch):
    monkeypatch.setattr(sys, "orig_argv", ["python", "program.py"])
    assert not callsite._is_command()
