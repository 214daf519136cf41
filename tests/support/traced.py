"""Run a small program with the agent in it, under any Python, and read back what its processes logged."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from mptrace.wire import events, families, layout, rundir
from mptrace.wire.event import PREFIX, Kind, decode

assert families.FAMILIES  # importing them declares the kinds

PACKAGE = Path(__file__).parents[2] / "mptrace"
PYENV = Path.home() / ".pyenv/versions"


def pythons() -> list[str]:
    """Return the interpreters to try: this one, and those of pyenv from 3.10 on."""
    found = {f"{sys.version_info[0]}.{sys.version_info[1]}": sys.executable}
    for path in sorted(PYENV.glob("3.*/bin/python")):
        version = path.parents[1].name.split(".")
        if int(version[1]) >= 10:
            found.setdefault(".".join(version[:2]), str(path))
    return [found[version] for version in sorted(found, key=lambda text: int(text.split(".")[1]))]


def version_of(python: str) -> str:
    """Return ``3.12`` for an interpreter of `pythons`."""
    return next((text for text in ("3.10", "3.11", "3.12", "3.13", "3.14", "3.15") if f"/{text}." in python), "this")


METHODS = ("fork", "spawn", "forkserver")

EVERYWHERE = [(python, method) for python in pythons() for method in METHODS]
"""Every interpreter with every start method: parameters of the tests of probes."""

NAMES = [f"{version_of(python)}-{method}" for python, method in EVERYWHERE]


def line_of(program: str, mark: str) -> int:
    """Return the line of ``program`` that ends in ``# mark``."""
    return next(number for number, text in enumerate(program.splitlines(), 1) if text.rstrip().endswith(f"# {mark}"))


@dataclass(frozen=True)
class Logged:
    """One record: who, what, when, with its fields."""

    pid: int
    kind: Kind
    at_ns: int
    tid: int
    fields: dict[str, int | str]

    def __getitem__(self, name: str) -> int | str:
        return self.fields[name]


@dataclass
class Outcome:
    """What a traced program did, and what was logged of it."""

    status: int
    out: str
    err: str
    path: Path
    logged: list[Logged] = field(default_factory=list)

    def of(self, kind: Kind) -> list[Logged]:
        """Return the records of one kind, by time."""
        return [record for record in self.logged if record.kind is kind]

    def one(self, kind: Kind) -> Logged:
        """Return the only record of that kind."""
        found = self.of(kind)
        assert len(found) == 1, (kind, found, self.err, self.of(events.agents.PROBE_OFF))
        return found[0]

    def quiet(self) -> bool:
        """Did no probe of ours fail, and is no frame of ours in what the program printed?"""
        ours = str(PACKAGE / "agent")
        return not self.of(events.agents.PROBE_OFF) and (ours not in self.err or "3.10" in self.path.name)

    def line(self, record: Logged, name: str = "site") -> int:
        """Return the line of a record's site, which must be in the program."""
        file, line = self.place(record, name)
        assert file == "program.py", (file, line, record)
        return line

    def place(self, record: Logged, name: str = "site") -> tuple[str, int]:
        """Return (file name, line) of a record's site."""
        for other in self.logged:
            if other.kind is events.sites.SITE and other.pid == record.pid and other["site"] == record[name]:
                return os.path.basename(str(other["file"])), int(other["line"])
        return self._inherited(record, name)

    def _inherited(self, record: Logged, name: str) -> tuple[str, int]:
        for other in self.logged:
            if other.kind is events.sites.SITE and other["site"] == record[name]:
                return os.path.basename(str(other["file"])), int(other["line"])
        return "", 0


def trace(
    program: str, path: Path, python: str = sys.executable, *, arguments: tuple[str, ...] = (), limit_s: float = 60
) -> Outcome:
    """Write ``program`` to ``path/program.py``, run it traced, and return what happened; kills its whole session at the end."""
    script = path / "program.py"
    script.write_text(program)
    run = path / f"run-{os.path.basename(os.path.dirname(os.path.dirname(python)))}"
    (run / rundir.PROCESSES).mkdir(parents=True)
    status, out, err = run_bounded([python, str(script), *arguments], path, {**os.environ, **environment(run)}, limit_s)
    return Outcome(status, out, err, run, read(run))


def run_bounded(command: list[str], path: Path, environ: dict[str, str], limit_s: float) -> tuple[int, str, str]:
    """Run a command in a session of its own; (status, stdout, stderr), and nobody of the session is left."""
    with (path / "out").open("w+") as out, (path / "err").open("w+") as err:
        job = subprocess.Popen(command, stdout=out, stderr=err, cwd=path, env=environ, start_new_session=True)
        try:
            status = job.wait(limit_s)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(job.pid, signal.SIGKILL)
            job.wait(10)
        out.seek(0)
        err.seek(0)
        return status, out.read(), err.read()


def environment(run: Path) -> dict[str, str]:
    """Return the variables that make an interpreter load the agent."""
    return {rundir.ENV_RUN: str(run), rundir.ENV_HOME: str(PACKAGE), "PYTHONPATH": str(PACKAGE / "launch/bootstrap")}


def read(run: Path) -> list[Logged]:
    """Return all records of all recorder files, by time."""
    found = []
    for path in (run / rundir.PROCESSES).iterdir():
        named = rundir.parse_name(path.name)
        if named:
            found += [Logged(named[0], *record) for record in _records(path.read_bytes())]
    return sorted(found, key=lambda record: record.at_ns)


def _records(data: bytes) -> list[tuple[Kind, int, dict[str, int | str]]]:
    if not data.startswith(layout.MAGIC):  # its process was killed before the header was there
        return []
    words = memoryview(data)[: layout.HEADER_SIZE].cast("Q")
    at, end, found = words[layout.H_LOG], words[layout.H_LOG] + words[layout.H_LOG_SIZE], []
    while at + PREFIX.size < end:
        length = PREFIX.unpack_from(data, at)[0]
        if not length:
            break
        kind, tid, at_ns, fields = decode(data[at + 8 : at + 8 + length])
        found.append((kind, at_ns, tid, fields))
        at += 8 + length + -length % 8
    return found


if __name__ == "__main__":
    for record in read(Path(sys.argv[1])):
        if not record.kind.name.startswith(("site.", "stack.")):
            shown = {key: value if type(value) is int else str(value)[:300] for key, value in record.fields.items()}
            print(f"{record.at_ns / 1e9:.6f} {record.pid} {record.kind.name} {shown}")
