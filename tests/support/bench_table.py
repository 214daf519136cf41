"""The figures of `bench`: ratios of pairs, their median and quartiles; kept in a file, printed, compared with those of another commit.

``python -m tests.support.bench_table BEFORE.json AFTER.json``
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tests.support.bench_measure import AGAIN, BARE, ROOT, counter

FOLDER = ROOT / ".bench"
WIDE = 1.02
"""Two commits differ where one ratio is so many times the other, and their quartiles do not overlap."""

Row = dict[str, object]


def row(load: str, what: str, mode: str, values: dict[str, list[float]], limit: float | None) -> Row:
    """Return a line of the table: each round is a pair of bare and traced, and a pair of bare and bare."""
    pairs, noise = ([one / max(bare, 1e-9) for one, bare in zip(values[m], values[BARE], strict=True)] for m in (mode, AGAIN))
    low, middle, high = _quartiles(pairs)
    return {
        "load": load, "what": what, "recorder": mode, "ratio": middle, "low": low, "high": high, "noise": statistics.median(noise),
        "bare": statistics.median(values[BARE]), "traced": statistics.median(values[mode]), "rounds": len(pairs), "limit": limit,
    }  # fmt: skip


def _quartiles(values: list[float]) -> tuple[float, float, float]:
    if len(values) < 2:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def line(found: Row) -> str:
    """Return a row as it is printed."""
    if "skipped" in found:
        return f"{found['load']:<11}{found['what']:<7}{found['recorder']:<10}{found['skipped']}"
    ratio, limit = float(str(found["ratio"])), found["limit"]
    verdict = "" if limit is None else "ok" if ratio <= float(str(limit)) else f"OVER {limit}"
    quartiles = f"{found['low']:.3f}-{found['high']:.3f}"
    return (
        f"{found['load']:<11}{found['what']:<7}{found['recorder']:<10}{ratio:6.3f}  {quartiles:<13}{found['noise']:6.3f}"
        f"  {found['bare']:>11.5g} {found['traced']:>11.5g}  {found['rounds']:>2}  {verdict}"
    )


HEADING = f"{'load':<11}{'what':<7}{'recorder':<10}{'ratio':>6}  {'quartiles':<13}{'A/A':>6}  {'bare':>11} {'traced':>11}  rounds"


def machine(python: str) -> Row:
    """Return where and with what the figures were taken."""
    model = next((text.split(":")[1].strip() for text in _lines("/proc/cpuinfo") if text.startswith("model name")), "")
    version = subprocess.run([python, "-VV"], capture_output=True, text=True, check=False).stdout.strip()
    return {
        "commit": _git("rev-parse", "--short=10", "HEAD"), "changed": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "at": time.strftime("%Y-%m-%dT%H:%M:%S"), "cpu": model or platform.machine(), "cores": os.cpu_count(),
        "kernel": platform.release(), "python": version, "counter": counter(), "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def _git(*words: str) -> str:
    return subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False).stdout.strip()


def save(about: Row, rows: list[Row], path: str = "") -> str:
    """Write the figures to a file and return its path."""
    FOLDER.mkdir(exist_ok=True)
    name = f"{about['at']}-{about['commit']}{'-changed' if about['changed'] else ''}.json".replace(":", "")
    file = Path(path) if path else FOLDER / name
    file.write_text(json.dumps({**about, "rows": rows}, indent=1) + "\n")
    return str(file)


def compare(before: dict[str, object], after: dict[str, object]) -> list[str]:
    """Return the lines of a table of two files: only what both have measured."""
    old = {_key(found): found for found in before["rows"] if "skipped" not in found}  # type: ignore[attr-defined]
    lines = [f"{'load':<11}{'what':<7}{'recorder':<10}{'before':>7} {'after':>7}"]
    for found in after["rows"]:  # type: ignore[attr-defined]
        then = old.get(_key(found))
        if then and "skipped" not in found:
            lines.append(
                f"{found['load']:<11}{found['what']:<7}{found['recorder']:<10}{then['ratio']:7.3f} {found['ratio']:7.3f}  {_change(then, found)}".rstrip()
            )
    return lines


def _key(found: Row) -> tuple[object, ...]:
    return found["load"], found["what"], found["recorder"]


def _change(then: Row, now: Row) -> str:
    a, b = float(str(then["ratio"])), float(str(now["ratio"]))
    if b > a * WIDE and float(str(now["low"])) > float(str(then["high"])):
        return "dearer"
    return "cheaper" if a > b * WIDE and float(str(then["low"])) > float(str(now["high"])) else ""


def main(arguments: list[str]) -> int:
    """Compare two files."""
    before, after = (json.loads(Path(path).read_text()) for path in arguments)
    for said in (before, after):
        print(*(f"{name} {said[name]};" for name in ("commit", "at", "cpu", "cores", "python", "load")))
    print(*compare(before, after), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
