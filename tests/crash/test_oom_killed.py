"""A real limit on memory: a cgroup below our own, where the machine lets us make one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from mptrace.observe.cgroup import oom_state

LIMIT = 192 << 20

PROGRAM = """
from multiprocessing import Process

def hoard():
    kept = []
    while True:
        kept.append(bytearray(4 << 20))

if __name__ == "__main__":
    hoarder = Process(target=hoard, name="hoarder")
    hoarder.start()
    hoarder.join()
"""


@pytest.fixture
def cgroup() -> Iterator[Path]:
    """Make a memory cgroup with a limit below our own, and remove it at the end; skipped where that may not be made."""
    state = oom_state(os.getpid())
    if state is None:
        pytest.skip("the memory cgroup of this process cannot be read")
    made = Path(state.cgroup) / f"mptrace-test-{os.getpid()}"
    try:
        made.mkdir()
    except OSError as trouble:
        pytest.skip(f"no cgroup may be made here: {trouble}")
    try:
        limit = next((made / name for name in ("memory.max", "memory.limit_in_bytes") if (made / name).exists()), None)
        if limit is None:
            pytest.skip("the cgroup has no limit on memory to set")
        limit.write_text(str(LIMIT))
        with suppress(OSError):
            (made / "memory.swap.max").write_text("0")
        yield made
    except OSError as trouble:
        pytest.skip(f"no limit may be set here: {trouble}")
    finally:
        with suppress(OSError):
            made.rmdir()


def test_the_process_that_ran_into_the_limit_is_named(cgroup: Path, tmp_path: Path) -> None:
    script, report = tmp_path / "program.py", tmp_path / "report.json"
    script.write_text(PROGRAM)
    joined = (
        f"echo $$ > {cgroup}/cgroup.procs && exec {sys.executable} -m mptrace run --quiet --output {tmp_path}/run --json {report}"
    )
    done = subprocess.run(
        ["sh", "-c", f"{joined} -- {sys.executable} {script}"],
        cwd=tmp_path,
        timeout=60,
        capture_output=True,
        text=True,
        check=False,
    )
    if "cgroup.procs" in done.stderr:
        pytest.skip("no process may be moved into the cgroup")
    if not report.exists():
        pytest.skip(f"the launcher itself did not survive the limit: {done.returncode}")
    found = json.loads(report.read_text())["findings"]
    assert found[0]["rule"] == "oom-killed"
    assert found[0]["title"].startswith("hoarder was killed by the kernel, out of memory")
