"""Where the fields of CPython's structures are, by version (default builds, 64-bit); from DWARF, checked before anything is believed.

The same in all versions here: object (type 8), var object (size 16), type (name 24, basicsize 32, flags 168, base 256, dict 264,
dictoffset 288), dict (keys 32, values 40), list (items 24), bound method (function 16, self 24), cell (16), weakref (object 16),
function (name 32, code 48), and `_multiprocessing.SemLock`::

    16 handle   24 last_tid (an ident)   32 i32 count   36 i32 maxvalue   40 i32 kind (0 recursive, 1 semaphore)   48 char *name
"""

from __future__ import annotations

from dataclasses import dataclass

TYPE_NAME, TYPE_BASICSIZE, TYPE_FLAGS, TYPE_BASE, TYPE_DICT, TYPE_DICTOFFSET = 24, 32, 168, 256, 264, 288
INLINE_VALUES, MANAGED_DICT, HEAP_TYPE, READY = 1 << 2, 1 << 4, 1 << 9, 1 << 12
"""Bits of a type's flags (3.11+; MANAGED_DICT, 3.13+: INLINE_VALUES)."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The offsets that differ. ``interpreters_head`` from _PyRuntime, ``modules`` (sys.modules) from the interpreter."""

    version: tuple[int, int]
    interpreters_head: int
    modules: int
    cached_keys: int
    """Of a heap type: the keys that its instances share."""
    dict_indices: int
    dict_entries: int
    values: int
    """From an object's values to the first of them."""
    ascii_text: int
    compact_text: int
    code_file: int = 112
    code_line: int = 68
    tuple_items: int = 24


DEBUG_OFFSETS, DEBUG_COOKIE = (3, 13), b"xdebugpy"
"""From that version on _PyRuntime begins with a table of offsets, and the table with that word. Of its words, we use:"""

DEBUG_FREE_THREADED, DEBUG_INTERPRETERS_HEAD, DEBUG_MODULES = 2, 5, {(3, 13): 11}
"""(the modules' word is 12 from 3.14 on, where that of the main thread came before it)."""


LAYOUTS = {
    layout.version: layout
    for layout in (
        Layout((3, 10), 32, 856, 872, 40, 32, 0, 48, 72, code_file=104, code_line=40),
        Layout((3, 11), 40, 888, 872, 32, 24, 0, 48, 72, code_line=72),
        Layout((3, 12), 40, 944, 880, 32, 24, 0, 40, 56),
        Layout((3, 13), 632, 7656, 880, 32, 24, 8, 40, 56),
        Layout((3, 14), 808, 7688, 880, 32, 24, 8, 40, 56, tuple_items=32),  # tuples keep their hash from here on
        Layout((3, 15), 936, 7592, 888, 32, 24, 8, 40, 56, tuple_items=32),
    )
}
