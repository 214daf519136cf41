"""Give every thread its stack: by native id, or where py-spy does not know that, by its place in the process."""

from __future__ import annotations

from mptrace.attach.frames import Stacks, read_stacks
from mptrace.attach.memory import Memory, Unreadable
from mptrace.attach.seen import Frame, SeenProcess, SeenThread
from mptrace.attach.sight import Sight

GLIBC_TID = 0x2D0
"""Where struct pthread of glibc has the native id (x86-64); the answer is checked against the process's threads."""


def add_stacks(sight: Sight) -> None:
    """Read the stacks of all Python processes of the job."""
    pids = [process.pid for process in sight.job.living if process.python]
    for pid, stacks in read_stacks(pids).items():
        process = sight.job.processes[pid]
        if stacks.trouble:
            sight.miss(pid, "stacks", stacks.trouble)
        assign(process, stacks)


def assign(process: SeenProcess, stacks: Stacks) -> None:
    """Give the threads of a process their stacks, names and roles."""
    process.started_at = stacks.started_at
    by_inner = {thread.inner_tid: thread for thread in process.threads.values()}
    memory = Memory(process.pid)
    for native, ident, name, frames in stacks.threads:
        thread = by_inner.get(native or _native_id(memory, ident)) or _only(process, stacks)
        if thread is not None:
            thread.ident, thread.frames = ident, frames
            thread.name = "MainThread" if thread.tid == process.pid else name
            thread.role = role_of(thread, process, frames)
    memory.close()


def _native_id(memory: Memory, ident: int) -> int:
    try:
        return memory.i32(ident + GLIBC_TID)
    except Unreadable:
        return 0


def _only(process: SeenProcess, stacks: Stacks) -> SeenThread | None:
    """Return the process's thread if it has but one, and one stack."""
    return next(iter(process.threads.values())) if len(process.threads) == len(stacks.threads) == 1 else None


_ROLES = {
    ("multiprocessing/queues.py", "_feed"): "queue feeder",
    ("multiprocessing/pool.py", "_handle_workers"): "pool worker handler",
    ("multiprocessing/pool.py", "_handle_tasks"): "pool task handler",
    ("multiprocessing/pool.py", "_handle_results"): "pool result handler",
    ("concurrent/futures/process.py", "run"): "executor manager",
    ("multiprocessing/managers.py", "serve_forever"): "manager server",
    ("multiprocessing/managers.py", "accepter"): "manager server",
    ("multiprocessing/managers.py", "serve_client"): "manager server",
    ("multiprocessing/managers.py", "handle_request"): "manager server",
    ("multiprocessing/resource_sharer.py", "_serve"): "resource sharer",
}


def role_of(thread: SeenThread, process: SeenProcess, frames: tuple[Frame, ...]) -> str:
    """Return what a thread is for, in the words of the model's ThreadRole, by the library's functions on its stack."""
    if thread.tid == process.pid:
        return "main"
    for frame in frames:
        file = "/".join(frame.file.rsplit("/", 3)[-2:])
        file = "concurrent/futures/process.py" if file == "futures/process.py" else file
        role = _ROLES.get((file, frame.function.rpartition(".")[2]))
        if role:
            return role
    return "user"
