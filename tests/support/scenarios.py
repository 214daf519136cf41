"""``make scenarios``: every program of scenarios/ under mptrace, checked against what it says about itself.

A program with expectations must be diagnosed: the rules found, on the marked lines, the cause first. A program without must
end as it does without mptrace, with no error and no warning.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mptrace.diagnose.registry import find_rule
from tests.support import bounded
from tests.support.expectations import METHODS, VERDICTS, Expectation, Program, read_program

HOME = Path(__file__).resolve().parents[2]
FOLDER = HOME / "scenarios"
TIMEOUT_S = 60.0
"""Most seconds that a program which ends by itself, or a hang which is to be explained, may take: on a machine with twenty
processes to a core the slowest took a third of it."""

HANG_S = 5.0
"""A bare program that is still running after so many seconds hangs."""

HANG_AFTER_S, HEALTHY_HANG_AFTER_S, PATIENCE_S, BARE_PATIENCE_S = 2.0, 1.0, 3.0, 0.3

Finding = dict[str, Any]


@dataclass
class Row:
    """What came of one program under one start method."""

    program: Program
    method: str
    found: str = ""
    verdict: str = ""
    seconds: float = 0.0
    located: str = ""
    problems: list[str] = field(default_factory=list)
    also: list[str] = field(default_factory=list)
    unknown: str = ""
    """An expected rule that mptrace does not have yet: the program was not run."""

    def line(self) -> str:
        """Return the row as a line of the table."""
        note = "; ".join(dict.fromkeys(self.problems)) or ", ".join(self.also)
        mark = "FAIL" if self.problems else "-" if self.unknown else "ok"
        return (
            f"{mark:4} {self.program.name:36} {self.method:10} {self.found:24} {self.verdict:8} {self.seconds:6.1f} "
            f"{self.located:8} {note}"
        ).rstrip()


def programs(names: list[str] | None = None) -> list[Program]:
    """Return the programs of the scenarios with these names (a folder, or folder/file), or all."""
    paths = sorted(path for path in FOLDER.glob("*/*.py") if path.stem in {"broken", "fixed", "program"})
    every = [read_program(path) for path in paths]
    wanted = [name.strip("/").removeprefix("scenarios/").removesuffix(".py").removesuffix("/program") for name in names or ()]
    return [one for one in every if not wanted or one.name in wanted or one.path.parent.name in wanted]


def unknown_rule(program: Program, method: str) -> str:
    """Return a rule that the program expects and mptrace does not have, or an empty string."""
    return next((one.rule for one in program.expected(method) if find_rule(one.rule) is None), "")


def _environment(method: str, patience_s: float = PATIENCE_S) -> dict[str, str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith(("MPTRACE_", "_MPTRACE", "PYTHON"))}
    env.update(MPTRACE_SCENARIO_METHOD=method, MPTRACE_SCENARIO_PATIENCE=str(patience_s), PYTHONDONTWRITEBYTECODE="1")
    return env


def _mptrace(program: Program, python: str, report: Path, *, healthy: bool) -> list[str]:
    options = ["--hang-after", str(HEALTHY_HANG_AFTER_S if healthy else HANG_AFTER_S), "--on-hang", "kill"]
    options += ["--json", str(report), "--output", str(report.parent / "run")]
    if python == sys.executable:
        return [python, "-m", "mptrace", *options, str(program.path)]
    return [sys.executable, "-m", "mptrace", "run", *options, "--", python, str(program.path)]


@functools.cache
def _bare(path: Path, method: str, python: str) -> bounded.Ended:
    return bounded.run([python, str(path)], _environment(method, BARE_PATIENCE_S), TIMEOUT_S, BARE_PATIENCE_S)


def check(program: Program, method: str, python: str = sys.executable, keep: Path | None = None, *, unknown: bool = False) -> Row:
    """Run one program under mptrace and say what is wrong with what came of it.

    ``unknown``: also if it expects a rule that is not there yet; then it only must not be given a wrong cause as proven.
    """
    row = Row(program, method)
    expected = program.expected(method)
    row.unknown = unknown_rule(program, method)
    if row.unknown and not unknown:
        row.also.append(f"no rule {row.unknown} yet")
        return row
    with tempfile.TemporaryDirectory(prefix="mptrace-scenario-") as scratch:
        folder = keep / program.name.replace("/", "-") / method if keep else Path(scratch)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        report = folder / "report.json"
        command = _mptrace(program, python, report, healthy=not expected)
        env = {**_environment(method), "PYTHONPATH": str(HOME)}
        hangs = program.does_hang(method)
        ended = bounded.run(command, env, TIMEOUT_S, None if hangs else PATIENCE_S)
        row.seconds = ended.seconds
        (folder / "stderr.txt").write_text(ended.stderr)
        row.problems += _ending_problems(program, method, python, ended)
        findings = _findings(report, row)
    if row.unknown:
        row.problems = [f"{one['rule']} as proven: {one['title']}" for one in findings or () if one["verdict"] == "proven"]
        row.also = [f"{one['rule']} ({one['verdict']})" for one in findings or ()]
    elif findings is not None:
        row.problems += list(_diagnosis_problems(row, findings, ended) if expected else _false_alarms(row, findings))
    return row


def _findings(report: Path, row: Row) -> list[Finding] | None:
    try:
        findings = json.loads(report.read_text())["findings"]
    except (OSError, ValueError, KeyError) as error:
        row.problems.append(f"no report: {type(error).__name__}")
        return None
    return list(findings)


def _ending_problems(program: Program, method: str, python: str, ended: bounded.Ended) -> Iterator[str]:
    if ended.left:
        yield f"left running: {ended.left}"
    if "Traceback" in ended.stderr and "mptrace/mptrace/" in ended.stderr:
        yield "mptrace itself has a traceback on stderr"
    if program.does_hang(method):
        if ended.status != 124:
            yield f"exit {ended.status}, not 124"
        return
    bare = _bare(program.path, method, python)
    if ended.status != bare.status:
        yield f"exit {ended.status}, bare {bare.status}"
    if sorted(ended.stdout.splitlines()) != sorted(bare.stdout.splitlines()):
        yield f"stdout {ended.stdout[-80:]!r}, bare {bare.stdout[-80:]!r}"


def _false_alarms(row: Row, findings: list[Finding]) -> Iterator[str]:
    row.found = "silent"
    for one in findings:
        if one["severity"] in {"error", "warning"}:
            row.found = "ALARM"
            yield f"{one['severity']} {one['rule']} ({one['verdict']}): {one['title']}"
        else:
            row.also.append(one["rule"])


def _diagnosis_problems(row: Row, findings: list[Finding], ended: bounded.Ended) -> Iterator[str]:
    expected = row.program.expected(row.method)
    root = row.program.expected_root(row.method)
    rules = [one["rule"] for one in findings]
    row.found = root if root in rules else ", ".join(rules) or "nothing"
    row.verdict = next((one["verdict"] for one in findings if one["rule"] == root), "")
    row.also = [rule for rule in dict.fromkeys(rules) if rule not in {one.rule for one in expected}]
    row.located = "yes"
    row.seconds = next((at for at, line in ended.lines if line.startswith(f"mptrace: {root}")), ended.seconds)
    if rules and rules[0] != root:
        yield f"{rules[0]} comes first, not {root}"
    for one in expected:
        yield from _expectation_problems(row, one, [finding for finding in findings if finding["rule"] == one.rule])


def _expectation_problems(row: Row, one: Expectation, findings: list[Finding]) -> Iterator[str]:
    if not findings:
        row.located = "no"
        yield f"{one.rule} not found"
        return
    if not any(VERDICTS.index(finding["verdict"]) >= VERDICTS.index(one.verdict) for finding in findings):
        yield f"{one.rule} is only {findings[0]['verdict']}"
    if not any(_is_located(row.program.path, one, finding) for finding in findings):
        row.located = "no"
        yield f"{one.rule} is not on line {one.line}" + (f" as {one.role}" if one.role else "") + f" but {_places(findings)}"
    said = "\n".join(f"{finding['title']}\n{finding['explanation']}" for finding in findings)
    for name in one.names:
        if name not in said:
            yield f"{one.rule} does not name {name}"


def _is_located(path: Path, one: Expectation, finding: Finding) -> bool:
    return any(
        os.path.realpath(place["file"]) == str(path) and place["line"] == one.line and one.role in {None, place["role"]}
        for place in finding["locations"]
    )


def _places(findings: list[Finding]) -> str:
    places = {f"{Path(p['file']).name}:{p['line']} {p['role']}" for finding in findings for p in finding["locations"]}
    return ", ".join(sorted(places)) or "nowhere"


def check_bare(program: Program, method: str, python: str = sys.executable, times: int = 3) -> Row:
    """Run one program without mptrace, and say whether it hangs, or ends, as it says."""
    row = Row(program, method, found="bare")
    hangs = program.does_hang(method)
    for _ in range(times):
        ended = bounded.run(
            [python, str(program.path)], _environment(method), HANG_S if hangs else TIMEOUT_S, None if hangs else 0.5
        )
        row.seconds = max(row.seconds, ended.seconds)
        if ended.status != (None if hangs else program.exits[method]):
            row.problems.append(f"exit {ended.status}: {ended.stderr.strip().splitlines()[-1:]}")
        if ended.left:
            row.problems.append(f"left running: {ended.left}")
        if not hangs and not program.expectations and ended.stderr:
            row.problems.append(f"stderr: {ended.stderr[-200:]!r}")
    return row


def _version(python: str) -> tuple[int, ...]:
    said = subprocess.run([python, "-c", "import sys; print(*sys.version_info[:3])"], capture_output=True, text=True, check=True)
    return tuple(int(part) for part in said.stdout.split())


def _stop(number: int, frame: object) -> None:
    bounded.end_all()
    os._exit(128 + number)


def main() -> int:
    """Print the table; return 1 if anything is not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.scenarios", description=__doc__)
    parser.add_argument("names", nargs="*", help="folders of scenarios/, or folder/file; default: all")
    parser.add_argument("--method", default=",".join(METHODS), help="start methods, separated by commas")
    parser.add_argument("--python", default=sys.executable, help="the interpreter of the programs")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="leave run directories, reports and stderr in this folder")
    parser.add_argument("--unknown", action="store_true", help="also programs that expect a rule that is not there yet")
    parser.add_argument("--bare", type=int, metavar="TIMES", help="without mptrace: does what should hang hang, each time?")
    options = parser.parse_args()
    chosen = [one for one in programs(options.names) if one.since <= _version(options.python)]
    cells = [(one, method) for one in chosen for method in options.method.split(",") if method in one.methods]

    def cell(one: tuple[Program, str]) -> Row:
        if options.bare:
            return check_bare(*one, options.python, options.bare)
        return check(*one, options.python, options.keep and options.keep.resolve(), unknown=options.unknown)

    signal.signal(signal.SIGTERM, _stop)
    with ThreadPoolExecutor(options.jobs) as pool:
        rows = []
        for row in pool.map(cell, cells):
            rows.append(row)
            print(row.line(), flush=True)
    ran = [row for row in rows if not row.unknown or row.problems]
    failed = sum(bool(row.problems) for row in ran)
    print(f"{len(ran) - failed} of {len(ran)} as they should be; {len(rows) - len(ran)} not run: rules that are not there yet")
    return int(failed > 0 or not ran)


if __name__ == "__main__":
    sys.exit(main())
