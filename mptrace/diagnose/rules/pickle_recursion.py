"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.finding import Finding
from mptrace.diagnose.folding import ANY_WAIT
from mptrace.diagnose.pickling import dumped, path_of
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import shortened
from mptrace.model.event import Event
from mptrace.model.run import Run
from mptrace.wire.events import failures

TOO_DEEP = ("RecursionError", "MemoryError")


@rule(
    needs=("reduction", "queues"),
    explains=(ANY_WAIT, "uncaught-exception", "start-failed", "unpicklable-queue-item", "helper-thread-died", "executor-broken"),
)
def pickle_recursion(run: Run) -> Iterator[Finding]:
    """Something that was to be sent is too deep, or too large, to be pickled.

    Why it fails:
        Pickling goes down a level of Python's stack for each object inside another. A linked list, a tree that degenerated, or
        objects that refer to their neighbours run out of it (sys.getrecursionlimit()) however small each of them is.

    How we know:
        Pickling failed with a RecursionError, or a MemoryError, in that call; the step that repeats on the way down was found
        by walking down what was sent.

    What to do:
        Send it flat: a list of the values and of the indexes of neighbours, or a __getstate__ that makes one.
    """
    for event in run.of(failures.PICKLE_FAILED, failures.ITEM_DROPPED):
        if event.text("error") in TOO_DEEP:
            yield _finding(run, event)


def _finding(run: Run, event: Event) -> Finding:
    step, error = event.text("offender") if event.text("path") else "", event.text("error")
    what = path_of(run, event) or shortened(event.text("root"), 40) or "what was sent"
    why = f"Pickling goes down a level for each {step or 'object inside another'}, until there is no stack left."
    return dumped(
        run,
        event,
        title=f"{shortened(what)} is too {'deep' if error == 'RecursionError' else 'large'} to be sent: {error}",
        why=why if error == "RecursionError" else "The pickle is made in memory as a whole, and there was no room for it.",
        fix=f"send the values as a flat list{f' instead of going from {step} to {step}' if step else ''}, at",
    )
