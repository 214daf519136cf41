"""What the observer cannot write as a whole it does not write, and counts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mptrace.collect import read_run
from mptrace.observe.observer_log import ObserverLog
from mptrace.wire.events import agents


def test_a_record_that_was_cut_by_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, write = ObserverLog(str(tmp_path)), os.write
    log.write(agents.NOTE, "before")
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:10]))
        log.write(agents.NOTE, "cut")
    log.write(agents.NOTE, "after")
    assert log.lost == 1
    observer = read_run(str(tmp_path)).observer
    assert observer is not None
    assert [record.fields["says"] for record in observer.of(agents.NOTE)] == ["before", "after"]
