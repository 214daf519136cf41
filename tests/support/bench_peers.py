"""Other tools on the loads of `bench`, beside ours: CPU and wall time as ratios to the bare program, the tool's own part included.

Sizes are those of ``bench --quick``; `start-up` shows what a tool costs whatever the program does.

``python -m tests.support.bench_peers [--python PATH] [--within SECONDS] [LOAD ...]``; a tool that is not installed is a line.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.bench_loads import NAMES, Load, chosen, missing
from tests.support.bench_measure import BARE, Failed, seconds
from tests.support.bench_table import machine

ROUNDS = 3
DEFAULT = ("start-up", "queue", "pipe", "pool", "pool_1ms", "executor", "with_lock", "spawn", "fork", "forest", "suite")

Command = Callable[[str, str, list[str]], list[str]]
"""Of (folder for its files, Python, words behind it) a command line."""

TOOLS: dict[str, Command] = {
    "bare": lambda _, python, words: [python, *words],
    "mptrace": lambda at, python, words: [sys.executable, "-m", "mptrace", "run", "--output", f"{at}/run", "--", python, *words],
    "viztracer": lambda at, python, words: [python, "-m", "viztracer", "--quiet", "-o", f"{at}/trace.json", "--", *words],
    "memray": lambda at, python, words: [python, "-m", "memray", "run", "-q", "--follow-fork", "-o", f"{at}/memory", *words],
    "coverage": lambda at, python, words: [python, "-m", "coverage", "run", f"--rcfile={_coverage_file(at)}", *words],
    "strace": lambda at, python, words: ["strace", "-f", "-qq", "-e", "trace=process,signal", "-o", f"{at}/calls", python, *words],
}  # fmt: skip


def _coverage_file(folder: str) -> str:
    """Return the path of settings: those for several processes may not stand on its command line."""
    path = f"{folder}/settings"
    Path(path).write_text(f"[run]\nconcurrency = multiprocessing\nparallel = true\ndata_file = {folder}/covered\n")
    return path


def absent(tool: str, python: str) -> str:
    """Say why a tool cannot be run, "" if it can."""
    if tool in ("bare", "mptrace"):
        return ""
    if tool == "strace":
        return "" if shutil.which(tool) else "strace is not installed"
    return missing(python, (tool,)) and f"this Python has no {tool}"


def measure(load: Load, tool: str, python: str, limit_s: float) -> tuple[float, float]:
    """Return (CPU, wall) seconds of one run under a tool."""
    _, *words = load.argv(python, load.quick)
    with tempfile.TemporaryDirectory(prefix="mptrace-peers-") as folder:
        return seconds(TOOLS[tool](folder, python, words), BARE, limit_s)


def compare(load: Load, python: str, tools: list[str], until: float) -> list[str]:
    """Return a line for each tool; the rounds of all are interleaved, and a tool that fails once is out."""
    values: dict[str, list[tuple[float, float]]] = {tool: [] for tool in tools}
    failed: dict[str, str] = {}
    for number in range(ROUNDS):
        for tool in tools:
            if tool in failed or (number and time.monotonic() > until):
                continue
            try:
                values[tool].append(measure(load, tool, python, 120))
            except Failed as trouble:
                failed[tool] = str(trouble)
    if not values["bare"]:
        return [f"{load.name:<12}failed: {failed['bare']}"]
    return [_line(load, tool, values, failed) for tool in tools]


def _line(load: Load, tool: str, values: dict[str, list[tuple[float, float]]], failed: dict[str, str]) -> str:
    if tool in failed:
        return f"{load.name:<12}{tool:<10}failed: {failed[tool]}"
    bare, own = ([statistics.median(column) for column in zip(*values[name], strict=True)] for name in ("bare", tool))
    return f"{load.name:<12}{tool:<10}{own[0] / bare[0]:8.2f}{own[1] / bare[1]:8.2f}   {own[0]:8.2f} {own[1]:8.2f}"


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description="other tools on the same loads")
    parser.add_argument("loads", nargs="*", metavar="LOAD", help=", ".join(NAMES))
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--within", type=float, default=1200, metavar="SECONDS")
    options = parser.parse_args()
    print(*(f"{name}: {value}" for name, value in machine([options.python]).items()), sep="\n")
    lacking = {tool: absent(tool, options.python) for tool in TOOLS}
    print(*(f"{tool}: skipped: {why}" for tool, why in lacking.items() if why), sep="\n")
    print(f"{'load':<12}{'tool':<10}{'CPU x':>8}{'wall x':>8}   {'CPU s':>8} {'wall s':>8}")
    tools, until = [tool for tool, why in lacking.items() if not why], time.monotonic() + options.within
    loads = chosen(options.loads or list(DEFAULT))
    for place, load in enumerate(loads):
        lacks = missing(options.python, load.needs) if load.needs else ""
        late = "the time was up" if time.monotonic() > until else lacks and f"this Python has no {lacks}"
        share = time.monotonic() + (until - time.monotonic()) / (len(loads) - place)
        lines = [f"{load.name:<12}skipped: {late}"] if late else compare(load, options.python, tools, share)
        print(*lines, sep="\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
