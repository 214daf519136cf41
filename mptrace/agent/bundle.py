"""All our compiled modules in one file, beside their .pyc files: one read instead of a search, a stat and a read for each.

The first traced process of an interpreter that finds none writes it. It is worth as much as the .pyc files: it lies in the
same folder, is written under the same conditions (never under ``-B``), and is not used if any source has another size or
modification time than when it was written. Whatever goes wrong with it, the modules are imported as usual.

    header (`_HEADER`, length of the index) | index | code of the modules that every process needs | code of each other one

`load` runs those that every process needs in the order in which they depend on each other, without the import system;
the others are handed to it as they are asked for.
"""

import sys
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import MAGIC_NUMBER, SourceFileLoader, spec_from_file_location
from _imp import _fix_co_filename  # type: ignore[attr-defined]
from marshal import dumps, loads
from os import O_CLOEXEC, O_CREAT, O_EXCL, O_RDONLY, O_WRONLY, close, fstat, getpid, read, replace, stat, unlink, walk, write
from os import open as os_open
from time import monotonic_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

_HEADER = MAGIC_NUMBER + b"mptrace bundle 1"
_PACKAGE = __name__.partition(".")[0]
_HOME = __file__[: -len("/agent/bundle.py")]
_PACKAGES = ("", ".wire", ".wire.events", ".agent", ".agent.probes")
"""In the order in which they depend on each other; each has as attributes its modules in the order in which they were done."""

_before: "set[str]" = set()
"""Not empty: there is no bundle yet, and these are the modules that are there without it."""

_asked = False


def path() -> str:
    """Return where it is for this interpreter and its level of optimisation, "" if it can be nowhere."""
    cached = __spec__.cached if __spec__ and __file__.endswith(".py") else None
    return cached[: -len("pyc")] + "all" if cached and cached.endswith(".pyc") else ""


def load(serve: "dict[str, Any]") -> None:
    """Run what every process needs, and enter in ``serve`` what makes the specs of all others, by name; once, and never raises."""
    global _asked
    if _asked:
        return
    _asked = True
    there = {name for name in sys.modules if name.startswith(_PACKAGE)}
    try:
        found = _read(path())
        if found is None:
            _before.update(there)
            return
        ready, others = found
        serve.update((name, _Later(code)) for name, code in others)
        _run_all(loads(ready))
    except Exception:  # noqa: BLE001 - it is damaged; the usual way is open
        serve.clear()
        _before.update(there)


def _read(name: str) -> "tuple[memoryview, list[tuple[str, memoryview]]] | None":
    """Return the code of what every process needs, and that of all others by name; None if it is not to be used."""
    try:
        whole = memoryview(_contents(name))
    except OSError:
        return None
    begin = len(_HEADER) + 8
    end = begin + int.from_bytes(whole[len(_HEADER) : begin], "little")
    if whole[: len(_HEADER)] != _HEADER or len(whole) <= end:
        return None
    size, sources, ready, others = loads(whole[begin:end])
    if size != len(whole) - end or not all(map(_is_as_it_was, sources)):
        return None
    code = whole[end:]
    return code[:ready], [(name, code[start:stop]) for name, start, stop in others]


def _contents(name: str) -> bytes:
    fd = os_open(name, O_RDONLY | O_CLOEXEC)
    try:
        return read(fd, fstat(fd).st_size)
    finally:
        close(fd)


def _is_as_it_was(source: "tuple[str, int, int]") -> bool:
    try:
        now = stat(_HOME + source[0])
    except OSError:
        return False
    return now.st_mtime_ns == source[1] and now.st_size == source[2]


def _file(name: str, is_package: bool) -> str:
    return _HOME + name[len(_PACKAGE) :].replace(".", "/") + ("/__init__.py" if is_package else ".py")


def _run_all(modules: "list[tuple[str, bool, CodeType]]") -> None:
    for name, is_package, code in modules:
        if name not in sys.modules:
            _run(name, _file(name, is_package), is_package, code)


