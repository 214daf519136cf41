"""Does the program release its locks where it took them? A Lock may also be used as a signal: taken here, released elsewhere."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

from mptrace.model.resource import Resource

LOCKS = frozenset(("Lock", "RLock"))


def releases_elsewhere(sources: Mapping[str, list[str]]) -> frozenset[str] | None:
    """Return the names on which the program calls ``release()`` in a function that does not acquire them; None: not known."""
    if not sources:
        return None
    found: set[str] = set()
    for lines in sources.values():
        try:
            tree = ast.parse("\n".join(lines))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        found.update(_names(tree))
    return frozenset(found)


def released(sources: Mapping[str, list[str]]) -> frozenset[str] | None:
    """Return the last names on which the program calls ``release()`` anywhere; None: not known."""
    if not sources:
        return None
    found: set[str] = set()
    for lines in sources.values():
        try:
            tree = ast.parse("\n".join(lines))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        calls = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "release")
        found.update(_last(ast.unparse(node.value)) for node in calls)
    return frozenset(found)


def is_left_with_its_block(lock: Resource, released: frozenset[str] | None) -> bool:
    """Is a lock of `threading` that a ``with`` block has taken released by the end of that block alone?"""
    return released is not None and (not released or (bool(lock.name) and _last(lock.name) not in released))


def _names(tree: ast.Module) -> Iterator[str]:
    scopes = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))]
    inside = {id(node) for scope in scopes for node in ast.walk(scope)}
    yield from _unmatched(node for node in ast.walk(tree) if id(node) not in inside)
    for scope in scopes:
        yield from _unmatched(ast.walk(scope))


def _unmatched(nodes: Iterable[ast.AST]) -> Iterator[str]:
    taken, released = set[str](), set[str]()
    for node in nodes:
        if isinstance(node, ast.Attribute) and node.attr in ("acquire", "release"):
            (taken if node.attr == "acquire" else released).add(ast.unparse(node.value))
    return iter(released - taken)


def is_released_by_holder(lock: Resource, elsewhere: frozenset[str] | None, resources: Iterable[Resource]) -> bool:
    """Can only the thread that holds this lock release it? A part of a library's object always; else as the program is written."""
    if lock.owner is not None:
        return True
    if elsewhere is None:
        return False
    return not elsewhere or not _may_be_lock(elsewhere, resources)


def _may_be_lock(names: frozenset[str], resources: Iterable[Resource]) -> bool:
    """Could one of these names be a lock's? Not if the program gave each of them to something else, and to no lock."""
    named: dict[str, set[str]] = {}
    for resource in resources:
        if resource.name:
            named.setdefault(_last(resource.name), set()).add(resource.kind)
    return any(not (kinds := named.get(_last(name))) or kinds & LOCKS for name in names)


def _last(name: str) -> str:
    return name.split("[", maxsplit=1)[0].rpartition(".")[2]
