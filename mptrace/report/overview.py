"""What a report says of the run as a whole: its first line, that nothing was found, the tree of its processes."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from mptrace.diagnose.deaths import is_expected
from mptrace.diagnose.wording import counted
from mptrace.report import times
from mptrace.report.clock import clock_for, end_of
from mptrace.report.explanation import culprits
from mptrace.report.page import STRONG, Page
from mptrace.report.tree import branches_of, tree_lines

if TYPE_CHECKING:
    from mptrace.diagnose.finding import Finding
    from mptrace.model.moment import Moment
    from mptrace.model.run import Run


def header(run: Run, page: Page) -> list[Text]:
    """Return ``train.py   spawn, Python 3.11.7, 7 processes, ended by Ctrl-C after 41.2 s, exit 130``."""
    meta = run.meta
    name = page.text(os.path.basename(meta.script or (meta.command or ("a job",))[0]))
    status = f"exit {meta.status}" if meta.status is not None else ""
    parts = [meta.start_method, _python(meta.python), counted(len(run.processes), "process", "processes"), _ending(run), status]
    lines = page.listed([part for part in parts if part], first=f"{name.plain}   ", rest="    ")
    lines[0].stylize(STRONG, 0, len(name))
    return lines


def nothing_found(run: Run) -> str:
    """Return the sentence of a report without findings."""
    if run.meta.attached:
        return _not_hung(run)
    failed = [process for process in run.processes if process.exit and process.exit.known and not is_expected(run, process)]
    if not failed:
        return "Nothing wrong was found."
    number = f"{len(failed)} of {counted(len(run.processes), 'process', 'processes')}" if len(run.processes) > 1 else "it"
    return f"Nothing wrong was found, though {number} did not end with status 0."


def _not_hung(run: Run) -> str:
    """Return what the processes of a job that was only looked at are doing, in numbers."""
    moment = next((moment for moment in reversed(run.moments) if not moment.final), None)
    looks = moment.looks.values() if moment else ()
    processes = [process for process in run.processes if process.alive and not process.role.is_service]
    busy = {look.thread.process for look in looks if look.state == "R" or look.still is False}
    running = sum(process in busy for process in processes)
    total = counted(len(processes), "process", "processes")
    if running:
        return f"not hung: {running} of {total} {'is' if running == 1 else 'are'} computing, {len(processes) - running} wait."
    return f"not hung, as far as can be seen: {total} wait, and something may still wake them."


def _python(says: str) -> str:
    found = re.search(r"\d+\.\d+(\.\w+)?", says)
    return f"Python {found.group()}" if found else ""


def _ending(run: Run) -> str:
    meta = run.meta
    took = times.duration(end_of(run) - meta.start_ns)
    if meta.attached:
        return f"seen from outside after {took}"
    if meta.end_ns is None:
        return f"recording stops after {took}"
    return f"ended by {meta.ended_by} after {took}" if meta.ended_by else f"ended after {took}"


def tree_block(run: Run, findings: Sequence[Finding], page: Page) -> list[Text]:
    """Return the process tree as it was when the first finding was seen, said so where that is not the end."""
    root = findings[0] if findings else None
    moment = moment_of(run, root)
    clock = clock_for(run, moment.number if moment else None)
    names = culprits(root) if root else []
    lines = tree_lines(branches_of(run, moment, apart=_named(root, names), whole=page.verbose), page, clock, blame=names)
    if moment is None or moment.final or run.meta.end_ns is None or not lines:
        return lines
    return [page.text(f"  At {page.clock(clock.wall_ns(moment.at_ns))}, {_ago(run, moment)}:"), *lines]


def _ago(run: Run, moment: Moment) -> str:
    return f"{times.duration(end_of(run) - moment.at_ns)} before the end"


def _named(finding: Finding | None, names: Sequence[str]) -> list[str]:
    return [name for name in names if finding is not None and name in finding.title]


def moment_of(run: Run, finding: Finding | None) -> Moment | None:
    """Return the moment that the tree shows: that of the first finding, else the last.

    Of a job that was ended while it hung, the final moment shows only that everybody was killed; the last look before it is shown.
    """
    looks = [moment for moment in run.moments if not moment.final]
    if finding is not None and finding.moment is not None:
        seen = next((moment for moment in run.moments if moment.number == finding.moment), None)
        if seen is not None and not seen.final:
            return seen
    elif not (run.meta.ended_by or run.meta.attached):
        looks = []
    return next(reversed(looks or [moment for moment in run.moments if moment.final]), None)
