"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.finding import Finding
from mptrace.diagnose.pickling import dumped, is_for, offender, resource_of, what_it_is
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import last_waits
from mptrace.diagnose.wording import call_of, counted, shortened, who
from mptrace.model.event import Event
from mptrace.model.run import Run
from mptrace.wire.events import failures


@rule(needs=("queues",), explains=("queue-get-no-producer", "queue-join-unfinished", "stalled", "all-asleep"))
def unpicklable_queue_item(run: Run) -> Iterator[Finding]:
    """put() returned, and the item was dropped afterwards, since it cannot be pickled.

    Why it fails:
        Queue.put() hands the item to a thread of the process, and returns. That thread pickles it; if that fails, it prints a
        traceback and goes on with the next item. Whoever waits for this one waits for ever.

    How we know:
        The thread reported the item and the exception.

    What to do:
        Put plain data on the queue. To see the error where it belongs, call pickle.dumps(item) before put() while testing.
    """
    told: dict[tuple[object, ...], list[Event]] = {}
    for event in run.of(failures.ITEM_DROPPED):
        told.setdefault((event.process, event.number("key"), event.site, event.text("error")), []).append(event)
    for events in told.values():
        yield _finding(run, events)


def _finding(run: Run, events: list[Event]) -> Finding:
    event, queue = events[0], resource_of(run, events[0])
    waits, _ = last_waits(run, is_for(queue))
    label = queue.label if queue else "a queue"
    root = shortened(event.text("root"), 40)
    item = f"{counted(len(events), 'item')}" if len(events) > 1 else root or "an item"
    awaited = f"; {who(waits[0].thread)} waits in {call_of(waits[0])}" if waits else ""
    finding = dumped(
        run,
        event,
        title=f"{who(event.process)} put {item} on {label} that was dropped: {offender(run, event)}{what_it_is(event)} cannot be pickled",
        why=f"put() had returned; the queue's thread failed later, and the item is gone{awaited}.",
        fix=f"put plain data on {label}, without {offender(run, event) if event.text('path') else 'what cannot be pickled'}, at",
    )
    finding.lowered = None
    return finding
