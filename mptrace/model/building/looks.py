"""What the observer saw of each thread at each moment: two looks at its state, and its stack."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from mptrace.collect.records import Record
from mptrace.collect.sources import is_ours, is_program
from mptrace.model.building.workshop import Workshop
from mptrace.model.moment import Look
from mptrace.model.process import Process, Thread
from mptrace.model.site import Site
from mptrace.wire.event import INT, KINDS
from mptrace.wire.events import observations

RUNNING = "R"
_LOOKING = tuple(kind for kind in KINDS.values() if ("moment", INT) in kind.fields and kind is not observations.TOLD)


@dataclass(slots=True)
class Observed:
    """The observer's records of one moment."""

    at_ns: int | None = None
    why: str = ""
    threads: dict[tuple[int, int], list[Record]] = field(default_factory=lambda: defaultdict(list))
    frames: dict[tuple[int, int], dict[int, Record]] = field(default_factory=lambda: defaultdict(dict))
    others: list[Record] = field(default_factory=list)
    """PIPE_END, SEMAPHORE."""


def by_moment(shop: Workshop) -> dict[int, Observed]:
    """Sort what the observer saw into its moments."""
    found: dict[int, Observed] = defaultdict(Observed)
    for record in shop.observed(*_LOOKING):
        moment = found[_int(record, "moment")]
        if record.kind is observations.MOMENT:
            moment.at_ns, moment.why = record.at_ns, str(record.fields["why"])
        elif record.kind is observations.THREAD:
            moment.threads[_int(record, "pid"), _int(record, "thread")].append(record)
        elif record.kind is observations.FRAME:
            moment.frames[_int(record, "pid"), _int(record, "thread")][_int(record, "depth")] = record
        else:
            moment.others.append(record)
    return found


def _int(record: Record, name: str) -> int:
    value = record.fields[name]
    return value if isinstance(value, int) else 0


def build_looks(shop: Workshop, observed: Observed, processes: list[Process]) -> dict[Thread, Look]:
    """Return what was seen of the threads of these processes."""
    by_pid = {process.pid: process for process in processes}
    looks: dict[Thread, Look] = {}
    for (pid, tid), records in observed.threads.items():
        if pid in by_pid:
            thread = shop.thread(by_pid[pid], tid, outside=True)
            looks[thread] = _look(thread, records)
    for (pid, tid), frames in observed.frames.items():
        if pid in by_pid:
            whose = shop.thread_of_stack(by_pid[pid], tid, str(frames[min(frames)].fields["thread_name"]))
            if whose is None:
                continue
            look = looks.setdefault(whose, Look(whose))
            _take_frames(look, [frames[depth] for depth in sorted(frames)])
    return looks


def _look(thread: Thread, records: list[Record]) -> Look:
    last = records[-1]
    look = Look(thread, str(last.fields["state"]), None, str(last.fields["syscall"]), str(last.fields["wchan"]))
    if len(records) > 1:
        look.still = _stood_still(records)
    return look


def _stood_still(records: list[Record]) -> bool:
    """No context switch and no CPU time between the looks, and running in none of them."""
    marks = {(record.fields["switches"], record.fields["cpu_ticks"]) for record in records}
    return len(marks) == 1 and _int(records[0], "switches") >= 0 and all(record.fields["state"] != RUNNING for record in records)


def _take_frames(look: Look, frames: list[Record]) -> None:
    sites = (Site(str(frame.fields["file"]), _int(frame, "line"), str(frame.fields["function"])) for frame in frames)
    look.stack = tuple(site for site in sites if not is_ours(site.file))
    innermost = next((frame for frame in frames if is_program(str(frame.fields["file"]))), None)
    if innermost is not None:
        look.locals = _locals(str(innermost.fields["locals"]))


def _locals(text: str) -> dict[str, str]:
    """Read a frame's locals: a line each, ``name=value``."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}
