"""``make attach-sweep``: attach to every scenario that hangs, started plainly, after it hangs; or with ``--healthy`` to those that do not.

Columns: ok (the rule of the scenario comes first), as (the rule that says the same from outside, see KNOWN_AS), MISS, ended, ERROR;
program; start method; rule; what was said; marked lines located; seconds of the attach; longest time that a process was seen stopped.
``changed``: the job was not as before, or a copy of the run directory says something else.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from mptrace.attach.attach import attach
from mptrace.cli.judge import judge
from mptrace.diagnose.finding import Finding
from mptrace.observe import procfs
from tests.support.expectations import METHODS, Program, read_program

HOME = Path(__file__).resolve().parents[2]
SETTLE_S, LONGEST_S, END_S = 1.2, 12.0, 90.0
HEALTHY_S = 3
"""How long healthy programs keep somebody waiting."""

KNOWN_AS = {
    "exception-loses-args": "helper-thread-died",  # the exception is gone with the thread that read it
    "unpicklable-queue-item": "queue-get-no-producer",  # the item is gone
    "uncaught-exception": "queue-get-no-producer",  # so is the traceback; the status of the child is told
    "hard-exit": "death-hidden",  # so is the line that called os._exit()
}
"""What is gone when a job is looked at from outside, and what is left of it: the state that it led to."""


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


def start(
    program: Path, python: str, method: str, stdout: int = subprocess.DEVNULL, patience_s: int = 20
) -> subprocess.Popen[bytes]:
    """Start a scenario without mptrace."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("MPTRACE_", "_MPTRACE", "PYTHON"))}
    env |= {"MPTRACE_SCENARIO_METHOD": method, "MPTRACE_SCENARIO_PATIENCE": str(patience_s), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen(
        [python, str(program)],
        env=env,
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd=program.parent,
    )


def stop(job: subprocess.Popen[bytes], pids: list[int]) -> None:
    """Kill everything that was seen of a job, and what has lost its parent since."""
    with contextlib.suppress(OSError):
        os.killpg(job.pid, signal.SIGKILL)
    for pid in {*pids, *pids_below(job.pid)}:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            continue
    job.wait(10)
    for stream in (job.stdin, job.stdout):
        if stream:
            stream.close()


class Pauses(threading.Thread):
    """Looks for threads of some processes that are stopped, over and over; ``longest_s``: the longest row of such looks."""

    def __init__(self, pids: list[int]) -> None:
        super().__init__(daemon=True)
        self.longest_s = 0.0
        self._pids, self._over = pids, threading.Event()

    def run(self) -> None:
        """Look until `end`."""
        since: float | None = None
        while not self._over.wait(0.005):
            now = time.monotonic()
            stats = (procfs.stat(pid) for pid in self._pids)
            since = (since or now) if any(stat and stat.state in "tT" for stat in stats) else None
            self.longest_s = max(self.longest_s, now - since if since else 0.0)

    def end(self) -> float:
        """Return the longest pause in seconds."""
        self._over.set()
        self.join()
        return self.longest_s


def told(findings: list[Finding]) -> list[tuple[str, str, str]]:
    """Return what findings say."""
    return [(finding.rule, finding.verdict.value, finding.title) for finding in findings]


def says_the_same_elsewhere(path: str, folder: str, findings: list[Finding]) -> bool:
    """Is a copy of the run directory judged as the original was?"""
    copy = shutil.copytree(path, os.path.join(folder, "elsewhere"))
    return told(judge(str(copy)).diagnosis.findings) == told(findings)


def line(program: Program, python: str, method: str) -> str:
    """Try one program that hangs and return its line of the table."""
    job = start(program.path, python, method)
    pids = [job.pid]
    name = f"{program.name:34} {method:10}"
    try:
        if not wait_until_quiet(job):
            return f"{'ended':5} {name}"
        pids, before = pids_below(job.pid), activity(job.pid)
        with tempfile.TemporaryDirectory() as folder:
            pauses = Pauses(pids)
            pauses.start()
            attached = attach(job.pid, folder + "/run")
            paused_s, unchanged = pauses.end(), activity(job.pid) == before
            findings = judge(attached.path, keep=True).diagnosis.findings
            stop(job, pids)
            unchanged = says_the_same_elsewhere(attached.path, folder, findings) and (unchanged or _is_restless(program))
        return _verdict(program, method, name, findings) + (
            f" {attached.took_ns / 1e9:5.2f} {paused_s:5.3f}{'' if unchanged else ' changed'}"
        )
    except Exception as trouble:  # a line of the table, too
        return f"{'ERROR':5} {name} {type(trouble).__name__}: {trouble}"
    finally:
        stop(job, pids)


def _is_restless(program: Program) -> bool:
    """Does it work on while it hangs: workers that are replaced, a process that wakes up now and then?"""
    return program.path.parent.name in {"worker_respawn_loop", "initializer_failed", "death_hidden", "termination_ignored"}


def _verdict(program: Program, method: str, name: str, findings: list[Finding]) -> str:
    expected, first = program.expected_root(method), findings[0].rule if findings else ""
    mark = "ok" if first == expected else "as" if first and first == KNOWN_AS.get(expected) else "MISS"
    lines = {place.site.line for finding in findings for place in finding.places}
    wanted = {one.line for one in program.expected(method) if one.rule == expected}
    said = ", ".join(f"{finding.rule}:{finding.verdict.value}" for finding in findings[:3])
    return f"{mark:5} {name} {expected:24} {said:44} {len(wanted & lines)}/{len(wanted)}"


# -- healthy programs: attached over and over while they run, and let go to their ends


def healthy_line(program: Program, python: str, method: str) -> str:
    """Attach to a healthy program until it ends; return its line: alarms, exit status and output compared with a bare run."""
    name = f"{program.name:34} {method:10}"
    bare = _bare(program, python, method)
    job = start(program.path, python, method, subprocess.PIPE, HEALTHY_S)
    alarms: set[str] = set()
    looks = 0
    try:
        for findings in _looks_until_the_end(job):
            looks += 1
            alarms |= {f"{one.rule}:{one.verdict.value}" for one in findings if one.severity.value != "hint"}
        output = job.communicate(timeout=END_S)[0]
        same = (job.returncode, sorted(output.splitlines())) == bare or bare != _bare(program, python, method)
        mark = "MISS" if alarms else "ok" if same else "changed"
        return f"{mark:5} {name} {looks} looks, exit {job.returncode} {', '.join(sorted(alarms))}"
    except Exception as trouble:  # a line of the table, too
        return f"{'ERROR':5} {name} {type(trouble).__name__}: {trouble}"
    finally:
        stop(job, [])


def _bare(program: Program, python: str, method: str) -> tuple[int, list[bytes]]:
    job = start(program.path, python, method, subprocess.PIPE, HEALTHY_S)
    output = job.communicate(timeout=END_S)[0]
    return job.returncode, sorted(output.splitlines())


def _looks_until_the_end(job: subprocess.Popen[bytes]) -> Iterator[list[Finding]]:
    end = time.monotonic() + END_S
    while job.poll() is None and time.monotonic() < end:
        time.sleep(0.3)
        with tempfile.TemporaryDirectory() as folder:
            try:
                found = judge(attach(job.pid, folder + "/run").path)
            except Exception as trouble:
                if job.poll() is None and "is just ending" not in str(trouble):
                    raise
                return
            yield found.diagnosis.findings


def programs(names: list[str], *, healthy: bool) -> Iterator[Program]:
    """Yield the scenarios that hang, or those that are healthy."""
    for path in sorted((HOME / "scenarios").glob("*/*.py")):
        if path.stem in {"broken", "fixed", "program"} and (not names or path.parent.name in names):
            program = read_program(path)
            if (not program.expectations) == healthy:
                yield program


def main() -> None:
    """Print the table, and how many of each mark there were."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--method", action="append")
    parser.add_argument("--healthy", action="store_true")
    options = parser.parse_args()
    marks: dict[str, int] = {}
    for program in programs(options.names, healthy=options.healthy):
        for method in options.method or METHODS:
            if method in program.methods and (options.healthy or program.does_hang(method)):
                said = (healthy_line if options.healthy else line)(program, options.python, method)
                marks[said.split()[0]] = marks.get(said.split()[0], 0) + 1
                print(said, flush=True)
    print(", ".join(f"{count} {mark}" for mark, count in sorted(marks.items())), f"of {sum(marks.values())}")


if __name__ == "__main__":
    main()
