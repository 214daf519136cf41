"""The exceptions of a run, wherever they were recorded, and whether the program lived on with one."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.finding import Severity
from mptrace.diagnose.wording import shortened
from mptrace.model.event import Event
from mptrace.model.run import Run
from mptrace.wire.events import failures, processes, tasks, threads

KINDS = (
    failures.UNCAUGHT, failures.PICKLE_FAILED, failures.UNPICKLE_FAILED, failures.ITEM_DROPPED, processes.START_FAILED,
    tasks.FAILED, tasks.INITIALIZER_FAILED, threads.DIED,
)  # fmt: skip
"""Events that tell of an exception: each has the fields ``error`` and ``message``."""

ENDINGS = (failures.UNCAUGHT, threads.DIED)
"""Those of them that nobody caught."""


def errors(run: Run, *said: str) -> Iterator[Event]:
    """Yield the exceptions, by time; with texts, only those whose message holds one of them."""
    for event in run.of(*KINDS):
        if event.process is not None and (not said or any(text in event.text("message") for text in said)):
            yield event


def error_text(event: Event) -> str:
    """Return the exception as Python prints it, cut short."""
    return shortened(f"{event.text('error')}: {event.text('message')}".rstrip(": "), 90)


def loudness(run: Run, event: Event) -> Severity | None:
    """Return hint for an error that the program caught and outlived well, else None: the rule's own severity."""
    process, main = event.process, run.main
    ended = [other for other in run.of(*ENDINGS) if other.process is process and other.at_ns >= event.at_ns]
    well = all(p is None or (p.exit is not None and p.exit.clean) for p in (process, main))
    return Severity.HINT if not ended and well else None
