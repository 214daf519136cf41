"""Who has a lock of `threading` that somebody waits for: an RLock says so itself, a ``with`` block stands in its thread's frames.

A lock that was taken by acquire() says nothing; then the text of the program along the stacks of the process's threads may.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mptrace.attach.cpython.blocks import Block, Blocks
from mptrace.attach.cpython.thread_locks import FoundLock
from mptrace.attach.holding import Span, spans_of
from mptrace.attach.insight import Insight
from mptrace.attach.intents import place_of
from mptrace.attach.seen import Frame, SeenProcess, SeenThread
from mptrace.attach.sight import LockHolder
from mptrace.wire import wait

OWNER, BLOCK, TEXT = "owner", "block", "text"
"""How a holder is known: the lock says so, a frame of the thread does, or only the program's text."""


def find_holders(insight: Insight, locks: Iterable[FoundLock]) -> Iterator[LockHolder]:
    """Yield the holder of each of these locks, where there is one that can be told."""
    process = insight.process
    threads = {thread.ident: thread for thread in process.threads.values() if thread.ident}
    blocks = Blocks(insight.interpreter).read(frozenset(threads))
    for lock in locks:
        inside = list(_entered(lock, blocks, threads))
        ident, how = _holder(insight, lock, inside, threads)
        if ident:
            thread = threads.get(ident)
            tid = thread.tid if thread is not None else 0
            yield LockHolder(process.pid, lock.address, ident, tid, how, _place(insight, thread, lock))


def _holder(insight: Insight, lock: FoundLock, inside: list[Block], threads: dict[int, SeenThread]) -> tuple[int, str]:
    if lock.is_recursive:
        return lock.owner, OWNER
    idents = {block.ident for block in inside}
    if len(idents) == 1:
        return idents.pop(), BLOCK
    takers = [] if idents else _takers(insight, lock, threads)
    return (takers[0], TEXT) if len(takers) == 1 else (0, "")


def _entered(lock: FoundLock, blocks: list[Block], threads: dict[int, SeenThread]) -> Iterator[Block]:
    """Yield the blocks of a lock, without the one that a thread which waits for the lock is only about to enter."""
    at_the_door: set[int] = set()
    for block in blocks:
        if block.lock != lock.address or _is_given_back(block, threads[block.ident]):
            continue
        thread = threads[block.ident]
        if block.depth == _door(thread) and _waits_for(thread, lock) and block.ident not in at_the_door:
            at_the_door.add(block.ident)
        else:
            yield block


def _door(thread: SeenThread) -> int:
    """Return in which frame a thread that waits for a lock would have begun its block: a Condition's has one frame more."""
    return int(bool(thread.frames) and place_of(thread.frames[0]) == ("threading.py", "__enter__"))


def _is_given_back(block: Block, thread: SeenThread) -> bool:
    """Is the thread in wait() of the Condition whose block it is inside of?"""
    waits = (frame for frame in thread.frames if place_of(frame) == ("threading.py", "wait"))
    return bool(block.condition) and any(frame.local("self") == block.condition for frame in waits)


def _waits_for(thread: SeenThread, lock: FoundLock) -> bool:
    return thread.wait is not None and thread.wait.kind == wait.MUTEX_WAIT and thread.wait.key == lock.address


def _takers(insight: Insight, lock: FoundLock, threads: dict[int, SeenThread]) -> list[int]:
    """Return the threads that are behind an acquire() of the lock, or in a block of it, by the program's text."""
    return [ident for ident, thread in threads.items() if _place(insight, thread, lock) is not None]


def _place(insight: Insight, thread: SeenThread | None, lock: FoundLock) -> Frame | None:
    """Return the line that took a lock, by the text: the innermost along the stack; not the line at which its thread waits."""
    for number, frame in enumerate(thread.frames if thread is not None else ()):
        if frame.is_library:  # a Condition takes the lock that it is to be woken by
            continue
        here = frame.line if number == 0 else 0
        taken = [span.taken for span in _spans(insight, frame, lock) if span.covers(frame) and span.taken != here]
        if taken:
            return Frame(frame.file, max(taken), frame.function)
    return None


def _spans(insight: Insight, frame: Frame, lock: FoundLock) -> list[Span]:
    """Return the spans of a file in which a lock is taken, as this frame calls it: by a variable of its own, else from outside."""
    names = frozenset(local.name for local in frame.locals if local.address == lock.address)
    shadowed = frozenset(local.name for local in frame.locals)
    names = names or frozenset(name for name in _names(insight, lock) if name not in shadowed)
    return [span for span in spans_of(frame.file) if span.lock in names] if names else []


def _names(insight: Insight, lock: FoundLock) -> frozenset[str]:
    """Return what globals and attributes call a lock."""
    known = frozenset(name for address, name in insight.walk.names.items() if address == lock.address)
    return known | insight.global_names(lock.address)


def waited_locks(process: SeenProcess, locks: Iterable[FoundLock]) -> list[FoundLock]:
    """Return the locks that a thread of the process waits for, each once (from 3.14 on every waiter has a futex of its own)."""
    wanted = {thread.wait.key for thread in process.threads.values() if thread.wait and thread.wait.kind == wait.MUTEX_WAIT}
    return list({lock.address: lock for lock in locks if lock.address in wanted}.values())
