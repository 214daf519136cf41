"""``make beds``: suites and programs that nobody wrote for mptrace, bare and under it, compared test by test.

Both ways in are tried: through the launcher, and with the agent's folder alone on PYTHONPATH. A program (``p-...``) must also
be told nothing worse than a hint. The beds lie outside of this repository, in the folder that $BEDS names (default:
../shared/beds); where it is not there, this says so and ends with 0. Tests that assert the absence of any hook stand in
``beds_allowed.txt``, each with its reason.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from mptrace.wire.rundir import MOMENTS, PROCESSES
from tests.support.traced import environment

HOME = Path(__file__).resolve().parents[2]
ALLOWED = Path(__file__).with_name("beds_allowed.txt")
DEFAULT = ("cpy311-mp-fork", "cpy312-mp-spawn", "cpy313-mp-forkserver", "cpy311-cf", "cpy312-threading", "cpy313-subprocess")
BARE, LAUNCHER, AGENT = "base", "mp", "hook"
"""Tags of the three runs of a bed."""

_PROGRAM = re.compile(r"p\d*-")
_CHANGED = re.compile(r"^\s+(?P<test>\S+) (?P<bare>\S+) -> (?P<traced>\S+)$")


def allowed() -> dict[str, str]:
    """Return test id -> reason of the tests whose outcome may differ."""
    lines = [line for line in ALLOWED.read_text().splitlines() if line.strip() and not line.startswith("#")]
    return {test: reason.strip() for test, _, reason in (line.partition(" ") for line in lines)}


def changes(report: str) -> list[str]:
    """Return the lines of beddiff's report that name a test whose outcome differs and may not."""
    found = [match for match in map(_CHANGED.match, report.splitlines()) if match]
    known = allowed()
    other = ["the answer differs"] if '"same_answer": false' in report else []
    return [match[0].strip() for match in found if not any(match["test"].endswith(test) for test in known)] + other


def run(beds: Path, name: str) -> list[tuple[str, list[str]]]:
    """Run one bed bare and both ways; return for each way beddiff's first line, and what differs."""
    _run(beds, name, BARE)
    return [_compare(beds, name, way) for way in (LAUNCHER, AGENT)]


def _run(beds: Path, name: str, tag: str, *extra: str) -> None:
    subprocess.run([str(beds / "bed"), name, "--tag", tag, *extra], check=False, stdout=subprocess.DEVNULL)


def _compare(beds: Path, name: str, way: str) -> tuple[str, list[str]]:
    recording = _home() / "runs" / f"{name}.{way}"
    shutil.rmtree(recording, ignore_errors=True)
    _run(beds, name, way, *(_launched(recording) if way == LAUNCHER else _hooked(recording)))
    done = subprocess.run([str(beds / "beddiff"), BARE, way, name], check=False, capture_output=True, text=True)
    told = _told(recording) if _PROGRAM.match(name) else []
    return f"{way} {done.stdout.partition(chr(10))[0]}", changes(done.stdout) + told


def _home() -> Path:
    return Path(os.environ.get("BEDS_HOME") or Path.home() / ".cache/mptrace-beds")


def _launched(recording: Path) -> list[str]:
    return ["--prefix", f"{sys.executable} -m mptrace run --quiet --output {recording} -- {{python}}"]


def _hooked(recording: Path) -> list[str]:
    for part in (PROCESSES, MOMENTS):
        (recording / part).mkdir(parents=True)
    variables = environment(recording)
    folder = variables.pop("PYTHONPATH")
    return ["--pythonpath", folder, *(word for item in variables.items() for word in ("--env", "=".join(item)))]


def _told(recording: Path) -> list[str]:
    """Return the findings about a run that are worse than a hint."""
    report = subprocess.run(
        [sys.executable, "-m", "mptrace", "report", "--format", "json", str(recording)],
        check=False,
        capture_output=True,
        text=True,
    )
    if report.returncode:
        return [report.stderr.strip()]
    found = json.loads(report.stdout)["findings"]
    return [f"{f['severity']} {f['rule']}: {f['title']}" for f in found if f["severity"] != "hint"]


def main(names: list[str]) -> int:
    """Run the beds with these names, or a choice of them; 1 if an outcome differs."""
    beds = Path(os.environ.get("BEDS") or HOME.parent / "shared" / "beds")
    if not (beds / "bed").exists():
        print(f"no beds in {beds}: nothing was run; set BEDS to the folder that has them")
        return 0
    bad = 0
    for name in names or DEFAULT:
        for line, differing in run(beds, name):
            print(line, *(f"    {one}" for one in differing), sep="\n", flush=True)
            bad += bool(differing)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
