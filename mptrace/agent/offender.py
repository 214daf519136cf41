"""The path from something that cannot be pickled to the object in it that is to blame: ``item.meta['cache'].guard``.

It walks the object graph in the order in which pickle would, and runs no code of the program: no ``__getstate__``, no
``__reduce__``, no ``__getattr__``, no ``__repr__``. Where a class says itself how it is pickled, what lies below is only
uncertain: it counts when nothing else is found, or when the error's message names its type. What such a method returned is gone
by then, and it is not called again (it may do anything): if nothing else is found, and it is the only one, it is named itself.
Bounded in time, objects and depth.
"""

from __future__ import annotations

import sys
from time import monotonic
from types import BuiltinFunctionType, FunctionType, MethodType

from . import brief

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

DEPTH, OBJECTS = 60, 100_000

_ATOMS = frozenset({int, float, complex, bool, str, bytes, bytearray, type(None), type(...), type(NotImplemented), range, slice})

_NEVER = frozenset({
    "module", "generator", "coroutine", "async_generator", "frame", "traceback", "code", "cell", "memoryview", "mappingproxy",
    "dict_keys", "dict_values", "dict_items", "property", "staticmethod", "classmethod", "super", "lock", "RLock", "_local",
    "TextIOWrapper", "BufferedReader", "BufferedWriter", "BufferedRandom", "FileIO", "ReferenceType", "weakproxy", "CFunctionType",
    "SSLContext", "_SSLContext", "SSLSocket", "HASH", "Match", "epoll", "mmap", "Context", "ContextVar", "Token", "DirEntry",
})  # fmt: skip
"""Names of builtin types that pickle refuses."""

_STATIC = 1 << 9
_MISSING = object()


def find(root: object, budget_s: float = 0.25, name: str = "item", error: BaseException | None = None) -> tuple[str, str]:
    """Return (path that begins with ``name``, type or kind of the offender); ("", "") if nothing was found; never raises.

    ``error``: what pickling raised, to compare with; ``budget_s``: seconds after which the search is given up.
    """
    return find_in([(name, root)], budget_s, error)


def find_in(roots: list[tuple[str, object]], budget_s: float = 0.25, error: BaseException | None = None) -> tuple[str, str]:
    """Return the same for several roots, each with the name its path begins with."""
    return Search(budget_s, error).find_in(roots)


def _spoken(path: str) -> str:
    """Return a path in the words of the program: what a bound method takes along is called ``self`` where it is written."""
    function, bound, rest = path.partition(".__self__")
    return "self" + rest if bound and function.startswith(("function", "target")) else path


def named_in(error: BaseException | None) -> str:
    """Return the type that a pickling error names in its message, "" if none."""
    if error is None or not error.args or type(error.args[0]) is not str:
        return ""
    text = error.args[0]
    for before, after in _NAMING:
        if text.startswith(before) and after in text:
            return text[len(before) :].partition(after)[0].rpartition(".")[2]
    return ""


_NAMING = (
    ("cannot pickle '", "'"),
    ("cannot pickle ", " objects"),
    ("Can't pickle local object '", "'"),
    ("Can't get local object '", "'"),
    ("Can't pickle <class '", "'>: attribute lookup"),
    ("Can't pickle <enum '", "'>: attribute lookup"),
    ("Can't pickle <function ", " at 0x"),
    ("", " objects should only be shared"),
)


def process_roots(process: Any) -> list[tuple[str, object]]:
    """Return what a Process object carries, named as the program that made it would."""
    roots: list[tuple[str, object]] = [("the class", type(process))]
    for name, value in process.__dict__.items():
        if name == "_target":
            roots.append(("self", value.__self__) if type(value) is MethodType else ("target", value))
        elif name == "_args":
            roots += _named_arguments(process.__dict__.get("_target"), value)
        else:
            roots.append(("kwargs" if name == "_kwargs" else f"self.{name}", value))
    return roots


