"""A finding as prose: the whole chain in lines that stand alone, for JSON and for pasting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mptrace.report.alike import like_steps
from mptrace.report.clock import Clock, clock_for
from mptrace.report.names import actor_name, process_of
from mptrace.report.page import Page

if TYPE_CHECKING:
    from mptrace.diagnose.finding import Finding, Step
    from mptrace.model.process import Process, Thread
    from mptrace.model.resource import Resource
    from mptrace.model.run import Run
    from mptrace.model.site import Site


def chain_lines(run: Run, finding: Finding) -> list[str]:
    """Return what happened, why it stays so and what follows, a line each; places relative to the run's working directory."""
    page = Page(cwd=run.meta.cwd)
    clock = clock_for(run, finding.moment)
    return [
        *(_step(step, page, run) for step in finding.steps),
        *_made(finding, page),
        *filter(None, finding.why.splitlines()),
        *(_at(f"Also: {like.says(clock)}", like.site, page) for like in like_steps(finding.also)),
        *(f"It explains {child.rule}: {child.title}" for child in finding.children),
    ]


def fix_words(run: Run, finding: Finding) -> str:
    """Return the fix with its place in it."""
    if finding.fix_at is None or not finding.fix:
        return finding.fix
    place = Page(cwd=run.meta.cwd).place(finding.fix_at)
    return f"{finding.fix} {place}" if finding.fix.endswith((" at", " in", ":")) else f"{finding.fix} ({place})"


def _step(step: Step, page: Page, run: Run) -> str:
    who = f"{actor_name(step.who)}{_pid(step.who)} " if step.who else ""
    when = f", {_after(step.at_ns, Clock(run.meta, 0))} s after the start" if step.at_ns is not None else ""
    return _at(f"{who}{step.says}", step.site, page) + when


def _pid(who: Process | Thread) -> str:
    """Return `` (pid 4121)``; nothing for a process of which attach knows only that it is gone."""
    pid = process_of(who).pid
    return f" (pid {pid})" if pid else ""


def _after(at_ns: int, clock: Clock) -> str:
    return f"{(at_ns - clock.meta.start_ns) / 1e9:.1f}"


def _made(finding: Finding, page: Page) -> Iterator[str]:
    for resource in dict.fromkeys(resource.outermost for resource in finding.resources):
        if resource.created_at is not None:
            yield f"{_called(resource)} was made at {page.place(resource.created_at)}"


def _called(resource: Resource) -> str:
    return f"{resource.name} ({resource.kind})" if resource.name and resource.kind else resource.label


def _at(says: str, site: Site | None, page: Page) -> str:
    return f"{says} at {page.place(site)}" if site else says
