"""A job that is traced already: its recording is taken over into the new run directory, and our look is one more moment of it."""

from __future__ import annotations

import json
import os
import shutil

from mptrace.attach.job import Job
from mptrace.wire.rundir import META, MOMENTS, OBSERVER, PROCESSES, RECORDING, parse_name

COPY_LIMIT = 2 << 30
"""Longest recording that is taken over, in bytes."""


def take_over(job: Job, path: str) -> tuple[int, set[int]]:
    """Copy the job's own recording to ``path``; return the number of our moment, and the pids that record for themselves."""
    source = _recording_of(job)
    if not source:
        return 1, set()
    for name in (META, OBSERVER):
        if os.path.exists(os.path.join(source, name)):
            shutil.copyfile(os.path.join(source, name), os.path.join(path, name))
    moments = [int(name) for name in _names(source, MOMENTS) if name.isdecimal()]
    for number in moments:
        part = os.path.join(MOMENTS, f"{number:04}")
        shutil.copytree(os.path.join(source, part), os.path.join(path, part), dirs_exist_ok=True)
    moment = max(moments, default=0) + 1
    os.makedirs(os.path.join(path, MOMENTS, f"{moment:04}"), mode=0o700, exist_ok=True)
    return moment, _copy_files(job, source, path, moment)


def _recording_of(job: Job) -> str:
    """Return the run directory that the job's processes were told of, if it is there and can be copied; else ""."""
    told = {process.recording for process in job.processes.values() if process.recording}
    for source in sorted(told):
        files = [os.path.join(source, PROCESSES, name) for name in _names(source, PROCESSES)]
        if os.path.isdir(source) and sum(os.path.getsize(file) for file in files if os.path.exists(file)) < COPY_LIMIT:
            return source
    return ""


def _names(source: str, part: str) -> list[str]:
    try:
        return os.listdir(os.path.join(source, part))
    except OSError:
        return []


def _copy_files(job: Job, source: str, path: str, moment: int) -> set[int]:
    """Copy the recorder files; those of living processes are also what our moment shows of them, the newest of each pid."""
    newest: dict[int, tuple[int, str]] = {}
    for name in _names(source, PROCESSES):
        shutil.copyfile(os.path.join(source, PROCESSES, name), os.path.join(path, PROCESSES, name))
        pid, opened_ns, segment = parse_name(name) or (0, 0, 1)
        if segment == 0 and name.endswith(RECORDING) and pid in job.processes:
            newest[pid] = max(newest.get(pid, (0, "")), (opened_ns, name))
    for opened_ns, name in newest.values():
        shutil.copyfile(os.path.join(path, PROCESSES, name), os.path.join(path, MOMENTS, f"{moment:04}", name))
        job.processes[parse_name(name)[0]].opened_ns = opened_ns  # type: ignore[index]
    return set(newest)


def mark_attached(path: str) -> bool:
    """Note in a run.json that was taken over that we have looked at the running job; False if there is none."""
    try:
        with open(os.path.join(path, META), encoding="utf-8") as file:
            fields = json.load(file)
        with open(os.path.join(path, META), "w", encoding="utf-8") as file:
            json.dump({**fields, "attached": True}, file, indent=1)
    except (OSError, ValueError, TypeError):
        return False
    return True
