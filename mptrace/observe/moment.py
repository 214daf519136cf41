"""Take a moment: two looks at every thread, and between them copies of all boards, stacks and the ends of pipes."""

from __future__ import annotations

import contextlib
import os
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence

from mptrace.observe import procfs
from mptrace.observe.boards import BoardWait, RecorderFiles, connection_keys, read_boards
from mptrace.observe.looks import look
from mptrace.observe.observer_log import ObserverLog
from mptrace.observe.pipes import note_pipe_ends
from mptrace.observe.signal_masks import note_signal_masks
from mptrace.observe.spinning import Spin, note_spinning
from mptrace.observe.stacks import Dumps, Kept, note_stacks, serves_manager
from mptrace.wire import layout
from mptrace.wire.events import observations as seen
from mptrace.wire.resource import PIPE
from mptrace.wire.rundir import MOMENTS, parse_name

BETWEEN_LOOKS_S = 0.15
"""At least so long lies between the two looks, so that a thread that runs at all can be seen to have run."""

DEAD_FILES = 2000

WHOLE = 16
"""Of so many processes all is seen in the time that a look has."""

ALIKE = 4
"""Of so many processes that wait for the same thing the stacks are read, where nothing looks like a deadlock."""


Inside = Callable[[ObserverLog, int, Dumps, Collection[tuple[int, int]]], None]
"""Looks into the processes whose stacks were read; of the threads (pid, tid) in the last argument the boards tell already."""


class MomentTaker:
    """Takes moments of one run, numbered from 1; ``bytes_written`` counts their copies."""

    def __init__(self, log: ObserverLog, run_path: str, files: RecorderFiles, inside: Inside | None = None) -> None:
        self.taken = 0
        self.bytes_written = 0
        self.whole = False
        """Did the last one get all the stacks that it asked for?"""
        self.servers: set[int] = set()
        """Processes that serve a manager, as seen last: they look around every second, and nothing comes of it."""
        self._log, self._files, self._inside = log, files, inside
        self._directory = os.path.join(run_path, MOMENTS)
        self._dumps: Kept = {}

    def take(
        self, why: str, pids: Sequence[int], waits: Sequence[BoardWait], *, everybody: bool = True, spins: Sequence[Spin] = ()
    ) -> int:
        """Look at these processes; those that wait are the first whose stacks are read. Returns the moment's number.

        ``everybody``: the stacks of those are read, too, that wait like others, as their boards say; ``spins``: what was found of
        those that wait for nobody. OSError if the copies cannot be written; there is no moment then.
        """
        number = self.taken + 1
        look(self._log, number, pids)
        looked = time.monotonic()
        keys = self._copy(number, set(pids)) | {wait.key for wait in waits if wait.family == PIPE}
        chosen = self._worth_a_stack(pids, waits, everybody=everybody)
        dumps = note_stacks(self._log, number, chosen, self._dumps)
        self.whole = len(dumps) == len(chosen) <= WHOLE and all(dumps.values())
        self.servers = {pid for pid, dump in dumps.items() if serves_manager(dump)}
        note_pipe_ends(self._log, number, pids, keys)
        note_signal_masks(self._log, number, pids)
        note_spinning(self._log, number, spins)
        self._look_inside(number, dumps, pids)
        time.sleep(max(0.0, BETWEEN_LOOKS_S - (time.monotonic() - looked)))
        look(self._log, number, pids)
        self._log.write(seen.MOMENT, number, why)
        self.taken = number
        return number

    def _worth_a_stack(self, pids: Sequence[int], waits: Sequence[BoardWait], *, everybody: bool) -> list[int]:
        self._dumps = {pid: self._dumps[pid] for pid in pids if pid in self._dumps}
        chosen = _waiting_first(pids, waits)
        return chosen if everybody else _without_alike(chosen, waits, self._dumps)

    def _look_inside(self, number: int, dumps: Dumps, pids: Sequence[int]) -> None:
        if self._inside is None:
            return
        told = {(wait.pid, wait.tid) for wait in read_boards(self._files, pids).waits}
        try:
            self._inside(self._log, number, dumps, told)
        except Exception as trouble:  # layouts of a foreign process: whatever it is, the moment stands without it
            self._log.write(seen.NOT_SEEN, 0, "thread locks", f"{type(trouble).__name__}: {trouble}"[:300])

    def _copy(self, number: int, living: set[int]) -> set[int]:
        """Copy the heads of all files; files of ended processes do not change any more, so they are linked. Returns pipes' keys."""
        folder = os.path.join(self._directory, f"{number:04d}")
        os.makedirs(folder, mode=0o700, exist_ok=True)
        keys: set[int] = set()
        self._files.refresh()
        newest = set(self._files.newest.values())
        dead = 0
        for name in self._files.all:
            pid = (parse_name(name) or (0,))[0]
            if pid in living and name in newest:
                keys |= self._copy_one(name, folder)
            elif dead < DEAD_FILES:
                dead += 1
                with contextlib.suppress(OSError):
                    os.link(os.path.join(self._files.directory, name), os.path.join(folder, name))
        return keys

    def _copy_one(self, name: str, folder: str) -> set[int]:
        data = self._files.read(name)
        if len(data) < layout.LOG:
            return set()
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)
        self.bytes_written += len(data)
        return connection_keys(data)


def _without_alike(pids: Sequence[int], waits: Sequence[BoardWait], kept: Collection[int]) -> list[int]:
    """Leave out all but a few of those whose every thread waits for the same thing: their boards say it, and from where."""
    how: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for wait in waits:
        how[wait.pid].append((wait.kind, wait.family, wait.key))
    times = Counter[tuple[tuple[int, int, int], ...]]()
    chosen = []
    for pid in pids:
        way = tuple(sorted(how[pid]))
        times[way] += 1
        if times[way] <= ALIKE or pid in kept or len(way) < len(procfs.tids(pid)):
            chosen.append(pid)
    return chosen


def _waiting_first(pids: Sequence[int], waits: Sequence[BoardWait]) -> list[int]:
    waiting = dict.fromkeys(wait.pid for wait in waits)
    return [pid for pid in waiting if pid in pids] + [pid for pid in pids if pid not in waiting]
