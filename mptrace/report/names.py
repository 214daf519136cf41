"""Processes and their ends as a line of a tree names them: short, and by the program's own names."""

from __future__ import annotations

import os
import re

from mptrace.diagnose.wording import how_it_ended
from mptrace.model.process import Exit, Process, Thread, ThreadRole

_NUMBER = re.compile(r"[-_]?\d+(:\d+)*$")


def process_name(process: Process) -> str:
    """Return its multiprocessing name, else its program's, else what it is for."""
    program = os.path.basename(process.command.split(" ", 1)[0]) if process.command else ""
    return process.name or program or process.role.value


def process_of(who: Process | Thread) -> Process:
    """Return the process that a process or thread is, or is in."""
    return who.process if isinstance(who, Thread) else who


def actor_name(who: Process | Thread) -> str:
    """Return ``loader-1``, or ``Thread-3 of loader-1`` for any but the main thread."""
    name = process_name(process_of(who))
    if isinstance(who, Thread) and who.role is not ThreadRole.MAIN:
        return f"{who.name or f'thread {who.tid}'} of {name}"
    return name


def stem(name: str) -> str:
    """Return a name without its number: workers of one pool share it."""
    return _NUMBER.sub("", name) or name


def exit_words(end: Exit) -> str:
    """Return ``exit 1``, ``killed by SIGTERM, sent by MainProcess``, ``killed by SIGKILL from outside the job``."""
    return f"exit {end.code}" if end.signal is None and end.code is not None else how_it_ended(end).removeprefix("was ")
