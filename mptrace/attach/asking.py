"""``attach --inside``: ask processes of Python 3.14 or later to tell of themselves, by a script that they run when they get to it.

``sys.remote_exec`` only leaves a note for the main thread, which reads it when it runs Python code next. Tried on 3.14.10 and 3.15.2:
a main thread that works, or that wakes up now and then (polls, sleeps shortly, has timers), answers within that time; one that blocks
in a lock, a queue, a join or a read without a timeout never does, whatever its other threads do. No signal is sent to wake it.
Whoever has not answered in time finds an empty script when it gets there.

A process may be another user's, who is not trusted: the script lies where that user writes nothing, what is read back may be anything,
and root starts no interpreter that others could have written.
"""

from __future__ import annotations

import ast
import os
import shutil
import stat
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

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
_CALL = "[*map(sys.modules['_thread'].interrupt_main, tell({answer!r}, {until_ns}))]"
"""No loop: between the first signal that is handed back and the end of the script, Python must not look for signals."""
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
    os.chmod(home, 0o711)  # noqa: S103 - where each process answers is closed to others
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
    script, answer = os.path.join(folder, "script.py"), os.path.join(folder, "told", "answer")
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
            why=f"it did not answer within {wait_s:g} s, as a main thread that blocks does not; nothing more will be done in it. An "
            f"empty script stays below {os.path.dirname(folder)}, which may be removed when it has ended",
        )
    told = read_answer(answer)
    shutil.rmtree(folder, ignore_errors=True)
    took_ns = next((int(one[2]) for one in told if one[0] == "end" and one[2].isdecimal() and len(one[2]) < 12), 0)
    return Answer(pid, tuple(one for one in told if one[0] != "end"), took_ns)


def _why_not(process: SeenProcess) -> str:
    """Return why a process is not asked, "" if it may be."""
    version = _version(process)
    if version is not None and version < SINCE:
        return f"Python {version[0]}.{version[1]} cannot be asked: that is possible from 3.14 on"
    if not os.path.samefile(f"/proc/{process.pid}/root/", "/"):
        return "it runs in another file system, as in a container: attach to it in there"
    if not process.executable:
        return "it may not be looked at: be root, or its user"
    if "python" not in os.path.basename(process.executable):
        return "its program is not a Python interpreter, which would have to ask it"
    if os.geteuid() == 0 and not _is_roots(process.pid) and not _only_roots(process.executable):
        return f"root does not start {process.executable}, which others may write: attach as its user"
    return ""


def _is_roots(pid: int) -> bool:
    """Is it root's by all its user ids? The owner of its /proc entry is root's for others too, that may not be dumped."""
    with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as status:
        return any(line.split() == ["Uid:", "0", "0", "0", "0"] for line in status)


def _only_roots(program: str) -> bool:
    """Can nobody but root change this program, or put another in its place?"""
    places = [os.stat(place) for place in (Path(program), *Path(program).parents)]
    return all(place.st_uid == 0 and not (place.st_mode & 0o022 and not place.st_mode & stat.S_ISVTX) for place in places)


def _version(process: SeenProcess) -> tuple[int, int] | None:
    memory = Memory(process.pid)
    try:
        return Interpreter(process, memory).version
    except (UnknownLayout, Unreadable):
        return None
    finally:
        memory.close()


def _folder_for(home: str, pid: int) -> str:
    """Make a folder for the script, and one in it that is the process's user's alone, for the answer."""
    owner, folder = os.stat(f"/proc/{pid}"), os.path.join(home, str(pid))
    os.mkdir(folder)
    os.chmod(folder, 0o755)  # noqa: S103 - the process reads the script
    os.mkdir(os.path.join(folder, "told"), 0o700)
    if owner.st_uid != os.getuid():
        os.chown(os.path.join(folder, "told"), owner.st_uid, owner.st_gid)
    return folder


def _write_script(script: str, answer: str, until_ns: int) -> None:
    text = files("mptrace.attach").joinpath("inside_script.py").read_text(encoding="utf-8")
    with open(script, "w", encoding="utf-8") as file:
        file.write(f"{text}\n\n{_CALL.format(answer=answer, until_ns=until_ns)}\n")
    os.chmod(script, 0o644)


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
    number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)  # nor wait for a pipe's other end
    with open(number, encoding="utf-8", errors="replace") as file:
        lines = file.read(ANSWER_LIMIT).splitlines() if stat.S_ISREG(os.fstat(number).st_mode) else []
    found = []
    for line in lines:
        try:
            one = ast.literal_eval(line)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if _is_told(one):
            found.append(one)
    return found


def _is_told(one: object) -> bool:
    if not isinstance(one, tuple) or [type(part) for part in one] != [str, int, str, str, int, str]:
        return False
    return all(0 <= part < 1 << 31 for part in one if isinstance(part, int))
