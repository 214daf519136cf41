"""Find the interpreter in a process: its version, and from there sys.modules; nothing is believed that does not fit."""

from __future__ import annotations

import os
import re

from mptrace.attach.cpython.elf import read_symbols
from mptrace.attach.cpython.layout import (
    DEBUG_COOKIE,
    DEBUG_FREE_THREADED,
    DEBUG_INTERPRETERS_HEAD,
    DEBUG_MODULES,
    DEBUG_OFFSETS,
    LAYOUTS,
    Layout,
)
from mptrace.attach.cpython.objects import Objects
from mptrace.attach.memory import Memory, Unreadable
from mptrace.attach.seen import SeenProcess

_WANTED = frozenset({b"_PyRuntime", b"Py_Version", b"PyType_Type"})
_FILE = re.compile(r"(lib)?python(\d)\.(\d+)[a-z]*(\.so[\d.]*)?$|python\d?$")


class UnknownLayout(Exception):
    """The objects of this interpreter cannot be read; the message says why."""


class Interpreter:
    """The main interpreter of a process; raises `UnknownLayout` if its objects are not laid out as we know them."""

    def __init__(self, process: SeenProcess, memory: Memory) -> None:
        symbols, version = _find(process, memory)
        layout = LAYOUTS.get(version)
        if layout is None:
            raise UnknownLayout(f"the layout of Python {version[0]}.{version[1]} is not known here")
        self.version = version
        self.objects = Objects(memory, layout)
        try:
            interpreters, modules = _offsets(memory, symbols["_PyRuntime"], layout)
            self.address = memory.u64(symbols["_PyRuntime"] + interpreters)
            self.modules = self.objects.named(memory.u64(self.address + modules))
        except Unreadable:
            self.address, self.modules = 0, {}
        if "__main__" not in self.modules or "sys" not in self.modules:
            raise UnknownLayout("its objects are not laid out as in a default build (a debug or free-threaded one?)")

    def module(self, name: str) -> dict[str, int]:
        """Return the globals of an imported module by name; {} if it is not imported or not a module."""
        address = self.modules.get(name, 0)
        try:
            if not address or ("builtins", "module") not in self.objects.classes(self.objects.type_of(address)):
                return {}
            return self.objects.named(self.objects.memory.u64(address + 16))  # md_dict
        except Unreadable:
            return {}


def _offsets(memory: Memory, runtime: int, layout: Layout) -> tuple[int, int]:
    """Return where the first interpreter and its modules are: as the runtime says itself, so that a patch release may move them."""
    if layout.version < DEBUG_OFFSETS or memory.read(runtime, len(DEBUG_COOKIE)) != DEBUG_COOKIE:
        return layout.interpreters_head, layout.modules
    words = memory.words(runtime, 16)
    if words[DEBUG_FREE_THREADED]:
        raise UnknownLayout("it is a free-threaded Python, whose objects are laid out in another way")
    return words[DEBUG_INTERPRETERS_HEAD], words[DEBUG_MODULES.get(layout.version, 12)]


def _find(process: SeenProcess, memory: Memory) -> tuple[dict[str, int], tuple[int, int]]:
    """Return the addresses of the interpreter's symbols, and its version."""
    tried: set[str] = set()
    for region in process.space.regions:
        name = os.path.basename(region.path.removesuffix(" (deleted)"))
        if region.offset or region.path in tried or not _FILE.match(name):
            continue
        tried.add(region.path)
        offsets = _symbols(process.pid, region.path, f"{region.start:x}-{region.end:x}")
        if "_PyRuntime" in offsets and "PyType_Type" in offsets:
            symbols = {symbol: region.start + offset for symbol, offset in offsets.items()}
            return symbols, _version(symbols, name, memory)
    raise UnknownLayout("the interpreter's symbols were not found")


def _symbols(pid: int, path: str, area: str) -> dict[str, int]:
    """Read the file as the process sees it (another mount namespace, or deleted since), else as we see it."""
    for place in (f"/proc/{pid}/root{path}", f"/proc/{pid}/map_files/{area}", path):
        found = read_symbols(place, _WANTED)
        if found:
            return found
    return {}


def _version(symbols: dict[str, int], name: str, memory: Memory) -> tuple[int, int]:
    """Return the version: the Py_Version constant from 3.11 on, before that the name of the file."""
    if "Py_Version" in symbols:
        try:
            packed = memory.u32(symbols["Py_Version"])
        except Unreadable:
            packed = 0
        if packed >> 24 == 3:
            return 3, packed >> 16 & 0xFF
    found = re.search(r"(\d)\.(\d+)", name)
    if not found:
        raise UnknownLayout("its version is not known")
    return int(found[1]), int(found[2])
