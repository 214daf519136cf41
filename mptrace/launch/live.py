"""Looks for hangs while the job runs; a thread of the launcher."""

from __future__ import annotations

from threading import Event, Thread
from typing import Any

from mptrace.launch.judging import Judge
from mptrace.launch.settings import Settings
from mptrace.launch.watch import Watch


class Live:
    def __init__(self, watch: Watch, settings: Settings, judge: Judge, run_path: str, log: Any) -> None:
        self._stop = Event()

    def start(self) -> None: ...
    def stop(self) -> None: ...
