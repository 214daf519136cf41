"""Make a Run of a recording: processes and their ends, threads, resources, moments, and what is missing."""

from __future__ import annotations

from mptrace.collect import Recording
from mptrace.model.building.calls import build_calls
from mptrace.model.building.events import build_events, build_places
from mptrace.model.building.exits import build_exits
from mptrace.model.building.handlers import build_handlers
from mptrace.model.building.held import build_held
from mptrace.model.building.knowers import build_knowers
from mptrace.model.building.losses import build_completeness
from mptrace.model.building.meta import build_meta
from mptrace.model.building.moments import build_moments
from mptrace.model.building.past import build_past
from mptrace.model.building.processes import build_family, build_processes
from mptrace.model.building.resources import build_resources
from mptrace.model.building.threads import build_threads
from mptrace.model.building.workshop import Workshop
from mptrace.model.run import Run


def build_run(recording: Recording, *, ongoing: bool = False) -> Run:
    """Return what happened; nothing in a recording makes this fail. ``ongoing``: the job still runs, there is no end to tell of."""
    run = Run(build_meta(recording), sources=recording.sources)
    shop = Workshop(recording, run)
    build_processes(shop)
    build_places(shop)
    build_events(shop)
    build_family(shop)
    build_exits(shop)
    build_threads(shop)
    build_resources(shop)
    build_knowers(shop)
    build_past(shop)
    build_handlers(run)
    build_held(shop)
    build_moments(shop, ongoing=ongoing)
    build_calls(run)
    run.completeness = build_completeness(shop)
    _settle(run)
    return run


def _settle(run: Run) -> None:
    """Say what only the whole can tell: the job's start method, and its start if nobody noted it."""
    methods = [process.start_method for process in run.processes if process.start_method]
    run.meta.start_method = run.meta.start_method or (methods[0] if methods else "")
    if not run.meta.start_ns and run.processes:
        run.meta.start_ns = min(process.started_ns for process in run.processes)
    for process in run.processes:
        process.threads.sort(key=lambda thread: (thread.role != "main", thread.tid))
