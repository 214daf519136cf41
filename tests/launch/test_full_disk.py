"""A disk that fills up takes observations from us, and nothing else: neither the end of the run nor peace on stderr."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mptrace.collect import read_run
from mptrace.launch import meta as meta_file
from mptrace.launch.job import Job
from mptrace.launch.meta import Meta
from mptrace.launch.own_log import open_log
from mptrace.launch.settings import Settings
from mptrace.observe import procfs

NO_ROOM = OSError(28, os.strerror(28))


def full(*_: object) -> None:
    raise NO_ROOM


def test_our_own_log_loses_lines_instead_of_raising(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = open_log(str(tmp_path))
    log.info("before")
    with monkeypatch.context() as there:
        there.setattr(os, "write", full)
        log.error("lost")
    log.info("after")
    told = (tmp_path / "launcher.log").read_text()
    assert [word in told for word in ("before", "lost", "after")] == [True, False, True]


def test_the_end_is_noted_in_the_room_that_the_start_took(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meta = Meta(str(tmp_path), Job(("x",), "x", "x"), Settings())
    before = os.stat(meta.path)
    monkeypatch.setattr(meta_file, "write_atomically", full)
    meta.end(3, "", 5)
    after = os.stat(meta.path)
    assert (before.st_ino, before.st_size) == (after.st_ino, after.st_size)
    (tmp_path / "processes").mkdir()
    read = read_run(str(tmp_path)).meta
    assert (read["status"], read["lost"], read["end_ns"] is None) == (3, 5, False)


def test_a_limit_is_read_as_the_kernel_tells_it() -> None:
    assert procfs.limit(os.getpid(), "Max open files") > 0
    assert procfs.limit(os.getpid(), "Max of nothing") == -1
