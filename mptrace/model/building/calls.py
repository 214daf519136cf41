"""Which call of a pool both handed in the work and waits for it: ``pool.map()``, where the wait itself is in a result's get()."""

from __future__ import annotations

from mptrace.model.moment import Wait
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.model.site import Site
from mptrace.wire.event import unsigned
from mptrace.wire.events import tasks
from mptrace.wire.wait import RESULT

BLOCKING = frozenset(("map", "starmap", "apply", "imap", "imap_unordered"))
"""Methods of a Pool whose line is also the line that waits; apply_async(...).get() on one line waits in get()."""


def build_calls(run: Run) -> None:
    """Give the waits for results the method that the program called, where the job was handed in on the very line that waits."""
    waits = [wait.call for moment in run.moments for wait in moment.waits if wait.call.kind == RESULT]
    if not waits:
        return
    asked = {
        (unsigned(event.number("pool")), event.number("job")): (event.site, event.text("call"))
        for event in run.of(tasks.SUBMITTED)
    }
    for wait in waits:
        wait.method = _method(wait, asked)


def _method(wait: Wait, asked: dict[tuple[int, int], tuple[Site | None, str]]) -> str:
    if not isinstance(wait.target, Resource):
        return ""
    site, call = asked.get((wait.target.key, wait.detail), (None, ""))
    name = call.rpartition(".")[2]
    return name if name in BLOCKING and site is not None and site == wait.site else ""
