"""Why the agent is not in a process: what it was started with says it."""

from __future__ import annotations

import os
import re

from mptrace.observe import procfs
from mptrace.wire import layout
from mptrace.wire.rundir import ENV_RUN

OTHER = "another program"
"""How the reason begins for what is no Python."""

_PYTHON = re.compile(r"(python|pypy)[0-9.]*(-?(dbg|debug|intel64))?t?$")
_KEEPS_OUT = {"I": "-I", "E": "-E", "S": "-S"}


def why_untraced(pid: int, run_path: str) -> str:
    """Return the reason, in words for a report; "" if the process is gone or there is none to be seen."""
    words, program = procfs.command(pid), procfs.executable(pid)
    if not words:
        return ""
    name = os.path.basename(program or words[0])
    if not _PYTHON.match(name):
        return f"{OTHER}: {name}"
    flag = excluding_flag(words)
    if flag:
        return f"started with {flag}"
    why = _why_by_environment(procfs.environment(pid), run_path) or _why_by_version(name)
    return why or _why_by_room(pid, run_path)


def excluding_flag(words: list[str]) -> str:
    """Return the interpreter option of a command line that keeps sitecustomize or PYTHONPATH out, "" if there is none."""
    for word in words[1:]:
        if not word.startswith("-") or word.startswith("--") or word == "-":
            return ""
        for letter in word[1:]:
            if letter in _KEEPS_OUT:
                return _KEEPS_OUT[letter]
            if letter in "cmXW":
                break
        if "c" in word[1:] or "m" in word[1:]:
            return ""
    return ""


def _why_by_environment(environment: dict[str, str], run_path: str) -> str:
    if not environment:
        return "started with an empty environment"
    if environment.get(ENV_RUN) != run_path:
        return "started with a cleaned environment"
    if "bootstrap" not in environment.get("PYTHONPATH", ""):
        return "its PYTHONPATH was replaced"
    return ""


def _why_by_room(pid: int, run_path: str) -> str:
    try:
        found = os.statvfs(run_path)
    except OSError:
        return ""
    if found.f_bavail * found.f_frsize < layout.SIZE:
        return "there was no room left for its recording"
    limit = procfs.limit(pid, "Max file size")
    return f"it may write no files larger than {limit} bytes" if 0 <= limit < layout.SIZE else ""


def _why_by_version(name: str) -> str:
    digits = re.search(r"(\d)\.(\d+)", name)
    if digits and (int(digits[1]), int(digits[2])) < (3, 10):
        return f"Python {digits[0]} is older than 3.10"
    return ""
