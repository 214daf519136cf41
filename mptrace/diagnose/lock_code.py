"""What the program's text says of its locks: which one a line wants, and inside of which ones a line is.

For locks that no recording tells the holder of: plain locks of `threading`. A lock is known here by the text that the program
writes for it (``cache_lock``, ``self.lock``).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache

from mptrace.model.run import Run
from mptrace.model.site import Site


def wanted_at(run: Run, site: Site) -> str:
    """Return the lock that a line takes, as the program writes it; "" if it takes none, or it is not clear which one."""
    found = {text for node in nodes_of(run, site.file) for text, line in _taken(node) if line == site.line}
    return found.pop() if len(found) == 1 else ""


def held_around(run: Run, site: Site) -> Iterator[tuple[str, Site]]:
    """Yield the locks whose ``with`` blocks a line is in, each with the line that takes it."""
    for node in nodes_of(run, site.file):
        if isinstance(node, (ast.With, ast.AsyncWith)) and node.body[0].lineno <= site.line <= (node.end_lineno or 0):
            for text, line in _taken(node):
                yield text, Site(site.file, line, site.function)


def is_only_taken_by_blocks(run: Run, lock: str) -> bool:
    """Is a lock of this name only ever held by a ``with`` block that is left before its function is?"""
    name = last_name(lock)
    for file in run.sources:
        for node in nodes_of(run, file):
            if isinstance(node, ast.Attribute) and node.attr == "acquire" and last_name(ast.unparse(node.value)) == name:
                return False
            if isinstance(node, ast.With) and any(last_name(text) == name for text, _ in _taken(node)) and _suspends(node):
                return False
    return True


def last_name(text: str) -> str:
    """Return ``lock`` of ``self.cache.lock``."""
    return text.split("[", maxsplit=1)[0].rpartition(".")[2]


def _suspends(node: ast.With) -> bool:
    return any(isinstance(inner, (ast.Yield, ast.YieldFrom, ast.Await)) for inner in ast.walk(node))


def _taken(node: ast.AST) -> Iterator[tuple[str, int]]:
    if isinstance(node, (ast.With, ast.AsyncWith)):
        for item in node.items:
            if isinstance(item.context_expr, (ast.Name, ast.Attribute, ast.Subscript)):
                yield ast.unparse(item.context_expr), item.context_expr.lineno
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "acquire":
        yield ast.unparse(node.func.value), node.lineno


def nodes_of(run: Run, file: str) -> tuple[ast.AST, ...]:
    """Return the nodes of a file's syntax tree; none if its text is not at hand, or is not Python."""
    return _parsed("\n".join(run.sources.get(file, ())))


@lru_cache(maxsize=64)
def _parsed(text: str) -> tuple[ast.AST, ...]:
    try:
        return tuple(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