def _named_arguments(target: object, args: tuple[object, ...]) -> list[tuple[str, object]]:
    if getattr(target, "__name__", "") in ("worker", "_process_worker") and len(args) >= 4:  # a pool's own
        return [("initializer", args[2]), ("initargs", args[3])]
    return [("args", args)]


class Search:
    """One search; another pickler's rules are those of a subclass. ``error``: what pickling raised; ``budget_s``: seconds it may take."""

    def __init__(self, budget_s: float, error: BaseException | None) -> None:
        self.deadline, self.hint = monotonic() + budget_s, named_in(error)
        self.seen: set[int] = set()
        self.maybe = ("", "")
        self.unasked: list[str] = []
        """Paths of the program's own methods that something on the way is pickled by."""

    def find_in(self, roots: list[tuple[str, object]]) -> tuple[str, str]:
        """Return (path, type or kind of the offender) of the first that is found; ("", "") if none is; never raises."""
        try:
            for name, root in roots:
                found = self.visit(root, name, 0, certain=True)
                if found:
                    return _spoken(found[0]), found[1]
            if not self.maybe[0] and self.hint and len(self.unasked) == 1:  # it can only be in what this returned
                self.maybe = self.unasked[0], self.hint
        except Exception:
            pass
        return _spoken(self.maybe[0]), self.maybe[1]

    def blame(self, what: object) -> str:
        """Return what is wrong with this object itself, "" if nothing is."""
        return blame(what, self.hint)

    def children(self, what: object) -> Iterator[tuple[str, object]]:
        """Yield (step of the path, object) for what is pickled with it, in the pickler's order."""
        return children(what)

    def visit(self, what: object, path: str, depth: int, *, certain: bool) -> tuple[str, str] | None:
        """Return (path, offender) of the first at or below ``what``; ``certain``: is all above it pickled as it stands?"""
        if type(what) in _ATOMS or id(what) in self.seen:
            return None
        self.seen.add(id(what))
        if depth > DEPTH or len(self.seen) > OBJECTS or (len(self.seen) % 64 == 0 and monotonic() > self.deadline):
            raise TimeoutError
        wrong = self.blame(what)
        if wrong:
            return self._accept(path, wrong, certain=certain)
        reducer = _own_reducer(type(what))
        if reducer:
            certain = False
            self.unasked.append(f"{path}.{reducer}()")
        for step, child in self.children(what):
            found = self.visit(child, _joined(path, step), depth + 1, certain=certain)
            if found:
                return found
        return None

    def _accept(self, path: str, blame: str, *, certain: bool) -> tuple[str, str] | None:
        named = not self.hint or blame.endswith(self.hint) or blame.startswith(("lambda", "local "))
        if named and (certain or self.hint):
            return path, blame
        if not self.maybe[0]:
            self.maybe = path, blame
        return None


def _joined(path: str, step: str) -> str:
    return path + step if len(path) < 300 else path


def blame(what: object, hint: str) -> str:
    """Return what is wrong with this object itself, "" if nothing is; ``hint``: the type that the error named."""
    kind = type(what)
    if kind is FunctionType:
        return _by_name(what, "function", hint)
    if issubclass(kind, type):
        return _by_name(what, "class", hint)
    if kind in _registered():
        return ""
    name = kind.__name__
    if not kind.__flags__ & _STATIC or kind.__module__ in ("_thread", "_io", "builtins"):
        return _type_name(kind) if name in _NEVER or not _is_reducible(what, kind) else ""
    if name in _NEVER and kind.__module__.partition(".")[0] in sys.stdlib_module_names:
        return _type_name(kind)
    if hint and hint == name:
        return _type_name(kind)
    return _by_name(kind, "class", hint)


def _type_name(kind: type) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _registered() -> dict[type, object]:
    """Return the types for which somebody registered how they are pickled."""
    reduction = sys.modules.get("multiprocessing.reduction")
    return {**sys.modules["copyreg"].dispatch_table, **(reduction.ForkingPickler._extra_reducers if reduction else {})}


