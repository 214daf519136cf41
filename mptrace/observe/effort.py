"""What each process works: CPU time, and how many of its threads run or would if there was a core; written when it has grown."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from mptrace.observe import procfs
from mptrace.observe.observer_log import ObserverLog
from mptrace.observe.procfs import CLOCK_TICKS, Stat
from mptrace.observe.rest import Rest
from mptrace.wire.events import observations as seen

PROCESSES_A_ROUND = 64
GROWN = 1.1
"""A process is told of again when it has used this many times the CPU time told last."""
GROWN_TICKS = 10
BUSY = 0.2
"""Part of a core that a process must use, or wait for, for its threads to be looked at."""
THREADS = 128
IDLE = 4
"""A process that did nothing so many times is looked at in every fourth round only, until it does something."""


@dataclass(slots=True)
class _Known:
    start: int
    ticks: int
    delay_ms: int
    at: float
    written: int = 0
    idle: int = 0
    rounds: int = 0
    runnable: int = 0
    threads: int = 1


class Effort:
    """Samples at most `PROCESSES_A_ROUND` processes at a time, the next ones in the next round."""

    def __init__(self, log: ObserverLog) -> None:
        self._log = log
        self._round = 0
        self._known: dict[int, _Known] = {}
        self._rest = Rest()

    def sample(self, pids: Sequence[int]) -> None:
        """Look at the processes once; to be called again and again."""
        first = self._round * PROCESSES_A_ROUND % max(len(pids), 1)
        self._round += 1
        for pid in [*pids[first:], *pids[:first]][:PROCESSES_A_ROUND]:
            if not self._rests(pid):
                stat = procfs.stat(pid)
                if stat is not None:
                    self._take(stat)

    def _rests(self, pid: int) -> bool:
        known = self._known.get(pid)
        if not self._rest.has_run(pid) and known is not None:
            known.at = time.monotonic()
            return True
        return known is not None and known.idle >= IDLE and bool(self._round % IDLE)

    def _take(self, stat: Stat) -> None:
        now, known = time.monotonic(), self._known.get(stat.pid)
        if known is None or known.start != stat.start:
            self._known[stat.pid] = _Known(stat.start, stat.cpu_ticks, _delay_ms(stat.pid), now)
            return
        if stat.cpu_ticks == known.ticks and stat.state != "R":
            known.at, known.idle = now, known.idle + 1
            return
        known.idle, delay_ms = 0, _delay_ms(stat.pid)
        wanted = (stat.cpu_ticks - known.ticks) / CLOCK_TICKS + (delay_ms - known.delay_ms) / 1000
        share = wanted / max(now - known.at, 0.001)
        known.ticks, known.delay_ms, known.at = stat.cpu_ticks, delay_ms, now
        known.threads = max(known.threads, stat.threads)
        if share >= BUSY:
            known.rounds += 1
            known.runnable += int(stat.state == "R") if stat.threads == 1 else _runnable(stat.pid)
        if stat.cpu_ticks >= known.written * GROWN + GROWN_TICKS:
            self._write(stat.pid, known)

    def _write(self, pid: int, known: _Known) -> None:
        known.written = known.ticks
        cpu_ms = known.ticks * 1000 // CLOCK_TICKS
        self._log.write(seen.EFFORT, pid, cpu_ms, known.delay_ms, known.threads, known.rounds, known.runnable)

    def end(self, pid: int) -> None:
        """The process has ended: say what it used in all, if its parent has not reaped it yet."""
        known, stat = self._known.pop(pid, None), procfs.stat(pid)
        self._rest.forget(pid)
        if stat is None or (known is not None and stat.start != known.start):
            return
        known = known or _Known(stat.start, stat.cpu_ticks, 0, 0.0)
        known.ticks, known.delay_ms = stat.cpu_ticks, _delay_ms(pid)
        if known.ticks > known.written:
            self._write(pid, known)


def _delay_ms(pid: int) -> int:
    """Return how long the main thread of a process was kept waiting for a core."""
    words = procfs.read_bytes(f"/proc/{pid}/schedstat").split()
    return int(words[1]) // 1_000_000 if len(words) == 3 else -1000


def _runnable(pid: int) -> int:
    """Return how many threads of a process run, or wait for a core."""
    states = (procfs.stat(pid, tid) for tid in procfs.tids(pid)[:THREADS])
    return sum(stat is not None and stat.state == "R" for stat in states)
