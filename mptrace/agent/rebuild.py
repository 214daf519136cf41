"""Can an exception be rebuilt from its pickle? Asked of its class's signature; no code of the program is run.

An exception is pickled as its class and ``args``, and rebuilt by ``cls(*args)``. A class whose ``__init__`` wants something else
than what it hands on to ``super().__init__`` can be raised and pickled, and breaks the process that receives it.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType

_VARARGS = 4


def why_not(error: BaseException) -> str:
    """Return why ``type(error)(*error.args)`` will fail, "" if nothing speaks for that."""
    kind = type(error)
    if kind.__reduce__ is not _plain(kind) or kind.__reduce_ex__ is not object.__reduce_ex__:
        return ""
    for name in ("__init__", "__new__"):
        code = getattr(getattr(kind, name, None), "__code__", None)
        reason = "" if code is None else _mismatch(kind, name, code, len(error.args))
        if reason:
            return reason
    return ""


def _plain(kind: type) -> object:
    """Return the ``__reduce__`` of the builtin exception that this class comes from."""
    return next((base.__reduce__ for base in kind.__mro__ if base.__module__ == "builtins"), None)


def _mismatch(kind: type, name: str, code: CodeType, given: int) -> str:
    function = getattr(kind, name)
    wanted = code.co_argcount - 1
    required = wanted - len(function.__defaults__ or ())
    keywords = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    missing = [word for word in keywords if word not in (function.__kwdefaults__ or {})]
    call = f"{kind.__name__}.{name}()"
    if missing:
        return f"{call} needs the keyword {missing[0]}=, which is not in args"
    if given < required:
        return f"{call} takes {_count(required)}, but args has {_count(given)}"
    if given > wanted and not code.co_flags & _VARARGS:
        return f"{call} takes at most {_count(wanted)}, but args has {_count(given)}"
    return ""


def _count(number: int) -> str:
    return f"{number} argument" + "s" * (number != 1)


def defined_at(kind: type) -> tuple[str, int]:
    """Return (file, line) of a class, or of its first method ("" and 0 if that cannot be told)."""
    own = [getattr(value, "__code__", None) for value in kind.__dict__.values()]
    codes = [code for code in own if code is not None]
    module = sys.modules.get(kind.__module__)
    file = codes[0].co_filename if codes else str(getattr(module, "__file__", None) or "")
    line = kind.__dict__.get("__firstlineno__")
    return file, line if type(line) is int else min((code.co_firstlineno for code in codes), default=0)
