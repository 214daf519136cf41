"""Bring a recording home: it was written to a local disk, since its place is on a file system of another machine."""

from __future__ import annotations

import contextlib
import os
import shutil


def bring_home(path: str, home: str) -> str:
    """Move a run directory to ``home``; return "" or, if it stays where it is, why.

    ``home`` may be a link to ``path``, which readers follow meanwhile, or an empty directory.
    """
    linked = os.path.islink(home)
    fresh = f"{home}.part" if linked or not os.path.isdir(home) else home
    try:
        _copy(path, fresh)
        if linked:
            os.unlink(home)
        if fresh != home:
            os.rename(fresh, home)
    except OSError as trouble:
        shutil.rmtree(fresh, ignore_errors=True)
        return f"{home}: {trouble.strerror or trouble}"
    shutil.rmtree(path, ignore_errors=True)
    return ""


def _copy(path: str, to: str) -> None:
    """Copy a tree; what was one file under several names (the moments link to files of ended processes) stays one."""
    copied: dict[int, str] = {}
    for folder, _, names in os.walk(path):
        into = os.path.normpath(os.path.join(to, os.path.relpath(folder, path)))
        os.makedirs(into, mode=0o700, exist_ok=True)
        for name in names:
            _copy_one(os.path.join(folder, name), os.path.join(into, name), copied)


def _copy_one(source: str, target: str, copied: dict[int, str]) -> None:
    number = os.stat(source).st_ino
    if number in copied:
        with contextlib.suppress(OSError):
            os.link(copied[number], target)
            return
    shutil.copy2(source, target)
    copied.setdefault(number, target)
