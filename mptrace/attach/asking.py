"""``attach --inside``: ask processes of Python 3.14 or later to tell of themselves, by a script that they run when they get to it.

``sys.remote_exec`` only leaves a note for the main thread, which reads it when it runs Python code next. Tried on 3.14.10 and 3.15.2:
a main thread that works, or that wakes up now and then (polls, sleeps shortly, has timers), answers within that time; one that blocks
in a lock, a queue, a join or a read without a timeout never does, whatever its other threads do. No signal is sent to wake it.
Whoever has not answered in time finds an empty script when it gets there.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files

from mptrace.attach.cpython.interpreter import Interpreter, UnknownLayout
from mptrace.attach.job import Job
from mptrace.attach.memory import Memory, Unreadable
from mptrace.attach.seen import SeenProcess

SINCE = (3, 14)
START_S = 10.0
"""Longest that an interpreter may take to start, and to leave the note."""

ANSWER_LIMIT = 8 << 20
"""Most of an answer that is read."""

_LEAVE_NOTE = "import sys; sys.remote_exec(int(sys.argv[1]), sys.argv[2])"
Told = tuple[str, int, str, str, int, str]
"""Kind, thread's native id, text, file, line and function: as inside_script.py writes them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a process told, ``took_ns`` of its time; or ``why`` it told nothing."""

    pid: int
    told: tuple[Told, ...] = ()
    took_ns: int = 0
    why: str = ""


def ask(job: Job, wait_s: float) -> list[Answer]:
    """Ask every Python process of a job but its services; the answers come within ``wait_s``, or not at all."""
    asked = [process for process in job.living if process.python and not process.service]
    home = tempfile.mkdtemp(prefix="mptrace-inside-")
    os.chmod(home, 0o711)  # noqa: S103 - each process's folder in it is closed to others
    try:
        with ThreadPoolExecutor(max_workers=min(max(len(asked), 1), 16)) as pool:
            return list(pool.map(lambda process: _ask(home, process, wait_s), asked))
    finally:
        if not os.listdir(home):
            os.rmdir(home)


def _ask(home: str, process: SeenProcess, wait_s: float) -> Answer:
    try:
        why = _why_not(process)
        return Answer(process.pid, why=why) if why else _ask_in(_folder_for(home, process.pid), process, wait_s)
    except OSError as trouble:
        return Answer(process.pid, why=f"no script could be left for it: {trouble.strerror}")


def _ask_in(folder: str, process: SeenProcess, wait_s: float) -> Answer:
    script, answer = os.path.join(folder, "script.py"), os.path.join(folder, "answer")
    _write_script(script, answer, time.monotonic_ns() + int((wait_s + START_S) * 1e9))
    trouble = _leave_note(process, script)
    if trouble:
        shutil.rmtree(folder, ignore_errors=True)
        return Answer(process.pid, why=trouble)
    end = time.monotonic() + wait_s
    while not os.path.exists(answer) and time.monotonic() < end:
        time.sleep(0.01)
    return _read(folder, script, answer, process.pid, wait_s)


def _read(folder: str, script: str, answer: str, pid: int, wait_s: float) -> Answer:
    """Return the answer; where there is none, the script is emptied and stays: the process will read it some day."""
    if not os.path.exists(answer):
        _empty(script)
        return Answer(
            pid,
            why=f"its main thread ran no Python code for {wait_s:g} s, as one that blocks does not; nothing more will be done in it. An "
            f"empty script stays below {os.path.dirname(folder)} until it has ended",
        )
    told = read_answer(answer)
    shutil.rmtree(folder, ignore_errors=True)
    took_ns = next((int(one[2]) for one in told if one[0] == "end"), 0)
    return Answer(pid, tuple(one for one in told if one[0] != "end"), took_ns)


def _why_not(process: SeenProcess) -> str:
    """Return why a process is not asked, "" if it may be."""
    version = _version(process)
    if version is not None and version < SINCE:
        return f"Python {version[0]}.{version[1]} cannot be asked: that is possible from 3.14 on"
    if not os.path.samefile(f"/proc/{process.pid}/root/", "/"):
        return "it runs in another file system, as in a container: attach to it in there"
    if "python" not in os.path.basename(process.executable):
        return "its program is not a Python interpreter, which would have to ask it"
    return ""


def _version(process: SeenProcess) -> tuple[int, int] | None:
    memory = Memory(process.pid)
    try:
        return Interpreter(process, memory).version
    except (UnknownLayout, Unreadable):
        return None
    finally:
        memory.close()


def _folder_for(home: str, pid: int) -> str:
    """Make a folder that nobody but the process's user can read."""
    folder = os.path.join(home, str(pid))
    os.mkdir(folder, 0o700)
    owner = os.stat(f"/proc/{pid}")
    if owner.st_uid != os.getuid():
        os.chown(folder, owner.st_uid, owner.st_gid)
    return folder


def _write_script(script: str, answer: str, until_ns: int) -> None:
    text = files("mptrace.attach").joinpath("inside_script.py").read_text(encoding="utf-8")
    with open(script, "w", encoding="utf-8") as file:
        file.write(f"{text}\n\ntell({answer!r}, {until_ns})\n")
    os.chmod(script, 0o644)  # the folder is closed to others


def _empty(script: str) -> None:
    """Put an empty script in the place of one: whoever is just reading that has it whole."""
    with open(script + ".empty", "w", encoding="utf-8"):
        pass
    os.chmod(script + ".empty", 0o644)
    os.replace(script + ".empty", script)


def _leave_note(process: SeenProcess, script: str) -> str:
    """Let an interpreter of the process's own version leave the note; return why that failed, "" if it did not."""
    command = [process.executable, "-I", "-S", "-c", _LEAVE_NOTE, str(process.pid), script]
    try:
        done = subprocess.run(command, capture_output=True, timeout=START_S, check=False, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return f"{process.executable} took longer than {START_S:.0f} s to ask it"
    except OSError as trouble:
        return f"{process.executable} could not be started to ask it: {trouble.strerror}"
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return _in_plain_words(said[-1] if said else f"status {done.returncode}") if done.returncode else ""


def _in_plain_words(error: str) -> str:
    if "has no attribute 'remote_exec'" in error:
        return "its Python cannot be asked: that is possible from 3.14 on"
    if "not enabled in the remote process" in error or "disabled" in error.lower():
        return "it was started with PYTHON_DISABLE_REMOTE_DEBUG or -X disable_remote_debug"
    if error.startswith("PermissionError"):
        return "it may not be written to: be root, or its user where ptrace_scope is 0"
    return f"it could not be asked: {error}"


def read_answer(path: str) -> list[Told]:
    """Return what an answer says; lines that are no such tuple are left out."""
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = file.read(ANSWER_LIMIT).splitlines()
    found = []
    for line in lines:
        try:
            one = ast.literal_eval(line)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(one, tuple) and [type(part) for part in one] == [str, int, str, str, int, str]:
            found.append(one)
    return found
