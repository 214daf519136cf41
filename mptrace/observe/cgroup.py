"""The out-of-memory counter of the cgroup that the job runs in, version 2 or 1."""

from __future__ import annotations

import os
from dataclasses import dataclass

from mptrace.observe import procfs

MOUNT = "/sys/fs/cgroup"


@dataclass(frozen=True, slots=True)
class OomState:
    """``kills``: processes the kernel killed in this cgroup so far; ``limit``, ``usage``: bytes, 0 if there is no limit."""

    kills: int
    limit: int
    usage: int
    cgroup: str


def oom_state(pid: int) -> OomState | None:
    """Return the state of a process's memory cgroup; None where there is none to read."""
    for line in procfs.read_bytes(f"/proc/{pid}/cgroup").decode("utf-8", "replace").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            found = _read(path, MOUNT + "/memory", "memory.oom_control", "memory.limit_in_bytes", "memory.usage_in_bytes")
        elif not controllers:
            found = _read(path, MOUNT, "memory.events", "memory.max", "memory.current")
        else:
            continue
        if found is not None:
            return found
    return None


def cores() -> int:
    """Return how many cores this process and its children may use: by its affinity, and by the quota of its cgroup."""
    allowed = len(os.sched_getaffinity(0))
    quota, _, period = procfs.read_bytes(MOUNT + "/cpu.max").decode("ascii", "replace").strip().partition(" ")
    if quota.isdigit() and period.isdigit() and int(period):
        return max(1, min(allowed, round(int(quota) / int(period))))
    return allowed


def _read(path: str, mount: str, counters: str, limit: str, usage: str) -> OomState | None:
    """Read the cgroup's own files, or those of the mount's root where a container sees only its own subtree."""
    for folder in (mount + path.rstrip("/"), mount):
        text = procfs.read_bytes(os.path.join(folder, counters)).decode("ascii", "replace")
        numbers = dict(line.split()[:2] for line in text.splitlines() if len(line.split()) >= 2)
        if "oom_kill" in numbers:
            return OomState(
                int(numbers["oom_kill"]), _number(os.path.join(folder, limit)), _number(os.path.join(folder, usage)), folder
            )
    return None


def _number(path: str) -> int:
    text = procfs.read_bytes(path).strip()
    number = int(text) if text.isdigit() else 0
    return number if number < 1 << 60 else 0
