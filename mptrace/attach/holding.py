"""Does the holder of a lock, by the count of its copy, really hold it? The program's text says so along the stack of its thread.

A count can be stale: if another process released the lock, it stays at one where it was taken, and who took it next may be dead.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator
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
    return any(name in names and first <= frame.line <= last for name, first, last, _ in spans_of(frame.file))


Span = tuple[str, int, int, int]
"""Last name of a lock, first and last line of where it is taken, the line that takes it."""


@lru_cache(maxsize=64)
def spans_of(file: str) -> tuple[Span, ...]:
    """Return a span for the body of each ``with``, and from behind each acquire() on.

    An acquire() says nothing where another function releases: there the lock may be handed over.
    """
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    blocks = [node for node in ast.walk(tree) if isinstance(node, ast.With)]
    spans = [
        (_last(item.context_expr), node.body[0].lineno, node.end_lineno or 0, item.context_expr.lineno)
        for node in blocks
        for item in node.items
    ]
    calls = [*_calls(tree, tree)]
    releasers = {function for function, call, _ in calls if call == "release"}
    for function, call, node in calls:
        if call == "acquire" and releasers <= {function}:
            spans.append((_last(node.value), node.lineno + 1, _end(function), node.lineno))
    return tuple(spans)


def _calls(node: ast.AST, function: ast.AST) -> Iterator[tuple[ast.AST, str, ast.Attribute]]:
    """Yield each call of a method, with the function that it is in."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call) and isinstance(child.func, ast.Attribute):
            yield function, child.func.attr, child.func
        yield from _calls(child, child if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else function)


def _end(function: ast.AST) -> int:
    """Return the last line of a function; of a module, no line is the last."""
    return getattr(function, "end_lineno", None) or 1 << 30


def _last(node: ast.expr) -> str:
    """Return ``lock`` of ``self.cache.lock``; "" for anything but a name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