def _run(name: str, file: str, is_package: bool, code: "CodeType") -> None:
    """Do for one module what an import does."""
    spec = ModuleSpec(name, SourceFileLoader(name, file), origin=file, is_package=is_package)
    spec._set_fileattr = True  # type: ignore[attr-defined]
    parent, _, last = name.rpartition(".")
    module = type(sys)(name)
    module.__spec__, module.__loader__, module.__file__ = spec, spec.loader, file
    module.__package__ = name if is_package else parent
    if is_package:
        module.__path__ = spec.submodule_search_locations = [file[: -len("/__init__.py")]]
    if code.co_filename != file:
        _fix_co_filename(code, file)
    sys.modules[name] = module
    try:
        exec(code, module.__dict__)
    except BaseException:
        del sys.modules[name]
        raise
    setattr(sys.modules[parent], last, module)


class _Later(SourceFileLoader):
    """Makes the spec of one module when it is asked for, and is its loader then."""

    def __init__(self, code: memoryview) -> None:  # its name and path come later
        self._code = code

    def spec(self, name: str) -> "ModuleSpec | None":
        """Return the spec of the module of this name."""
        SourceFileLoader.__init__(self, name, _file(name, is_package=False))
        return spec_from_file_location(name, self.path, loader=self)

    def get_code(self, fullname: str) -> "CodeType | None":  # noqa: ARG002 - it knows its own
        """Return the module's code, which then names the file that is here."""
        code: CodeType = loads(self._code)
        if code.co_filename != self.path:
            _fix_co_filename(code, self.path)
        return code


def keep() -> None:
    """Write it, if `load` has found none that is right; call when what every process needs is there. Never raises."""
    if not _before or sys.dont_write_bytecode or not path():
        return
    name = f"{path()}.{getpid()}.{monotonic_ns()}"
    try:
        fd = os_open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, stat(__file__).st_mode & 0o666)
    except OSError:  # a folder that is not ours to write
        return
    try:
        _write(fd, name)
    except Exception:  # noqa: BLE001 - no room, or the sources are just being replaced: the next process tries again
        try:
            unlink(name)
        except OSError:  # the whole folder was replaced
            pass
    _before.clear()


def _write(fd: int, name: str) -> None:
    from .mapping import may_write

    try:
        content = _made()
        if not may_write(len(content)) or write(fd, content) != len(content):
            raise OSError
    finally:
        close(fd)
    replace(name, path())


def _made() -> bytes:
    sources, codes = [], {}
    for file in _files():
        known = stat(file)  # before it is read: if it changes now, the bundle is stale
        sources.append((file[len(_HOME) :], known.st_mtime_ns, known.st_size))
        name = _PACKAGE + file[len(_HOME) : -len(".py")].replace("/", ".")
        name = name.removesuffix(".__init__")
        codes[name] = (name, file.endswith("/__init__.py"), SourceFileLoader(name, file).get_code(name))
    ready = dumps([codes.pop(name) for name in _done() if name in codes])
    others, parts, at = [], [ready], len(ready)
    for name, is_package, code in codes.values():
        if name not in _before and not is_package:
            parts.append(dumps(code))
            others.append((name, at, at + len(parts[-1])))
            at += len(parts[-1])
    index = dumps((at, sources, len(ready), others))
    return b"".join([_HEADER, len(index).to_bytes(8, "little"), index, *parts])


def _files() -> "list[str]":
    """Return the paths of our sources."""
    folders = [entry for room in ("/agent", "/wire") for entry in walk(_HOME + room)]
    return [f"{folder}/{name}" for folder, _, names in folders for name in names if name.endswith(".py")]


def _done() -> "list[str]":
    """Return the names of the modules that are there now and were not before, each behind those that it needs."""
    names = [(f"{_PACKAGE}{package}", last) for package in _PACKAGES for last in vars(sys.modules[_PACKAGE + package])]
    return [f"{package}.{last}" for package, last in names if f"{package}.{last}" in sys.modules.keys() - _before]
