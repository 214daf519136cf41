"""Which signals a process blocks, ignores and has handlers for, by /proc."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from mptrace.observe import procfs
from mptrace.observe.observer_log import ObserverLog
from mptrace.wire.events import observations as seen

_FIELDS = (b"SigBlk:", b"SigIgn:", b"SigCgt:")


def note_signal_masks(log: ObserverLog, moment: int, pids: Iterable[int]) -> None:
    """Write a NATIVE event for each of these processes: masks, bit 0 is signal 1."""
    for pid in pids:
        masks = read_signal_masks(pid)
        if masks is not None:
            log.write(seen.NATIVE, moment, pid, *masks)


def read_signal_masks(pid: int) -> tuple[int, int, int] | None:
    """Return the signals that a process's main thread blocks, that it ignores, that it has handlers for; None if it is gone."""
    words = procfs.read_bytes(f"/proc/{pid}/status").split()
    found = dict(pairwise(words))
    if not all(field in found for field in _FIELDS):
        return None
    blocked, ignored, caught = (int(found[field], 16) for field in _FIELDS)
    return blocked, ignored, caught
