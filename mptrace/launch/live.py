"""Looks for hangs while the job runs: a thread of the launcher, which may fail without anybody else noticing."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from threading import Event, Thread
from typing import Any

from mptrace.launch.job_watch import JobWatch
from mptrace.launch.judging import HINT, Judge, Told
from mptrace.launch.notice import say
from mptrace.launch.pace import BYTES, Pace, Ran
from mptrace.launch.prune import prune
from mptrace.launch.settings import Settings
from mptrace.launch.well_ended import WellEnded
from mptrace.observe.boards import BoardReader, Boards, BoardWait, RecorderFiles, read_boards
from mptrace.observe.moment import MomentTaker
from mptrace.observe.spinning import Spin, find_spinning, may_spin
from mptrace.observe.stall import Stillness
from mptrace.observe.suspicion import urgent_reason
from mptrace.observe.timers import will_move
from mptrace.wire.events import observations as seen

POLL_S = 0.25
POLL_SHARE = 100
"""Reading the boards may take this part of our time."""

OLD_NS = 500_000_000
"""A wait that has lasted so long may be for ever."""

HOPELESS, HOPELESS_S = 3, 8.0
"""A stall that nothing explains counts as a hang after so many times the seconds of a stall, and not before so many seconds.

On a machine that is forty times overloaded, processes that start stood still for two."""

SPUN = "native-lock-after-fork"
"""The rule that tells of what polls in native code, though it can only be likely."""

SPIN_EVERY_S = 10.0
"""While all boards stand still and somebody computes, native stacks are read so often at most."""

STOP_S = 15.0
_SERVICE = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")


class Live:
    """Reads the boards again and again; explains what the judge finds, once each; asks for the job's end if told to."""

    def __init__(self, watch: JobWatch, settings: Settings, judge: Judge, run_path: str, own_log: Any, shown: str = "") -> None:
        self._watch, self._tree, self._log = watch, watch.tree, watch.log
        self._settings, self._judge, self._run_path, self._own_log = settings, judge, run_path, own_log
        self._shown = shown or run_path  # the same directory, where its reader finds it
        self._files = RecorderFiles(run_path)
        self._boards = BoardReader(self._files)
        self._moments = MomentTaker(self._log, run_path, self._files, judge.inside)
        self._well_ended = WellEnded(run_path, self._files, watch.ended_well)
        self._pace, self.told = Pace(), set[object]()
        self._stillness = Stillness(time.monotonic())
        self._stall_told = self._hopeless = False
        self._put_off = False
        self._next_spin = 0.0
        self._stop = Event()
        self._thread = Thread(target=self._run, name="mptrace-live", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """The job has ended; a look that is under way is finished."""
        self._stop.set()
        self._thread.join(STOP_S)

    def _run(self) -> None:
        if not self._settings.output:
            self._own_log.info("pruned", runs=prune(os.path.dirname(self._shown)))
        pause = POLL_S
        while not self._stop.wait(pause):
            began = time.monotonic()
            try:
                self._well_ended.tidy()
                spent = self._poll(began)
            except Exception:
                self._own_log.error("live", exc_info=True)
                spent = 1.0
            pause = max(POLL_S, min((time.monotonic() - began - spent) * POLL_SHARE, 5.0))

    def _poll(self, now: float) -> float:
        """Read the boards once and look closer if that is due; returns the seconds that the closer look took."""
        pids = self._tree.pids()
        boards = self._boards.read(pids)
        still_s = self._stillness.update(now, pids, boards)
        if still_s < self._settings.hang_after_s:
            self._stall_told = self._hopeless = False
        elif pids and (not self._stall_told or self._is_hopeless(still_s)):
            self._stall_told, self._hopeless = True, self._is_hopeless(still_s)
            return self._look(f"nothing moved for {still_s:.0f} s", boards, pids, stalled=True, everybody=self._is_asked)
        if self._may_poll(now, pids):
            self._next_spin = now + max(SPIN_EVERY_S, self._settings.hang_after_s)
            if spins := find_spinning(pids):
                return self._look("native code polls for threads", boards, pids, spins=spins)
        return self._consider(boards, pids, now)

    def _may_poll(self, now: float, pids: list[int]) -> bool:
        """Has no board changed for long, while somebody computes who may be polling for threads that are not there?"""
        quiet = self._stillness.boards_still_s(now) >= self._settings.hang_after_s
        return quiet and now >= self._next_spin and bool(may_spin(pid for pid in pids if pid != self._watch.main))

    def _consider(self, boards: Boards, pids: list[int], now: float) -> float:
        old = boards.old_untimed(time.monotonic_ns(), OLD_NS)
        waits = _identity(old)
        if not old or waits in self._pace.settled:
            return 0.0
        urgent = "" if waits in self._pace.looks else urgent_reason(old, self._files, pids, self._service(pids))
        if not self._pace.is_due(waits, now, bool(urgent), _ran(boards)) or self._moments.bytes_written > BYTES:
            return 0.0
        if not urgent and waits not in self._pace.looks and not self._put_off:
            self._put_off = True  # of those that come to wait together, all shall be in the look: it is due in a tick
            return 0.0
        self._put_off = False
        return self._look(urgent or "untimed waits", boards, pids, everybody=bool(urgent))

    def _service(self, pids: list[int]) -> set[int]:
        return {pid for pid in pids if (known := self._tree.living.get(pid)) and any(name in known.command for name in _SERVICE)}

    def _look(
        self,
        why: str,
        boards: Boards,
        pids: list[int],
        *,
        stalled: bool = False,
        everybody: bool = True,
        spins: Sequence[Spin] = (),
    ) -> float:
        """Take a moment, have it judged, and tell what is proven; of a stall, tell whatever was found."""
        began, spent, old = time.monotonic(), _cpu_s(), boards.old_untimed(time.monotonic_ns(), OLD_NS)
        waits = _identity(old)
        if not self._moments.taken:
            Thread(target=self._prepare, name="mptrace-prepare", daemon=True).start()
        number, found = self._judged(why, pids, old, everybody, spins)
        worth = (
            self._stall(found, why, pids) if stalled else [told for told in found if told.sure or (spins and told.rule == SPUN)]
        )
        for told in worth:
            self._tell(number, told)
        took = time.monotonic() - began
        self._pace.was_seen(waits, time.monotonic(), min(took, _cpu_s() - spent), _ran(boards), whole=self._moments.whole)
        if any(told.sure for told in worth):
            self._pace.settle(waits)
        self._own_log.info(
            "moment", number=number, why=why, waits=len(old), found=[told.rule for told in found], took_s=round(took, 2)
        )
        if worth and self._settings.kills:
            self._watch.kill_for_hang()
        return took

    def _stall(self, found: list[Told], why: str, pids: list[int]) -> list[Told]:
        """Return what is to be told of a stall; if it is to be ended and nothing explains it, that."""
        worth = [told for told in found if told.sure or self._is_worth_telling(told, pids)]
        if not worth and self._hopeless and not self._will_move(pids):
            worth = [_unexplained(why)]
        return [told for told in worth if told.sure] if self._has_moved() else worth

    def _has_moved(self) -> bool:
        """Did the job go on, or end, while we looked at it?"""
        pids = self._tree.pids()
        still_s = self._stillness.update(time.monotonic(), pids, read_boards(self._files, pids))
        return not pids or still_s < self._settings.hang_after_s

    def _judged(
        self, why: str, pids: list[int], waits: list[BoardWait], everybody: bool, spins: Sequence[Spin]
    ) -> tuple[int, list[Told]]:
        """Take a moment and return its number and what the judge says of it: nothing, if there is no room for the copies."""
        try:
            number = self._moments.take(why, pids, waits, everybody=everybody, spins=spins)
        except OSError as trouble:
            self._own_log.error("moment", exc_info=True)
            self._log.write(seen.NOT_SEEN, 0, "moment", f"{type(trouble).__name__}: {trouble}"[:500])
            return 0, []
        return number, self._judge_safely(number)

    def _is_hopeless(self, still_s: float) -> bool:
        """Is a job that hangs to be ended, and has stood still for so long that this needs no explanation any more?"""
        return self._settings.kills and not self._hopeless and still_s >= max(HOPELESS_S, HOPELESS * self._settings.hang_after_s)

    def _is_worth_telling(self, told: Told, pids: list[int]) -> bool:
        """That nothing moves is no news to somebody who did not ask, and no hang while a timer runs or a line may be typed."""
        if told.severity != HINT:
            return True
        return self._is_asked and not self._will_move(pids)

    @property
    def _is_asked(self) -> bool:
        """Shall a stall be told, even if nothing is proven of it?"""
        return self._settings.hang_after_asked or self._settings.kills

    def _will_move(self, pids: list[int]) -> bool:
        return bool(will_move(pid for pid in pids if pid not in self._moments.servers))

    def _prepare(self) -> None:
        with contextlib.suppress(Exception):  # judging will say so itself
            self._judge.prepare()

    def _judge_safely(self, number: int) -> list[Told]:
        try:
            return self._judge.moment(self._shown, number)
        except Exception as trouble:
            self._own_log.error("judge", moment=number, exc_info=True)
            self._log.write(seen.NOT_SEEN, 0, "diagnosis", f"{type(trouble).__name__}: {trouble}"[:500])
            return []

    def _tell(self, number: int, told: Told) -> None:
        if told.key in self.told:
            return
        self.told.add(told.key)
        self._log.write(seen.TOLD, number, told.rule, told.verdict, told.title)
        if not self._settings.quiet:
            with contextlib.suppress(Exception):
                say(told.text)


def _unexplained(why: str) -> Told:
    """Return what is said of a job that is to be ended because it hangs, and of which no rule says why."""
    text = f"mptrace: stalled (possible): {why}, and no rule says why; the report shows what each process was doing"
    return Told("stalled", "possible", HINT, why, text, "unexplained")


def _cpu_s() -> float:
    """Return the CPU time of this thread and of what it had done by others: on a busy machine a look takes long and costs little."""
    used = os.times()
    return time.thread_time() + used.children_user + used.children_system


def _ran(boards: Boards) -> Ran:
    return boards.ran if min(boards.ran.values(), default=-1) >= 0 else None


def _identity(waits: list[BoardWait]) -> frozenset[tuple[int, int, int]]:
    return frozenset(wait.identity for wait in waits)
