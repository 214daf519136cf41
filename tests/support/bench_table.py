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

from tests.support.bench_loads import Load
from tests.support.bench_measure import AGAIN, BARE, ROOT, counter

FOLDER = ROOT / ".bench"
WIDE = 1.02
"""Two commits differ where one ratio is so many times the other, and their quartiles do not overlap."""

Row = dict[str, object]
Values = dict[str, list[float]]
"""mode -> a value for each round"""

INSTR, CPU, WALL = "instr", "CPU s", "wall s"


def row(load: Load, what: str, mode: str, values: Values, items: float) -> Row:
    """Return a line of the table: each round is a pair of bare and traced, and a pair of bare and bare. ``items``: in a value."""
    pairs, noise = ([one / max(bare, 1e-9) for one, bare in zip(values[m], values[BARE], strict=True)] for m in (mode, AGAIN))
    low, middle, high = _quartiles(pairs)
    more = statistics.median(one - bare for one, bare in zip(values[mode], values[BARE], strict=True)) / items
    found: Row = {
        "load": load.name, "what": what, "recorder": mode, "ratio": middle, "low": low, "high": high, "noise": statistics.median(noise),
        "bare": statistics.median(values[BARE]), "traced": statistics.median(values[mode]), "more": more, "rounds": len(pairs),
    }  # fmt: skip
    return found | _target(load, what, mode, found)


def _target(load: Load, what: str, mode: str, found: Row) -> Row:
    """Return the target, and whether it was met. Targets are of instructions: CPU time is judged where those are not counted."""
    limit = load.limits.get(mode)
    if what == CPU and load.limit_ms:
        return {
            "target": f"+{load.limit_ms:g} ms",
            "verdict": _verdict(float(str(found["more"])) <= load.limit_ms / 1000),
            "judged": True,
        }
    if limit is None:
        return {"target": "", "verdict": "", "judged": False}
    judged = what == (INSTR if load.counted[1] and counter() else CPU)
    return {"target": f"{limit:.2f}", "verdict": _verdict(float(str(found["ratio"])) <= limit), "judged": judged}


def _verdict(met: bool) -> str:
    return "met" if met else "MISSED"


def _quartiles(values: list[float]) -> tuple[float, float, float]:
    if len(values) < 2:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def skipped(load: Load, what: str, why: str) -> Row:
    """Return a line that says why there is no figure."""
    return {"load": load.name, "what": what, "recorder": "", "skipped": why}


def line(found: Row) -> str:
    """Return a row as it is printed; a target in parentheses is one of instructions, beside another measure."""
    if "skipped" in found:
        return f"{found['load']:<11}{found['what']:<7}{found['skipped']}"
    said = f"{found['target']} {found['verdict']}".strip()
    quartiles = f"{found['low']:.3f}-{found['high']:.3f}"
    return (
        f"{found['load']:<11}{found['what']:<7}{found['recorder']:<9}{found['ratio']:7.3f}  {quartiles:<13}{found['noise']:6.3f}"
        f" {found['bare']:>9.4g} {_more(found):>10} {found['rounds']:>3}  {said if found['judged'] or not said else f'({said})'}"
    ).rstrip()


def _more(found: Row) -> str:
    """Return what each item costs more."""
    more = float(str(found["more"]))
    if found["what"] == INSTR:
        return f"{more / 1000:+.1f}k"
    return f"{more * 1e3:+.2f} ms" if abs(more) >= 1e-4 else f"{more * 1e6:+.2f} us"


HEADING = (
    f"{'load':<11}{'what':<7}{'recorder':<9}{'ratio':>7}  {'quartiles':<13}{'A/A':>6} {'bare':>9} {'more/item':>10}   n  target"
)


def machine(pythons: list[str]) -> Row:
    """Return where and with what the figures were taken."""
    model = next((text.split(":")[1].strip() for text in _lines("/proc/cpuinfo") if text.startswith("model name")), "")
    return {
        "commit": _git("rev-parse", "--short=10", "HEAD"), "changed": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "at": time.strftime("%Y-%m-%dT%H:%M:%S"), "cpu": model or platform.machine(), "cores": os.cpu_count(),
        "kernel": platform.release(), "python": "; ".join(map(_version, pythons)), "counter": counter() or "none",
        "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip


def _version(python: str) -> str:
    return subprocess.run([python, "-VV"], capture_output=True, text=True, check=False).stdout.strip()


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def _git(*words: str) -> str:
    return subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False).stdout.strip()


def save(about: Row, rows: list[Row], path: str = "") -> str:
    """Write the figures to a file and return its path; what was written before is whole until the new ones are."""
    FOLDER.mkdir(exist_ok=True)
    name = f"{about['at']}-{about['commit']}{'-changed' if about['changed'] else ''}.json".replace(":", "")
    file = Path(path) if path else FOLDER / name
    part = file.with_name(file.name + ".part")
    part.write_text(json.dumps({**about, "rows": rows}, indent=1) + "\n")
    part.replace(file)
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
