"""Which of the files that a process has mapped is its interpreter, and where that file can be read.

A file that is called python or libpython is one; any other (an interpreter that was renamed, a program that has one built in) is
one if it has the section that CPython puts its runtime into. The file may have been deleted or replaced since, as by an upgrade,
or lie where only the process sees it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import TypeVar

from mptrace.attach.address_space import AddressSpace, Region
from mptrace.attach.cpython.elf import RUNTIME, has_section
from mptrace.observe import procfs

DELETED = " (deleted)"

Answer = TypeVar("Answer")

_NAME = re.compile(r"(lib)?python\d?(\.\d+)?[a-z]*(\.so[\d.]*)?$")


def images(space: AddressSpace) -> list[Region]:
    """Return the first regions of the files that are the interpreter of a process, the likeliest first; [] if it runs no CPython."""
    if space.interpreters is None:
        programs = _programs(space)
        named = [region for region in programs if _NAME.match(base_name(region))]
        sure = [region for region in named if _has_runtime(space.pid, region)]
        others = [region for region in programs if region not in named and _has_runtime(space.pid, region)] if not sure else []
        space.interpreters = list(dict.fromkeys((*sure, *others, *named)))
    return space.interpreters


def is_python(space: AddressSpace) -> bool:
    """Does this process run CPython?"""
    return bool(images(space))


def _has_runtime(pid: int, region: Region) -> bool:
    return bool(first_answer(pid, region, lambda path: has_section(path, RUNTIME)))


def _programs(space: AddressSpace) -> list[Region]:
    """Return the first regions of the files that code is run from; a file that is only read may be slow to open, and is no program."""
    run = {region.path for region in space.regions if region.inode and region.permissions[2] == "x"}
    return [region for region in space.regions if not region.offset and region.path in run]


def base_name(region: Region) -> str:
    """Return the name of a region's file, without its folder."""
    return os.path.basename(region.path.removesuffix(DELETED))


def first_answer(pid: int, region: Region, ask: Callable[[str], Answer]) -> Answer | None:
    """Ask a region's file something, in each place where it can be opened, until there is an answer."""
    return next((answer for place in _places(pid, region) if (answer := ask(place))), None)


def _places(pid: int, region: Region) -> Iterator[str]:
    """Yield where a file can be opened: what the process has mapped (as root only), its program, its path as the process sees it."""
    yield f"/proc/{pid}/map_files/{region.start:x}-{region.end:x}"
    if procfs.executable(pid) == region.path:
        yield f"/proc/{pid}/exe"
    if not region.path.endswith(DELETED):
        yield f"/proc/{pid}/root{region.path}"
