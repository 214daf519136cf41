"""A full /dev/shm: a real one, small, mounted where nobody else sees it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

MOUNT = "mount -t tmpfs -o size={size} tmpfs /dev/shm && "

WRITES = """
import os, time
from multiprocessing import Process
from multiprocessing.shared_memory import SharedMemory

def fill(name):
    block = SharedMemory(name=name)
    block.buf[:] = bytes(len(block.buf))  # dies

if __name__ == "__main__":
    block = SharedMemory(create=True, size=8 << 20)
    filler = Process(target=fill, args=(block.name,), name="filler")
    filler.start()
    filler.join()
    seen = os.environ["_MPTRACE_RUN"] + "/observer.log"  # the block stays until the launcher has told of the filler's end
    until, size = time.monotonic() + 5, -1
    while time.monotonic() < until and os.path.getsize(seen) != size:
        size = os.path.getsize(seen)
        time.sleep(0.4)
    block.close()
    block.unlink()
"""

MAKES = """
import os
from multiprocessing import Lock

if __name__ == "__main__":
    file = os.open("/dev/shm/filler", os.O_CREAT | os.O_WRONLY)
    try:
        while True:
            os.write(file, bytes(4096))
    except OSError:
        pass
    locks = [Lock() for _ in range(2)]  # raises
"""


def in_small_shm(tmp_path: Path, program: str, size: str) -> dict[str, Any]:
    """Run a program under mptrace in a mount namespace with a small /dev/shm; skipped where that may not be made."""
    script, report = tmp_path / "program.py", tmp_path / "report.json"
    script.write_text(program)
    mount = MOUNT.format(size=size)
    if (
        shutil.which("unshare") is None
        or subprocess.run(["unshare", "-m", "sh", "-c", f"{mount}true"], check=False, capture_output=True).returncode
    ):
        pytest.skip("no mount namespace with a tmpfs of our own may be made here")
    command = f"{sys.executable} -m mptrace run --quiet --output {tmp_path}/run --json {report} -- {sys.executable} {script}"
    subprocess.run(["unshare", "-m", "sh", "-c", mount + command], cwd=tmp_path, timeout=60, capture_output=True, check=False)
    return dict(json.loads(report.read_text()))


def line_of(program: str, mark: str) -> int:
    """Return the line that ends in this comment."""
    return next(number for number, line in enumerate(program.splitlines(), 1) if line.endswith(f"# {mark}"))


def test_who_writes_to_a_block_that_does_not_fit_is_named_with_the_line(tmp_path: Path) -> None:
    found = in_small_shm(tmp_path, WRITES, "4m")["findings"]
    assert [one["rule"] for one in found][:1] == ["shm-exhausted"]
    assert found[0]["title"].startswith("filler was killed by SIGBUS")
    assert line_of(WRITES, "dies") in [place["line"] for place in found[0]["locations"]]


def test_a_lock_that_finds_no_room_is_named_with_the_line(tmp_path: Path) -> None:
    found = in_small_shm(tmp_path, MAKES, "64k")["findings"]
    assert [one["rule"] for one in found][:1] == ["shm-exhausted"]
    assert found[0]["verdict"] == "proven"
    assert line_of(MAKES, "raises") in [place["line"] for place in found[0]["locations"]]
