"""``make beds``: suites and programs that nobody wrote for mptrace, bare and under it, compared test by test.

The beds lie outside of this repository, in the folder that $BEDS names (default: ../shared/beds); where it is not there, this
says so and ends with 0. Tests that assert the absence of any hook stand in ``beds_allowed.txt``, each with its reason.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]
ALLOWED = Path(__file__).with_name("beds_allowed.txt")
DEFAULT = ("cpy311-mp-fork", "cpy312-mp-spawn", "cpy313-mp-forkserver", "cpy311-cf", "cpy312-threading", "cpy313-subprocess")
_CHANGED = re.compile(r"^\s+(?P<test>\S+) (?P<bare>\S+) -> (?P<traced>\S+)$")


def allowed() -> dict[str, str]:
    """Return test id -> reason of the tests whose outcome may differ."""
    lines = [line for line in ALLOWED.read_text().splitlines() if line.strip() and not line.startswith("#")]
    return {test: reason.strip() for test, _, reason in (line.partition(" ") for line in lines)}


def changes(report: str) -> list[str]:
    """Return the lines of beddiff's report that name a test whose outcome differs and may not."""
    found = [match for match in map(_CHANGED.match, report.splitlines()) if match]
    known = allowed()
    return [match[0].strip() for match in found if not any(match["test"].endswith(test) for test in known)]


def run(beds: Path, name: str) -> tuple[str, list[str]]:
    """Run one bed both ways; return beddiff's first line, and what differs."""
    traced = f"{sys.executable} -m mptrace run --quiet -- {{python}}"
    for tag, extra in (("base", []), ("mp", ["--prefix", traced])):
        subprocess.run(
            [str(beds / "bed"), name, "--tag", tag, *extra], check=False, stdout=subprocess.DEVNULL, env=_environment()
        )
    done = subprocess.run([str(beds / "beddiff"), "base", "mp", name], check=False, capture_output=True, text=True)
    return done.stdout.partition("\n")[0], changes(done.stdout)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(HOME)}


def main(names: list[str]) -> int:
    """Run the beds with these names, or a choice of them; 1 if an outcome differs."""
    beds = Path(os.environ.get("BEDS") or HOME.parent / "shared" / "beds")
    if not (beds / "bed").exists():
        print(f"no beds in {beds}: nothing was run; set BEDS to the folder that has them")
        return 0
    bad = 0
    for name in names or DEFAULT:
        line, differing = run(beds, name)
        print(line, *(f"    {one}" for one in differing), sep="\n", flush=True)
        bad += bool(differing)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
