"""What can be observed on this machine, each found out by doing it."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mptrace.observe import libc, procfs, stacks
from mptrace.observe.cgroup import oom_state
from mptrace.observe.exits import UNKNOWN, ask_kernel, open_pidfd
from mptrace.observe.pipes import queued_bytes


@dataclass(frozen=True, slots=True)
class Ability:
    """``works``: can it be done here; ``says``: what was found; ``without``: what mptrace cannot tell without it."""

    name: str
    works: bool
    says: str
    without: str = ""


def abilities() -> Iterator[Ability]:
    """Try each; none raises."""
    for check in _CHECKS:
        try:
            yield check()
        except Exception as trouble:  # what fails here is what the user wants to hear about
            yield Ability(check.__name__.strip("_").replace("_", " "), works=False, says=f"{type(trouble).__name__}: {trouble}")


def _child(code: str = "input()") -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-I", "-S", "-c", code], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.communicate()


def _ptrace() -> Ability:
    path = "/proc/sys/kernel/yama/ptrace_scope"
    scope = procfs.read_bytes(path).strip().decode() or "0"
    meaning = {"0": "no limits", "1": "descendants only: enough for a run, not for attach", "2": "root only", "3": "off"}
    says = f"ptrace scope {scope}: {meaning.get(scope, 'unknown')}"
    return Ability("ptrace", scope in "01", says, "stacks, and what lies in pipes")


def _py_spy() -> Ability:
    program = stacks.find_py_spy()
    if not program:
        return Ability("py-spy", works=False, says="not found", without="Python stacks of hanging processes")
    child = _child()
    try:
        return _try_py_spy(program, child)
    finally:
        _end(child)


def _try_py_spy(program: str, child: subprocess.Popen[bytes]) -> Ability:
    says = "no stack within two seconds"
    until = time.monotonic() + 2
    while time.monotonic() < until:
        try:
            if stacks.dump(child.pid, program):
                return Ability("py-spy", works=True, says=f"{program} reads a child's stack")
        except ValueError as trouble:  # not yet a Python, or not allowed: the last word counts
            says = str(trouble).splitlines()[0]
        time.sleep(0.05)
    return Ability("py-spy", works=False, says=says, without="Python stacks of hanging processes")


def _pidfd() -> Ability:
    descriptor = open_pidfd(os.getpid())
    if descriptor < 0:
        return Ability("pidfd", works=False, says="not in this kernel", without="the moment at which a process ended")
    os.close(descriptor)
    return Ability("pidfd", works=True, says="ends of processes are noticed at once")


def _exit_status() -> Ability:
    child = _child("raise SystemExit(7)")
    pidfd = open_pidfd(child.pid)
    child.communicate()
    status = ask_kernel(pidfd)[0]
    if pidfd >= 0:
        os.close(pidfd)
    says = "kept by the kernel" if status != UNKNOWN else "only as long as nobody has asked for it (before Linux 6.15)"
    return Ability("exit status of grandchildren", status == 7, says, "how some processes ended that their parent reaped quickly")


def _subreaper() -> Ability:
    libc.become_subreaper()
    return Ability("orphans", works=True, says="come to mptrace when their parent ends")


def _pipes() -> Ability:
    reading, writing = os.pipe()
    os.write(writing, b"12345")
    count = queued_bytes(os.getpid(), reading)
    os.close(reading)
    os.close(writing)
    return Ability(
        "bytes in pipes", count == 5, "can be counted" if count == 5 else "cannot be counted", "whether a pipe is full"
    )


def _cgroup() -> Ability:
    state = oom_state(os.getpid())
    if state is None:
        return Ability(
            "memory cgroup", works=False, says="no counter of out-of-memory kills", without="who was killed for memory"
        )
    limit = f"limit {state.limit >> 20} MiB" if state.limit else "no limit"
    return Ability("memory cgroup", works=True, says=f"{limit}, {state.kills} kills so far ({state.cgroup})")


def _shared_memory() -> Ability:
    found = shutil.disk_usage("/dev/shm")  # noqa: S108 - where POSIX shared memory lives
    free = found.free >> 20
    return Ability("shared memory", free > 8, f"{free} MiB of {found.total >> 20} free", "locks, queues and shared memory at all")


def _limits() -> Ability:
    files, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    size = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    sized = "" if size == resource.RLIM_INFINITY else f", files of at most {size >> 10} KiB"
    enough = files >= 64 and (size == resource.RLIM_INFINITY or size > 1 << 20)
    return Ability("limits", enough, f"{files} open files (at most {hard}){sized}", "the recording of large jobs")


def _temporary() -> Ability:
    with tempfile.TemporaryFile() as file:
        os.posix_fallocate(file.fileno(), 0, 1 << 20)
    return Ability("disk", works=True, says=f"{shutil.disk_usage('.').free >> 20} MiB free in this directory")


_CHECKS: tuple[Callable[[], Ability], ...] = (
    _py_spy, _ptrace, _pidfd, _exit_status, _subreaper, _pipes, _cgroup, _shared_memory, _limits, _temporary,
)  # fmt: skip
