"""What a forked child lacks: the threads that its parent had at the fork, for a child that waits for a lock it got by the fork.

Threads that are older than the child are still there to be seen. Of one that has ended since, the child keeps the stack: glibc
leaves it mapped: a region of plain memory behind one that may not be touched, or (from glibc 2.42 on, whose guard pages cannot be
seen) with a thread's control block at its upper end, which begins with its own address, twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from struct import unpack

from mptrace.attach.address_space import PAGE, Region
from mptrace.attach.memory import Memory, Unreadable
from mptrace.attach.seen import SeenProcess, SeenThread
from mptrace.attach.sight import Sight
from mptrace.observe import procfs
from mptrace.wire import wait

LEAST_STACK = 128 * 1024
"""Bytes of the smallest thread's stack that is looked for."""

_TOP = 2 * PAGE
"""Where the control block is, from the end (x86-64: struct pthread, 0x900 bytes, below it the thread's variables)."""


def know_forks(sight: Sight) -> None:
    """Note the threads that a forked child lacks, if its only thread waits for a lock of its own memory."""
    for process in sight.job.living:
        parent = sight.job.processes.get(process.stat.ppid)
        if parent is not None and process.forked and process.start_method != "forkserver" and _waits_for_copy(process):
            lost = [*_older(parent, process)] or [*_ended(process)]
            process.lost_threads = "\n".join(lost)


def _waits_for_copy(process: SeenProcess) -> bool:
    waits = [thread.wait for thread in process.threads.values()]
    return len(waits) == 1 and waits[0] is not None and waits[0].kind == wait.MUTEX_WAIT and waits[0].timeout_ns is None


def _older(parent: SeenProcess, child: SeenProcess) -> Iterator[str]:
    """Yield number and name of the parent's threads that were there before the child, the one that forks aside."""
    for thread in parent.threads.values():
        stat = procfs.stat(parent.pid, thread.tid)
        if thread.tid != parent.pid and stat is not None and stat.start <= child.stat.start and thread.name:
            yield f"{thread.tid} {thread.name}"


def _ended(child: SeenProcess) -> Iterator[str]:
    if any(_stacks(child)):
        yield "0 (ended since)"


def _stacks(child: SeenProcess) -> Iterator[int]:
    """Yield the addresses of stacks that no thread uses."""
    used = [_stack_pointer(thread) for thread in child.threads.values()]
    memory = Memory(child.pid)
    for guard, stack in pairwise(child.space.regions):
        plain = stack.permissions.startswith("rw") and not stack.path and stack.end - stack.start >= LEAST_STACK
        unused = plain and not any(stack.start <= pointer < stack.end for pointer in used)
        if unused and (_is_guard(guard, stack) or _has_control_block(memory, stack)):
            yield stack.start
    memory.close()


def _is_guard(guard: Region, stack: Region) -> bool:
    return guard.permissions.startswith("---") and not guard.path and guard.end == stack.start


def _has_control_block(memory: Memory, stack: Region) -> bool:
    start = stack.end - _TOP
    try:
        words = unpack(f"<{_TOP // 8}Q", memory.read_fresh(start, _TOP))
    except Unreadable:
        return False
    return any(word == words[at + 2] == start + 8 * at for at, word in enumerate(words[:-2]))


def _stack_pointer(thread: SeenThread) -> int:
    words = thread.looks[-1].syscall.split() if thread.looks else []
    return int(words[-2], 16) if len(words) > 2 else 0
