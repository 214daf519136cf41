"""What was lost, switched off or not seen, counted from the headers, the logs and the reading itself."""

from __future__ import annotations

from mptrace.collect.recording import Head
from mptrace.model.building.workshop import Workshop
from mptrace.model.completeness import Completeness
from mptrace.wire import layout
from mptrace.wire.events import agents, observations

ENDING_NS = 500_000_000
"""What could not be looked at so shortly before its end was about to end."""

_COUNTERS = {
    "records": layout.H_LOST_LOG,
    "threads": layout.H_LOST_THREADS,
    "locks": layout.H_LOST_LOCKS,
    "connections": layout.H_LOST_TALLIES,
    "tasks": layout.H_LOST_DOING,
}


def build_completeness(shop: Workshop) -> Completeness:
    """Return what is missing from the recording."""
    recording, complete = shop.recording, Completeness()
    complete.observed = recording.observer is not None
    complete.ended_watch = bool(shop.observed(observations.ENDED)) or shop.run.meta.end_ns is not None
    complete.lost.damaged_files = list(recording.damage)
    for process, life in shop.lives.items():
        if life.file is None:
            continue
        _count(complete, process.lost, life.file.head)
        complete.lost.torn += life.file.log.torn
        complete.lost.records += life.file.log.unknown
        at_once = process.ended_ns is not None and process.ended_ns - life.file.opened_ns < ENDING_NS
        if life.file.begun or not at_once:  # else it was ended while it made its file: there was nothing yet
            complete.lost.damaged_files += life.file.damage
    for moment in recording.moments:
        complete.lost.damaged_files += moment.damage
    lost = recording.meta.get("lost")
    if isinstance(lost, int) and lost > 0:
        complete.notes.append(f"{lost} observations from outside could not be written: there was no room left for them")
    _take_events(shop, complete)
    _take_not_seen(shop, complete)
    return complete


def _take_not_seen(shop: Workshop, complete: Completeness) -> None:
    for event in shop.run.of(observations.NOT_SEEN):
        about = shop.run.process(event.number("pid"), event.at_ns)
        if about is not None and about.ended_ns is not None and about.ended_ns < event.at_ns + ENDING_NS:
            continue  # it ended while it was looked at
        why = event.text("why").strip().splitlines()
        complete.not_seen.append((about.name if about else "the job", event.text("what"), why[0] if why else ""))
    complete.notes += complete.not_seen_notes


def _count(complete: Completeness, own: dict[str, int], head: Head | None) -> None:
    for what, word in _COUNTERS.items():
        count = head.header[word] if head else 0
        if count:
            own[what] = count
            if what != "tasks":
                setattr(complete.lost, what, getattr(complete.lost, what) + count)


def _take_events(shop: Workshop, complete: Completeness) -> None:
    for event in shop.run.of(agents.PROBE_OFF, agents.NOTE, agents.LOST):
        who = event.process.name if event.process else "the observer"
        if event.kind is agents.PROBE_OFF:
            said = f"{event.text('probe')}: {event.text('error')}"
            complete.lost.probes_off.append((who, said))
            if event.process is not None:
                event.process.probes_off.append(said)
        elif event.kind is agents.LOST:
            complete.lost.records += event.number("count")
        else:
            complete.notes.append(f"{who}: {event.text('says')}")
