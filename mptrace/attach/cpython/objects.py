"""Python objects of another process: types, texts, numbers, containers and attributes, as far as the layout is known."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.attach.cpython.layout import (
    HEAP_TYPE,
    INLINE_VALUES,
    MANAGED_DICT,
    TYPE_BASE,
    TYPE_BASICSIZE,
    TYPE_DICT,
    TYPE_DICTOFFSET,
    TYPE_FLAGS,
    TYPE_NAME,
    Layout,
)
from mptrace.attach.memory import Memory, Unreadable

TEXT_LIMIT = 4096
ITEMS_LIMIT = 2000
"""Most items of one container that are read."""

Class = tuple[str, str]
"""Module and name."""


class Objects:
    """Reads objects by their address; raises `Unreadable` where there is none."""

    def __init__(self, memory: Memory, layout: Layout) -> None:
        self.memory, self.layout = memory, layout
        self._classes: dict[int, tuple[Class, ...]] = {}

    # -- types

    def type_of(self, address: int) -> int:
        """Return the address of an object's type."""
        return self.memory.u64(address + 8)

    def class_of(self, address: int) -> Class:
        """Return the module and name of an object's class."""
        return self.classes(self.type_of(address))[0]

    def classes(self, kind: int) -> tuple[Class, ...]:
        """Return a type and its bases, from itself to object, as (module, name)."""
        if not kind:
            raise Unreadable("no type")
        if kind not in self._classes:
            found: list[Class] = []
            at = kind
            while at and len(found) < 30:
                found.append(self._class(at))
                at = self.memory.u64(at + TYPE_BASE)
            self._classes[kind] = tuple(found)
        return self._classes[kind]

    def _class(self, kind: int) -> Class:
        name = self.memory.text(self.memory.u64(kind + TYPE_NAME))
        if not self.memory.u64(kind + TYPE_FLAGS) & HEAP_TYPE:
            module, _, last = name.rpartition(".")
            return module or "builtins", last
        members = self.memory.u64(kind + TYPE_DICT)
        for key, value in self.items(members) if members else ():
            if self.text(key) == "__module__":
                return self.text(value), name.rpartition(".")[2]
        return "", name

    # -- values

    def text(self, address: int) -> str:
        """Return a str, cut after TEXT_LIMIT; "" for anything else."""
        if self.memory.text(self.memory.u64(self.type_of(address) + TYPE_NAME)) != "str":
            return ""
        length, state = self.memory.u64(address + 16), self.memory.u32(address + 32)
        width, is_ascii = state >> 2 & 7, state >> 6 & 1
        if width not in {1, 2, 4}:
            return ""
        at = address + (self.layout.ascii_text if is_ascii else self.layout.compact_text)
        data = self.memory.read(at, min(length, TEXT_LIMIT) * width)
        return data.decode({1: "latin-1", 2: "utf-16-le", 4: "utf-32-le"}[width], "replace")

    def number(self, address: int, default: int = 0) -> int:
        """Return an int or bool; the default for anything else, and for numbers beyond 120 bits."""
        if self.classes(self.type_of(address))[-2:-1] != (("builtins", "int"),):
            return default
        if self.layout.version >= (3, 12):
            tag = self.memory.u64(address + 16)
            digits, sign = tag >> 3, 1 - (tag & 3)
        else:
            size = self.memory.i64(address + 16)
            digits, sign = abs(size), -1 if size < 0 else 1
        if digits > 4:
            return default
        if digits == 0:
            return 0
        return sign * sum(self.memory.u32(address + 24 + 4 * place) << 30 * place for place in range(digits))

    def sequence(self, address: int) -> tuple[int, ...]:
        """Return the addresses of a tuple's or list's items."""
        count = min(self.memory.u64(address + 16), ITEMS_LIMIT)
        is_tuple = ("builtins", "tuple") in self.classes(self.type_of(address))
        return (
            self.memory.words(address + self.layout.tuple_items if is_tuple else self.memory.u64(address + 24), count)
            if count
            else ()
        )

    # -- dictionaries and attributes

    def items(self, address: int) -> Iterator[tuple[int, int]]:
        """Yield (key, value) of a dict."""
        keys, values = self.memory.u64(address + 32), self.memory.u64(address + 40)
        entries = self._entries(keys)
        if values:
            stored = self.memory.words(values + self.layout.values, len(entries)) if entries else ()
            entries = [(key, value) for (key, _), value in zip(entries, stored, strict=True)]
        return ((key, value) for key, value in entries if key and value)

    def _entries(self, keys: int) -> list[tuple[int, int]]:
        """Return the entries of a dict's keys; their values are 0 where the dict keeps those apart."""
        count = min(self.memory.u64(keys + self.layout.dict_entries), ITEMS_LIMIT)
        start, width = self._entries_at(keys)
        words = self.memory.words(start, count * width) if count else ()
        first = width - 2
        return [(words[at + first], words[at + first + 1]) for at in range(0, len(words), width)]

    def _entries_at(self, keys: int) -> tuple[int, int]:
        """Return where the entries start and how many words each has: hash, key and value, or from 3.11 on perhaps no hash."""
        if self.layout.version >= (3, 11):
            log2_bytes, kind = self.memory.read(keys + 9, 2)
            if log2_bytes > 30:
                raise Unreadable(hex(keys))
            return keys + self.layout.dict_indices + (1 << log2_bytes), 3 if kind == 0 else 2
        size = self.memory.i64(keys + 8)
        if not 0 < size < 1 << 26:
            raise Unreadable(hex(keys))
        return keys + self.layout.dict_indices + size * (1 if size <= 0xFF else 2 if size <= 0xFFFF else 4), 3

    def named(self, address: int) -> dict[str, int]:
        """Return a dict by its keys that are texts."""
        return {name: value for key, value in self.items(address) if (name := self.text(key))}

    def attributes(self, address: int) -> dict[str, int]:
        """Return an instance's own attributes; {} if it has no dict."""
        kind = self.type_of(address)
        flags, offset = self.memory.u64(kind + TYPE_FLAGS), self.memory.i64(kind + TYPE_DICTOFFSET)
        if self.layout.version >= (3, 11) and flags & MANAGED_DICT:
            return self._managed(address, kind, flags)
        found = self.memory.u64(address + offset) if 0 < offset < 1 << 16 else 0
        return self.named(found) if found else {}

    def _managed(self, address: int, kind: int, flags: int) -> dict[str, int]:
        found = self.memory.u64(address - 24)
        if self.layout.version == (3, 11):
            values = self.memory.u64(address - 32)
            return self._values(kind, values) if values else self.named(found) if found else {}
        if self.layout.version == (3, 12) and found & 1:
            return self._values(kind, found + 1)
        if found:
            return self.named(found)
        if self.layout.version >= (3, 13) and flags & INLINE_VALUES:
            return self._values(kind, address + self.memory.i64(kind + TYPE_BASICSIZE) + self.layout.values)
        return {}

    def _values(self, kind: int, values: int) -> dict[str, int]:
        """Return the attributes of an instance that keeps its values in an array, in the order of its type's keys."""
        keys = self._entries(self.memory.u64(kind + self.layout.cached_keys))
        stored = self.memory.words(values, len(keys)) if keys else ()
        return {self.text(key): value for (key, _), value in zip(keys, stored, strict=True) if key and value}
