"""What cannot be attached to, each in one sentence with what would help."""

from __future__ import annotations

import os
import re
import sys

from mptrace.attach.seen import SeenProcess
from mptrace.errors import BadUse, MptraceError
from mptrace.observe.procfs import command, executable, read_bytes


class NothingToAttach(MptraceError):
    """That process cannot be looked at."""


def refuse(pid: int) -> int:
    """Return the pid of the process to look at (of a thread's number: its process); raises NothingToAttach or BadUse."""
    if pid <= 0:
        raise BadUse(f"{pid} is not a process number.", "Find the job's with: pgrep -af python")
    _refuse_proc()
    status = read_bytes(f"/proc/{pid}/status").decode("utf-8", "replace")
    if not status:
        raise NothingToAttach(f"There is no process {pid}.", "Find the job's with: pgrep -af python")
    process = _number(status, "Tgid")
    if process == os.getpid():
        raise BadUse(f"{pid} is mptrace itself.", "Name a process of the job.")
    _refuse_state(process, status)
    _refuse_stranger(process, status)
    return process


def _refuse_proc() -> None:
    """Refuse a /proc whose numbers are not ours: we would read the memory of others than the ones we look at."""
    try:
        number = os.readlink("/proc/self")
    except OSError:
        number = ""
    if number != str(os.getpid()):
        raise NothingToAttach(
            "The processes in /proc here are those of another pid namespace than mptrace's own, or there is no /proc.",
            "Mount it anew (mount -t proc proc /proc), or attach from where the job's processes are shown, as from the host.",
        )


def _refuse_state(pid: int, status: str) -> None:
    name = re.search(r"^Name:\s*(.*)$", status, re.MULTILINE)
    called = f"{pid} ({name[1]})" if name else str(pid)
    if re.search(r"^State:\s*[ZX]", status, re.MULTILINE):
        parent = _number(status, "PPid")
        raise NothingToAttach(
            f"Process {called} has ended and is a zombie: nothing of it can be read.",
            f"Its parent has not waited for it; attach to that: python -m mptrace attach {parent}",
        )
    if not re.search(r"^VmSize:", status, re.MULTILINE):
        if 2 not in (pid, _number(status, "PPid")):
            raise just_ending(called)
        raise NothingToAttach(
            f"Process {called} is a thread of the kernel, not a program.", "Find the job's with: pgrep -af python"
        )


def _refuse_stranger(pid: int, status: str) -> None:
    """Refuse what is not ours to read."""
    try:
        with open(f"/proc/{pid}/maps", "rb") as file:
            file.read(1)
    except OSError as trouble:
        owner, as_root = _number(status, "Uid"), f"as root: sudo {sys.executable} -m mptrace attach {pid}"
        if os.getuid() == 0:
            raise NothingToAttach(f"Process {pid} may not be read: {_ROOT_LACKS}.", _AS_HOST) from None
        if owner == os.getuid():
            raise NothingToAttach(
                f"Process {pid} is yours, and may not be read all the same: it has raised its privileges, or forbids it (prctl).",
                f"Run it {as_root}",
            ) from None
        raise NothingToAttach(
            f"Process {pid} belongs to another user (uid {owner}) and may not be read: {trouble.strerror}.",
            f"Run it as that user or {as_root}",
        ) from None


def just_ending(called: str | int) -> NothingToAttach:
    """Return what is said of a process that has no memory any more."""
    return NothingToAttach(f"Process {called} is just ending: nothing of it can be read any more.")


def no_python(pid: int, below: list[int]) -> NothingToAttach:
    """Return what is said of a process that is no Python; ``below``: the several that it has started and that are."""
    words = " ".join(command(pid))[:60] or executable(pid)
    if not below:
        return NothingToAttach(f"Process {pid} is not Python: it runs {words}", "Find the job's with: pgrep -af python")
    those = "; ".join(f"python -m mptrace attach {one}" for one in below[:4])
    return NothingToAttach(
        f"Process {pid} is not Python: it runs {words}, and has started {len(below)} that are.", f"Attach to one: {those}"
    )


_ROOT_LACKS = "root lacks CAP_SYS_PTRACE here, as in most containers and user namespaces"
_AS_HOST = "Start it with --cap-add=SYS_PTRACE, or attach from the host."
YAMA = "/proc/sys/kernel/yama/ptrace_scope"


def why_closed(pid: int) -> str:
    """Return why the memory of a process may not be read though its /proc may, with the command that would help."""
    as_root = f"sudo {sys.executable} -m mptrace attach {pid}"
    scope = read_bytes(YAMA).strip()
    if scope == b"3":
        return "ptrace_scope is 3 on this machine: nobody may read it until the next boot"
    if scope not in {b"", b"0"}:
        return f"ptrace_scope is {scope.decode('ascii', 'replace')} on this machine; as root it may be read: {as_root}"
    if os.getuid() == 0:
        return f"{_ROOT_LACKS}: {_AS_HOST[0].lower()}{_AS_HOST[1:-1]}"
    return f"it belongs to another user, or has raised its privileges; as root it may be read: {as_root}"


def why_stopped(process: SeenProcess) -> str:
    """Return why a process does not run at all, "" if it may: it was stopped, or a debugger holds it."""
    states = {thread.looks[-1].state for thread in process.threads.values() if thread.looks}
    if states == {"t"}:
        tracer = _number(read_bytes(f"/proc/{process.pid}/status").decode("utf-8", "replace"), "TracerPid")
        return f"a debugger has stopped it: {' '.join(command(tracer))[:60] or 'process'}, pid {tracer}"
    return "it is stopped, as by Ctrl-Z; `kill -CONT` and its pid lets it go on" if states == {"T"} else ""


def _number(status: str, name: str) -> int:
    found = re.search(rf"^{name}:\s*(\d+)", status, re.MULTILINE)
    return int(found[1]) if found else 0
