"""Does the holder of a lock, by the count of its copy, really hold it? The program's text says so along the stack of its thread.

A count can be stale: if another process released the lock, it stays at one where it was taken, and who took it next may be dead.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from mptrace.attach.cpython.semlocks import RECURSIVE, SemLock
from mptrace.attach.insight import Insight
from mptrace.attach.seen import Frame, SeenThread

_INSIDE = {
    "_rlock",
    "_wlock",
    "_notempty",
    "_lock",
    "_cond",
    "_flag",
    "_sleeping_count",
    "_woken_count",
    "_wait_semaphore",
    "_sem",
}


def is_seen_holding(insight: Insight, semlock: SemLock, key: int) -> bool:
    """Is its thread inside a ``with`` block of the lock, or behind an acquire() of it; or can nobody else release it?"""
    if semlock.kind == RECURSIVE or _is_part(insight, key):
        return True
    thread = next((one for one in insight.process.threads.values() if one.ident == semlock.ident), None)
    return thread is not None and any(_takes(frame, _names(insight, thread, key)) for frame in thread.frames)


def _is_part(insight: Insight, key: int) -> bool:
    """Is it inside an object of the library, which releases what it took?"""
    for found in insight.walk.of("queue", "condition", "event", "barrier", "pool"):
        if any(insight.semaphore_key(found.attributes.get(role, 0)) == key for role in _INSIDE):
            return True
    return False


def _names(insight: Insight, thread: SeenThread, key: int) -> frozenset[str]:
    """Return what the lock is called in this process: by variables of the thread, globals and attributes."""
    known = [(name, address) for address, name in insight.walk.names.items()]
    known += [(local.name, local.address) for frame in thread.frames for local in frame.locals]
    return frozenset(name for name, address in known if insight.semaphore_key(address) == key)


def _takes(frame: Frame, names: frozenset[str]) -> bool:
    return any(span.lock in names and span.covers(frame) for span in spans_of(frame.file))


@dataclass(frozen=True, slots=True)
class Span:
    """Lines of a function (``<module>`` outside of all) in which a lock is taken: its last name, and the line that takes it."""

    lock: str
    first: int
    last: int
    taken: int
    function: str

    def covers(self, frame: Frame) -> bool:
        """Is a frame inside of it? A function that is defined there is not."""
        return self.first <= frame.line <= self.last and frame.function.rpartition(".")[2] == self.function


@lru_cache(maxsize=64)
def spans_of(file: str) -> tuple[Span, ...]:
    """Return a span for the body of each ``with``, and from behind each acquire() on.

    An acquire() says nothing where another function releases: there the lock may be handed over.
    """
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    nodes = list(_inside(tree, tree))
    calls = [
        (function, node.func) for function, node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    releasers = {function for function, call in calls if call.attr == "release"}
    blocks = [(function, node) for function, node in nodes if isinstance(node, ast.With)]
    spans = [
        Span(_last(item.context_expr), node.body[0].lineno, node.end_lineno or 0, item.context_expr.lineno, _name(function))
        for function, node in blocks
        for item in node.items
    ]
    return (*spans, *(
        Span(_last(call.value), call.lineno + 1, _end(function), call.lineno, _name(function))
        for function, call in calls
        if call.attr == "acquire" and releasers <= {function}
    ))  # fmt: skip


def _inside(node: ast.AST, function: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Yield every node, with the function that it is in."""
    for child in ast.iter_child_nodes(node):
        yield function, child
        yield from _inside(child, child if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else function)


def _name(function: ast.AST) -> str:
    return getattr(function, "name", "<module>")


def _end(function: ast.AST) -> int:
    """Return the last line of a function; of a module, no line is the last."""
    return getattr(function, "end_lineno", None) or 1 << 30


def _last(node: ast.expr) -> str:
    """Return ``lock`` of ``self.cache.lock``; "" for anything but a name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
