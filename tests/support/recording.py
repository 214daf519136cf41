"""Write a run directory by hand: recorder files, the observer's log, moments; the bytes as the agent and the launcher write them."""

from __future__ import annotations

import json
from pathlib import Path
from struct import pack_into

from mptrace.wire import layout, rundir
from mptrace.wire.event import Kind, encode
from mptrace.wire.events import observations, processes, resources, sites


class FileWriter:
    """One recorder file in the making; times are in ms."""

    def __init__(self, run: RunWriter, pid: int, opened_ms: int, ppid: int, parent: FileWriter | None) -> None:
        self.run, self.pid, self.opened_ns = run, pid, opened_ms * 1_000_000
        self.data = bytearray(layout.SIZE)
        self.at = layout.LOG
        self._entries = self._locks = self._doings = self._tallies = self._sites = 0
        words = {
            layout.H_PID: pid, layout.H_PPID: parent.pid if parent else ppid, layout.H_TID: pid, layout.H_OPENED: self.opened_ns,
            layout.H_PYTHON: 0x030B07F0, layout.H_LOG: layout.LOG, layout.H_LOG_SIZE: layout.LOG_SIZE, layout.H_SIZE: layout.SIZE,
            layout.H_FLAGS: layout.FORKED if parent else 0, layout.H_PARENT_OPENED: parent.opened_ns if parent else 0,
            layout.H_VERSION: layout.VERSION | layout.HEADER_SIZE << 32, layout.H_MAGIC: int.from_bytes(layout.MAGIC, "little"),
        }  # fmt: skip
        for word, value in words.items():
            self.header(word, value)

    def header(self, word: int, value: int) -> None:
        """Set a word of the header."""
        pack_into("<Q", self.data, word * 8, value)

    def log(self, kind: Kind, at_ms: int = 0, tid: int = 0, /, **fields: int | str) -> FileWriter:
        """Append an event; fields that are not given are 0 or ""."""
        values = tuple(fields.get(name, 0 if of_type == "int" else "") for name, of_type in kind.fields)
        record = encode(kind, tid or self.pid, at_ms * 1_000_000 or self.opened_ns, values)
        self.data[self.at : self.at + len(record)] = record
        self.at += len(record)
        return self

    def site(self, place: str) -> int:
        """Return the number of a place ``file:line function``, told to the log."""
        where, _, function = place.partition(" ")
        file, _, line = where.rpartition(":")
        self._sites += 1
        self.log(sites.SITE, site=self._sites, file=file, line=int(line), function=function)
        return self._sites

    def made(self, kind: str, family: int, key: int, place: str = "", at_ms: int = 0, number: int = 0) -> FileWriter:
        """The program made something there."""
        return self.log(
            resources.MADE, at_ms, family=family, key=key, kind=kind, site=self.site(place) if place else 0, number=number
        )

    def runs(self, name: str, target: str = "work", at_ms: int = 0) -> FileWriter:
        """A multiprocessing.Process runs here."""
        return self.log(processes.RUNNING, at_ms, name=name, target=target, start_method="fork")

    def started(self, child: int, name: str, at_ms: int = 0, method: str = "fork") -> FileWriter:
        """This process started a child."""
        return self.log(processes.STARTED, at_ms, child=child, name=name, start_method=method)

    def waits(
        self,
        kind: int,
        family: int,
        key: int,
        since_ms: int = 1,
        tid: int = 0,
        site: int = 0,
        timeout_ms: int | None = None,
        flags: int = 0,
        detail: int = 0,
    ) -> FileWriter:
        """A thread waits (``tid`` 0: the main one); its ``get_ident()`` is its tid."""
        at = layout.BOARD + self._entries * layout.THREAD_WORDS * 8
        self._entries += 1
        tid = tid or self.pid
        state = kind | family << 8 | (flags | (timeout_ms is not None)) << 16
        pack_into("<3Q", self.data, at, tid, tid, 1)
        slot = (state, key, since_ms * 1_000_000, (timeout_ms or 0) * 1_000_000, site, detail, 0)
        pack_into("<7Q", self.data, at + layout.T_WAIT * 8, *slot)
        return self

    def holds(self, key: int, since_ms: int = 1, ident: int = 0, site: int = 0) -> FileWriter:
        """A thread (by its ident; 0: the main one) holds a lock."""
        pack_into("<Q", self.data, layout.HELD + self._locks * 8, ident or self.pid)
        pack_into("<3Q", self.data, layout.CELLS + self._locks * layout.CELL_WORDS * 8, key, since_ms * 1_000_000, site)
        self._locks += 1
        return self

    def gave_away(self, key: int, at_ms: int) -> FileWriter:
        """This process released a lock that it did not hold."""
        cell = layout.CELLS + self._locks * layout.CELL_WORDS * 8
        pack_into("<3Q", self.data, cell, key, at_ms * 1_000_000, layout.FOREIGN)
        self._locks += 1
        return self

    def does(self, pool: int, job: int, index: int, text: str, since_ms: int = 1) -> FileWriter:
        """The main thread runs a task."""
        at, data = layout.DOING + self._doings * layout.DOING_SIZE, text.encode()
        pack_into("<5Q", self.data, at, 1 | self.pid << 32, pool, job << 32 | index, since_ms * 1_000_000, len(data))
        self.data[at + 40 : at + 40 + len(data)] = data
        self._doings += 1
        return self

    def tally(self, key: int, sent: int, received: int, ends: int = 3) -> FileWriter:
        """Messages went through a connection."""
        pack_into("<4Q", self.data, layout.TALLY + self._tallies * layout.TALLY_WORDS * 8, key, sent, received, ends)
        self._tallies += 1
        return self

    def ends(self, at_ms: int) -> FileWriter:
        """The exit handlers had run."""
        self.header(layout.H_ENDED, at_ms * 1_000_000)
        return self

    @property
    def name(self) -> str:
        """The file's name."""
        return rundir.recording_name(self.pid, self.opened_ns)


