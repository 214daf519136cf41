"""Children that have not begun: spawned, and not yet given what they are to work with; they may still come to know anything.

A child by spawn or forkserver is handed its locks and pipes by a pickle. Until it runs its target, what it has mapped says nothing of
what it will have; the same holds if it was given something after what it has mapped was read.
"""

from __future__ import annotations

from mptrace.attach.address_space import AddressSpace, read_address_space
from mptrace.attach.descriptors import Descriptor, read_descriptors
from mptrace.attach.seen import SeenProcess
from mptrace.attach.sight import Sight


def know_starts(sight: Sight) -> None:
    """Note who has not begun; to be asked after the second look."""
    for process in sight.job.living:
        if process.start_method in {"spawn", "forkserver"} and not process.service:
            process.begun = _has_begun(process) and not _has_been_given(process)


def _has_begun(process: SeenProcess) -> bool:
    """Has it become the Process that it was started for, by its own memory or by its stack?"""
    if process.name:
        return True
    return any(frame.is_bootstrap for thread in process.threads.values() for frame in thread.frames)


def _has_been_given(process: SeenProcess) -> bool:
    """Has it got a semaphore, pipe or socket since it was seen first?"""
    known = _things(process.space, process.descriptors)
    return not _things(read_address_space(process.pid), read_descriptors(process.pid)) <= known


def _things(space: AddressSpace, descriptors: dict[int, Descriptor]) -> set[int]:
    return {region.inode for region in space.semaphores().values()} | {one.inode for one in descriptors.values() if one.inode}
