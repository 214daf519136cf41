"""Search the private memory of a process for a word, a chunk at a time, up to a limit."""

from __future__ import annotations

from mptrace.attach.memory import Memory, Unreadable
from mptrace.attach.seen import SeenProcess

LIMIT, CHUNK = 512 << 20, 16 << 20
"""Most bytes that are searched in one process (about half a second), and at a time."""


def search_words(process: SeenProcess, memory: Memory, word: int) -> tuple[list[int], bool]:
    """Return the aligned addresses that hold ``word``, and whether everything could be searched."""
    found: list[int] = []
    whole, room = True, LIMIT
    for region in process.space.regions:
        if not region.is_private_data:
            continue
        room -= region.end - region.start
        if room < 0:
            return found, False
        try:
            found += _search(memory, region.start, region.end, word)
        except Unreadable:
            whole = False
    return found, whole


def _search(memory: Memory, start: int, end: int, word: int) -> list[int]:
    """Search one region; the upper two bytes of a pointer are zero, and searching without them is faster."""
    wanted, hits = word.to_bytes(8, "little")[:6], []
    for at in range(start, end, CHUNK):
        data = memory.read_fresh(at, min(CHUNK, end - at))
        place = data.find(wanted)
        while place >= 0:
            if place % 8 == 0 and data[place + 6 : place + 8] == b"\0\0":
                hits.append(at + place)
            place = data.find(wanted, place + 1)
    return hits