class RunWriter:
    """A run directory in the making; `save` writes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files: list[FileWriter] = []
        self.observer = bytearray(rundir.LOG_MAGIC)
        self.meta: dict[str, object] = {}
        self.moments: list[int] = []

    def process(self, pid: int, opened_ms: int = 1, ppid: int = 1, parent: FileWriter | None = None) -> FileWriter:
        """Add a recorder file; ``parent``: it was forked from that process."""
        self.files.append(FileWriter(self, pid, opened_ms, ppid, parent))
        return self.files[-1]

    def saw(self, kind: Kind, at_ms: int = 1, /, **fields: int | str) -> RunWriter:
        """The observer noted something."""
        values = tuple(fields.get(name, 0 if of_type == "int" else "") for name, of_type in kind.fields)
        self.observer += encode(kind, 0, at_ms * 1_000_000, values)
        return self

    def exited(self, pid: int, status: int, at_ms: int) -> RunWriter:
        """The observer saw a process end."""
        return self.saw(observations.EXITED, at_ms, pid=pid, status=status)

    def moment(self, number: int, at_ms: int, *, still: bool = True) -> RunWriter:
        """The heads were copied, and every process's main thread was looked at twice."""
        for look in range(2):
            for file in self.files:
                self.saw(
                    observations.THREAD,
                    at_ms,
                    moment=number,
                    pid=file.pid,
                    thread=file.pid,
                    state="S",
                    switches=0 if still else look,
                )
        self.moments.append(number)
        return self.saw(observations.MOMENT, at_ms, moment=number)

    def save(self) -> str:
        """Write everything; returns the path."""
        folder = self.path / rundir.PROCESSES
        folder.mkdir(parents=True)
        (self.path / rundir.META).write_text(json.dumps(self.meta))
        (self.path / rundir.OBSERVER).write_bytes(self.observer)
        for file in self.files:
            (folder / file.name).write_bytes(file.data)
        for number in self.moments:
            copies = self.path / rundir.MOMENTS / f"{number:04}"
            copies.mkdir(parents=True)
            for file in self.files:
                (copies / file.name).write_bytes(file.data)
        return str(self.path)
