"""How the program calls what it made on a line: the variable or attribute that the creation was assigned to."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from mptrace.model.site import Site

LONGEST = 40
"""A longer name says less than the line itself."""


class Names:
    """Names by place, from the sources of a run; each file is parsed once."""

    def __init__(self, sources: Mapping[str, list[str]]) -> None:
        self._sources = sources
        self._statements: dict[str, list[tuple[ast.expr, ast.expr, int, int]]] = {}

    def name_at(self, site: Site, kind: str, nth: int = 0) -> str:
        """Return the name that the ``nth`` object of class ``kind`` made there was given; "" if it got none."""
        around = [found for found in self._of_file(site.file) if found[2] <= site.line <= found[3]]
        if not around:
            return ""
        target, value, _, _ = min(around, key=lambda found: found[3] - found[2])
        names = [name for name, call in _named_calls(target, value) if _is_making(call, site.line, kind)]
        if not names:
            names = self._of_other_class(target, value, site.line, kind)
        name = names[nth % len(names)] if names else ""
        return name if len(name) <= LONGEST else ""

    def _of_other_class(self, target: ast.expr, value: ast.expr, line: int, kind: str) -> list[str]:
        """The callee may be a subclass or a function that makes one; not if what was made is only an argument of the call."""
        found = [(name, call) for name, call in _named_calls(target, value) if _covers(call, line)]
        inner = [node for _, call in found for node in ast.walk(call) if node is not call and isinstance(node, ast.Call)]
        return [] if len(found) != 1 or any(_is_making(call, line, kind) for call in inner) else [found[0][0]]

    def _of_file(self, file: str) -> list[tuple[ast.expr, ast.expr, int, int]]:
        if file not in self._statements:
            self._statements[file] = list(_assignments("\n".join(self._sources.get(file, []))))
        return self._statements[file]


def _assignments(source: str) -> Iterator[tuple[ast.expr, ast.expr, int, int]]:
    """Yield (target, value, first line, last line) of everything that gives a value a name."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            yield node.targets[0], node.value, node.lineno, node.end_lineno or node.lineno
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
            yield node.target, node.value, node.lineno, node.end_lineno or node.lineno
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            value = node.context_expr
            yield node.optional_vars, value, value.lineno, value.end_lineno or value.lineno


def _named_calls(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.Call]]:
    """Yield the calls whose result, or an element of it, bears the target's name: not those that are only arguments."""
    if isinstance(value, ast.Call):
        yield _text(target), value
    elif isinstance(target, (ast.Tuple, ast.List)) and isinstance(value, (ast.Tuple, ast.List)):
        for one, made in zip(target.elts, value.elts, strict=False):
            yield from _named_calls(one, made)
    elif isinstance(value, (ast.List, ast.Tuple, ast.Set)):
        for number, made in enumerate(value.elts):
            yield from _elements(f"{_text(target)}[{number}]", made)
    elif isinstance(value, ast.Dict):
        for key, made in zip(value.keys, value.values, strict=True):
            yield from _elements(f"{_text(target)}[{ast.unparse(key) if key else '...'}]", made)
    elif isinstance(value, (ast.ListComp, ast.SetComp, ast.GeneratorExp)):
        yield from _elements(f"{_text(target)}[...]", value.elt)
    elif isinstance(value, ast.DictComp):
        yield from _elements(f"{_text(target)}[...]", value.value)
    else:
        yield from _alternatives(target, value)


def _alternatives(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.Call]]:
    if isinstance(value, ast.IfExp):
        parts = [value.body, value.orelse]
    elif isinstance(value, ast.BoolOp):
        parts = value.values
    elif isinstance(value, (ast.Await, ast.NamedExpr)):
        parts = [value.value]
    else:
        return
    for part in parts:
        yield from _named_calls(target, part)


def _elements(name: str, made: ast.expr) -> Iterator[tuple[str, ast.Call]]:
    if isinstance(made, ast.Call):
        yield name, made
    elif isinstance(made, (ast.Tuple, ast.List)):
        for number, inner in enumerate(made.elts):
            yield from _elements(f"{name}[{number}]", inner)


def _text(target: ast.expr) -> str:
    if isinstance(target, (ast.Tuple, ast.List)):
        return " / ".join(_text(one) for one in target.elts)
    return ast.unparse(target)


def _covers(call: ast.Call, line: int) -> bool:
    return call.lineno <= line <= (call.end_lineno or call.lineno)


def _is_making(call: ast.Call, line: int, kind: str) -> bool:
    callee = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return _covers(call, line) and callee == kind
