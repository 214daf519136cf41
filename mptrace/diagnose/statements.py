"""What the program's text says of one line: the statement there, the function around it, what that does with a variable."""

from __future__ import annotations

import ast
from functools import lru_cache

from mptrace.model.run import Run
from mptrace.model.site import Site

Function = ast.FunctionDef | ast.AsyncFunctionDef

MUTATORS = frozenset((
    "append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse", "update", "setdefault", "popitem", "add", "discard",
))  # fmt: skip
"""Methods of lists, dicts and sets that change them."""


def tree_of(run: Run, file: str) -> ast.Module:
    """Return the parsed file; an empty one if it is not at hand."""
    return _parsed("\n".join(run.sources.get(file, [])))


@lru_cache(maxsize=32)
def _parsed(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


def statement_at(run: Run, site: Site) -> ast.stmt | None:
    """Return the innermost statement that covers a line."""
    found = [node for node in ast.walk(tree_of(run, site.file)) if isinstance(node, ast.stmt) and _covers(node, site.line)]
    return min(found, key=lambda node: (node.end_lineno or node.lineno) - node.lineno, default=None)


def function_at(run: Run, site: Site) -> Function | None:
    """Return the innermost function that covers a line."""
    found = [node for node in ast.walk(tree_of(run, site.file)) if isinstance(node, Function) and _covers(node, site.line)]
    return max(found, key=lambda node: node.lineno, default=None)


def is_in_with(run: Run, site: Site) -> bool:
    """Is a line inside of any ``with`` block of its function?"""
    around = function_at(run, site) or tree_of(run, site.file)
    blocks = [node for node in ast.walk(around) if isinstance(node, (ast.With, ast.AsyncWith))]
    return any(_covers(node, site.line) for node in blocks)


def import_line(run: Run, file: str, package: str) -> Site | None:
    """Return where a file imports a package (or a part of it) whenever it is imported itself."""
    for node in tree_of(run, file).body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        if any(name.partition(".")[0] == package for name in names):
            return Site(file, node.lineno)
    return None


def calls(node: ast.AST, *methods: str) -> bool:
    """Is a method with one of these names called anywhere below a node?"""
    called = [one.func for one in ast.walk(node) if isinstance(one, ast.Call)]
    return any(isinstance(func, ast.Attribute) and func.attr in methods for func in called)


def _covers(node: ast.stmt, line: int) -> bool:
    return node.lineno <= line <= (node.end_lineno or node.lineno)