def _by_name(what: Any, word: str, hint: str) -> str:
    """Functions and classes are pickled by name: is it found under it? (A name that is not in sight may still be: only if told.)"""
    name, module = what.__qualname__, sys.modules.get(what.__module__)
    if "<lambda>" in name:
        return "lambda"
    if "<locals>" in name:
        return f"local {word} {what.__name__}"
    found: object = module
    for part in name.split("."):
        found = getattr(found, "__dict__", {}).get(part, _MISSING) if found is not None else _MISSING
    if found is what or module is None or isinstance(found, (staticmethod, classmethod)):
        return ""
    if found is _MISSING:
        return f"{word} {what.__module__}.{name}" if hint and hint == what.__name__ else ""
    return f"{word} {brief.name_of(what)}, which is not what {what.__module__}.{name} is"


def _is_reducible(what: Any, kind: Any) -> bool:
    """Ask a builtin type, whose answer is C code, whether it knows how it is pickled."""
    own = kind.__reduce_ex__ is not object.__reduce_ex__ or kind.__reduce__ is not object.__reduce__
    if own or "__getstate__" in kind.__dict__:
        return True
    try:
        what.__reduce_ex__(4)
    except TypeError:
        return False
    except Exception:
        pass
    return True


def _own_reducer(kind: type) -> str:
    """Return the method in Python by which an instance is pickled; "" if it is pickled as its attributes and items."""
    for name in ("__reduce_ex__", "__reduce__", "__getstate__"):
        if isinstance(getattr(kind, name, None), FunctionType):
            return name
    return ""


def children(what: Any) -> Iterator[tuple[str, object]]:
    """Yield (step of the path, object) for what is pickled with it, in pickle's order."""
    kind = type(what)
    if kind is MethodType:
        yield ".__self__", what.__self__
    elif kind is BuiltinFunctionType:
        if type(what.__self__).__name__ != "module":
            yield ".__self__", what.__self__
    elif kind is FunctionType or issubclass(kind, type):
        return
    elif kind.__name__ == "partial" and kind.__module__ == "functools":
        yield from ((".func", what.func), (".args", what.args), (".keywords", what.keywords))
    else:
        yield from _attributes(what, kind)
        yield from _items(what)


def _attributes(what: object, kind: type) -> Iterator[tuple[str, object]]:
    try:
        own = object.__getattribute__(what, "__dict__")
    except AttributeError:
        own = None
    if type(own) is dict:
        for name, value in list(own.items()):
            yield f".{name}", value
    if issubclass(kind, BaseException):
        yield ".args", BaseException.args.__get__(what)  # type: ignore[attr-defined]
    for base in kind.__mro__:
        for name, slot in list(base.__dict__.items()):
            if type(slot).__name__ == "member_descriptor" and base.__flags__ & _STATIC:
                try:
                    yield f".{name}", slot.__get__(what)
                except AttributeError:  # never assigned
                    pass


def _items(what: Any) -> Iterator[tuple[str, object]]:
    """Yield what a container holds; asked of its type, since ``isinstance`` would ask the object for its class."""
    kind = type(what)
    if issubclass(kind, (list, tuple)):
        base = list if issubclass(kind, list) else tuple
        for index, value in enumerate(base.__iter__(what)):
            yield f"[{index}]", value
    elif issubclass(kind, dict):
        if kind.__module__ == "collections" and kind.__name__ == "defaultdict":
            yield ".default_factory", what.default_factory
        for key, value in list(dict.items(what)):
            yield f" key {brief.value(key)}", key
            yield f"[{brief.value(key)}]", value
    elif issubclass(kind, (set, frozenset)):
        base_of_set = set if issubclass(kind, set) else frozenset
        for value in list(base_of_set.__iter__(what)):
            yield " element", value
    elif kind.__name__ == "deque" and kind.__module__ == "collections":
        for index, value in enumerate(list(what)):
            yield f"[{index}]", value
