"""What a process has mapped, from /proc/PID/maps: which addresses are its own memory, and which are semaphores."""

from __future__ import annotations

import bisect
import os
from dataclasses import dataclass

PAGE = 4096


@dataclass(frozen=True, slots=True)
class Region:
    """One line of maps; ``device`` and ``inode`` name its file (0 for none)."""

    start: int
    end: int
    permissions: str
    offset: int
    device: str
    inode: int
    path: str

    @property
    def is_private_data(self) -> bool:
        """Can Python objects live in it?"""
        return self.permissions.startswith("rw") and self.permissions[3] == "p" and not self.path.startswith("[v")

    @property
    def is_semaphore(self) -> bool:
        """Is it the page of a POSIX semaphore (also one that was unlinked, or of another mount namespace)?"""
        if self.permissions[3] != "s" or self.end - self.start != PAGE:
            return False
        return "/shm/" in self.path or os.path.basename(self.path).startswith("sem.")


@dataclass(slots=True, eq=False)
class AddressSpace:
    """The regions of one process, by address; ``interpreters``: what cpython/image.py found among them, None: not asked yet."""

    pid: int
    regions: list[Region]
    starts: list[int]
    interpreters: list[Region] | None = None

    def region_at(self, address: int) -> Region | None:
        """Return the region that an address lies in."""
        number = bisect.bisect_right(self.starts, address) - 1
        if number < 0 or address >= self.regions[number].end:
            return None
        return self.regions[number]

    def semaphores(self) -> dict[int, Region]:
        """Return the mapped semaphores by their address."""
        return {region.start: region for region in self.regions if region.is_semaphore}


def read_address_space(pid: int) -> AddressSpace:
    """Read the maps of a process; empty if it has none (a zombie, a kernel thread) or they are not ours to read."""
    try:  # the kernel gives maps a page at a time: read until the end, not until a short read
        with open(f"/proc/{pid}/maps", "rb") as file:
            lines = file.read().splitlines()
    except OSError:
        lines = []
    regions = [region for line in lines if (region := _parse(line))]
    return AddressSpace(pid, regions, [region.start for region in regions])


def _parse(line: bytes) -> Region | None:
    parts = line.decode("utf-8", "surrogateescape").split(None, 5)
    if len(parts) < 5:
        return None
    start, _, end = parts[0].partition("-")
    path = parts[5].strip() if len(parts) > 5 else ""
    return Region(int(start, 16), int(end, 16), parts[1], int(parts[2], 16), parts[3], int(parts[4]), path)


def semaphore_name(region: Region) -> str:
    """Return ``/mp-abcdefgh`` for a semaphore that is mapped under its own name, "" for glibc's temporary one."""
    base = os.path.basename(region.path.removesuffix(" (deleted)"))
    return "/" + base.removeprefix("sem.") if base.startswith("sem.mp-") else ""
