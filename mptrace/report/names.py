"""Processes, threads, signals and exits as a reader knows them: by the program's own names."""

from __future__ import annotations

import os
import re
import signal

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


def signal_name(number: int) -> str:
    """Return ``SIGKILL`` for 9."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def exit_words(exit_: Exit) -> str:
    """Return ``exit 1``, ``killed by SIGTERM from MainProcess``, ``killed by SIGKILL from outside the job``."""
    if exit_.signal is not None:
        sender = {"": "", "outside": " from outside the job"}.get(exit_.by, f" from {exit_.by}")
        return f"killed by {signal_name(exit_.signal)}{sender}"
    if exit_.code is not None:
        return f"exit {exit_.code}"
    return "ended, exit status not known"
