"""``python -m tests.attach.sweep``: every scenario that hangs, started plainly, attached to after it hangs; one table.

Columns: rule found first, verdict, whether the marked line was located, seconds of the attach, seconds until it hung.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mptrace.attach.attach import attach
from mptrace.cli.judge import judge
from mptrace.observe import procfs
from tests.support.expectations import METHODS, Program, read_program

HOME = Path(__file__).resolve().parents[2]
SETTLE_S, LONGEST_S = 1.2, 12.0


def pids_below(pid: int) -> list[int]:
    """Return a process and everything below it."""
    found = [pid]
    for one in found:
        found += procfs.children(one)
    return found


def activity(pid: int) -> tuple[object, ...]:
    """Return something that changes while a job works."""
    marks = []
    for one in pids_below(pid):
        for tid in procfs.tids(one):
            stat = procfs.stat(one, tid)
            marks.append((one, tid, stat.cpu_ticks if stat else -1))
    return tuple(marks)


def wait_until_quiet(job: subprocess.Popen[bytes]) -> bool:
    """Wait until nothing has used the processor for a while; False if the job ended, or never came to rest."""
    end, last, since = time.monotonic() + LONGEST_S, None, time.monotonic()
    while time.monotonic() < end and job.poll() is None:
        now = activity(job.pid)
        if now != last:
            last, since = now, time.monotonic()
        elif time.monotonic() - since > SETTLE_S:
            return True
        time.sleep(0.1)
    return job.poll() is None


def start(program: Path, python: str, method: str) -> subprocess.Popen[bytes]:
    """Start a scenario without mptrace."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("MPTRACE_", "_MPTRACE", "PYTHON"))}
    env |= {"MPTRACE_SCENARIO_METHOD": method, "MPTRACE_SCENARIO_PATIENCE": "20", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen(
        [python, str(program)],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd=program.parent,
    )


def stop(job: subprocess.Popen[bytes], pids: list[int]) -> None:
    """Kill everything that was seen of a job."""
    for pid in {*pids, *pids_below(job.pid)}:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            continue
    job.wait(10)
    if job.stdin:
        job.stdin.close()


def line(program: Program, python: str, method: str) -> str:
    """Try one program and return its line of the table."""
    job = start(program.path, python, method)
    pids = [job.pid]
    name = f"{program.name:34} {method:10}"
    try:
        if not wait_until_quiet(job):
            return f"{'ended':5} {name}"
        pids = pids_below(job.pid)
        with tempfile.TemporaryDirectory() as folder:
            attached = attach(job.pid, folder + "/run")
            findings = judge(attached.path).diagnosis.findings
        loud = [finding for finding in findings if finding.severity.value != "hint"]
        expected = program.expected_root(method) if program.expected(method) else ""
        first = findings[0] if findings else None
        lines = {place.site.line for finding in findings for place in finding.places}
        wanted = {one.line for one in program.expected(method) if one.rule == expected}
        mark = "ok" if (first and first.rule == expected) or (not expected and not loud) else "MISS"
        located = f"{len(wanted & lines)}/{len(wanted)}"
        said = ", ".join(f"{finding.rule}:{finding.verdict.value}" for finding in findings[:3])
        return f"{mark:5} {name} {expected or '(healthy)':24} {said:44} {located:5} {attached.took_ns / 1e9:5.2f}"
    except Exception as trouble:  # a line of the table, too
        return f"{'ERROR':5} {name} {type(trouble).__name__}: {trouble}"
    finally:
        stop(job, pids)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--method", action="append")
    parser.add_argument("--healthy", action="store_true")
    options = parser.parse_args()
    for path in sorted((HOME / "scenarios").glob("*/*.py")):
        if path.stem not in {"broken", "program"} or (options.names and path.parent.name not in options.names):
            continue
        program = read_program(path)
        for method in options.method or METHODS:
            if method in program.methods and program.does_hang(method) != options.healthy:
                print(line(program, options.python, method), flush=True)


if __name__ == "__main__":
    main()
