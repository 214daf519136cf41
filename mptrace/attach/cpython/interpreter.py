"""Find the interpreter in a process: its version, and from there sys.modules; nothing is believed that does not fit."""

from __future__ import annotations

import re

from mptrace.attach.cpython.elf import read_symbols
from mptrace.attach.cpython.image import base_name, first_answer, images
from mptrace.attach.cpython.layout import (
    DEBUG_COOKIE,
    DEBUG_FREE_THREADED,
    DEBUG_INTERPRETERS_HEAD,
    DEBUG_MODULES,
    DEBUG_OFFSETS,
    LAYOUTS,
    Layout,
)
from mptrace.attach.cpython.mapped import mapped_symbols
from mptrace.attach.cpython.objects import Objects
from mptrace.attach.memory import Memory, Unreadable
from mptrace.attach.seen import SeenProcess

_WANTED = frozenset({b"_PyRuntime", b"Py_Version"})


class UnknownLayout(Exception):
    """The objects of this interpreter cannot be read; the message says why."""


class Interpreter:
    """The main interpreter of a process; raises `UnknownLayout` if its objects are not laid out as we know them."""

    def __init__(self, process: SeenProcess, memory: Memory) -> None:
        runtime, version = _find(process, memory)
        if version and version not in LAYOUTS:
            raise UnknownLayout(f"the layout of Python {version[0]}.{version[1]} is not known here")
        if not any(self._fits(memory, runtime, LAYOUTS[one]) for one in ([version] if version else LAYOUTS)):
            raise UnknownLayout("its objects are not laid out as in a default build (a debug or free-threaded one?)")

    def _fits(self, memory: Memory, runtime: int, layout: Layout) -> bool:
        """Are the modules found where they would be in that layout?"""
        self.version, self.objects = layout.version, Objects(memory, layout)
        try:
            interpreters, modules = _offsets(memory, runtime, layout)
            self.address = memory.u64(runtime + interpreters)
            self.modules = self.objects.named(memory.u64(self.address + modules))
        except (Unreadable, ValueError):
            return False
        return {"__main__", "sys"} <= self.modules.keys()

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


def _find(process: SeenProcess, memory: Memory) -> tuple[int, tuple[int, int] | None]:
    """Return the address of the interpreter's runtime, and its version, None if nothing says it."""
    for region in images(process.space):
        offsets = first_answer(process.pid, region, lambda path: read_symbols(path, _WANTED))
        offsets = offsets or mapped_symbols(memory, region.start, _WANTED)
        if "_PyRuntime" in offsets:
            symbols = {symbol: region.start + offset for symbol, offset in offsets.items()}
            return symbols["_PyRuntime"], _version(symbols, base_name(region), memory)
    raise UnknownLayout("the interpreter's symbols were not found")


def _version(symbols: dict[str, int], name: str, memory: Memory) -> tuple[int, int] | None:
    """Return the version: the Py_Version constant from 3.11 on, before that the name of the file."""
    if "Py_Version" in symbols:
        try:
            packed = memory.u32(symbols["Py_Version"])
        except Unreadable:
            packed = 0
        if packed >> 24 == 3:
            return 3, packed >> 16 & 0xFF
    found = re.match(r"(?:lib)?python(\d)\.(\d+)", name)
    return (int(found[1]), int(found[2])) if found else None
