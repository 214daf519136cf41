"""How each process ended, and who caused it: from the observer, the parent that reaped it, and itself."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from signal import Signals

from mptrace.collect.sources import is_ours
from mptrace.model.building.workshop import Workshop
from mptrace.model.event import Event
from mptrace.model.process import Exit, Process
from mptrace.model.site import Site
from mptrace.wire import layout
from mptrace.wire.event import Kind
from mptrace.wire.events import agents, observations, processes

UNKNOWN_STATUS = -1000
GRACE_NS = 1_000_000_000
"""A process whose exit handlers ran so long ago, and which the observer still sees, has not ended."""

SELF_MADE = frozenset(
    getattr(Signals, name)
    for name in [
        "SIGSEGV",
        "SIGBUS",
        "SIGFPE",
        "SIGILL",
        "SIGABRT",
        "SIGSYS",
        "SIGTRAP",
        "SIGPIPE",
        "SIGXFSZ",
        "SIGXCPU",
        "SIGALRM",
        "SIGVTALRM",
        "SIGPROF",
    ]
)
"""Signals that a process brings upon itself, unless somebody is known to have sent them."""


def build_exits(shop: Workshop) -> None:
    """Fill in `exit`, `ended_ns`, `orderly` and the last words of every process."""
    reaped, signalled = _by_child(shop, processes.REAPED), _by_child(shop, processes.SIGNALLED)
    for process in shop.run.processes:
        _take_last_words(shop, process)
        process.orderly = _is_orderly(shop, process)
        if process.became is not None:
            process.ended_ns = process.became.started_ns
            process.exit = Exit(call="exec", at_ns=process.ended_ns, seen_by="itself")
            continue
        process.exit = _exit(shop, process, reaped[process])
        if process.exit is not None:
            process.exit = _with_cause(shop, process, process.exit, signalled[process])
            process.ended_ns = process.exit.at_ns
            _take_words_at_termination(shop, process)


def _by_child(shop: Workshop, kind: Kind) -> dict[Process, list[Event]]:
    found: dict[Process, list[Event]] = defaultdict(list)
    for event in shop.run.of(kind):
        child = shop.process_at(event.number("child"), event.at_ns)
        if child is not None:
            found[child].append(event)
    return found


def _is_orderly(shop: Workshop, process: Process) -> bool:
    return _is_over(shop, process) or _last_return(shop, process) is not None


def _is_over(shop: Workshop, process: Process) -> bool:
    head = shop.head(process)
    return bool(head and head.ended_ns)


def _last_return(shop: Workshop, process: Process) -> Event | None:
    """Return the event of its Process's return, if nothing can hang behind it: from Python 3.13 its exit handlers do."""
    for event in reversed(shop.told(process, processes.RETURNED, processes.EXITING)):
        if event.kind is processes.RETURNED:
            return event
        if event.kind is processes.EXITING and not _is_over(shop, process):
            return None
    return None


def _exit(shop: Workshop, process: Process, reaped: list[Event]) -> Exit | None:
    """Return what is known from the best witness: the observer, the parent, the process itself."""
    exited = shop.lives[process].exited
    believed = [event for event in reaped if event.at_ns >= process.started_ns and not _is_made_up(shop, process, event)]
    noticed = [event.at_ns for event in (*believed[:1], exited) if event is not None]  # a busy observer is late
    if exited is not None and exited.fields["status"] != UNKNOWN_STATUS:
        return _of_status(int(exited.fields["status"]), min(noticed), "observer")
    if believed:
        return _of_status(believed[0].number("code"), min(noticed), "parent")
    own = _own_exit(shop, process)
    if exited is not None:
        return replace(own, at_ns=exited.at_ns) if own else Exit(at_ns=exited.at_ns, seen_by="observer")
    return own if own and not _still_seen(shop, process, own.at_ns or 0) else None


def _is_made_up(shop: Workshop, process: Process, reaped: Event) -> bool:
    """Is it the 255 that a parent gets of every child whose forkserver is gone (CPython: popen_forkserver.py, Popen.poll)?"""
    server = process.forked_from if process.start_method == "forkserver" else None
    ended = shop.lives[server].exited if server else None
    return ended is not None and ended.at_ns <= reaped.at_ns and reaped.number("code") == 255


def _of_status(status: int, at_ns: int, seen_by: str) -> Exit:
    if status < 0:
        return Exit(signal=-status, at_ns=at_ns, seen_by=seen_by)
    return Exit(code=status, at_ns=at_ns, seen_by=seen_by)


def _own_exit(shop: Workshop, process: Process) -> Exit | None:
    for event in reversed(shop.told(process, processes.HARD_EXIT, processes.RETURNED)):
        if event.kind is processes.HARD_EXIT or (event.kind is processes.RETURNED and event is _last_return(shop, process)):
            return Exit(code=event.number("code"), at_ns=event.at_ns, seen_by="itself")
    head = shop.head(process)
    return Exit(at_ns=head.ended_ns, seen_by="itself") if head and head.ended_ns else None


def _still_seen(shop: Workshop, process: Process, at_ns: int) -> bool:
    """Was the observer there for a while after that, and did not see it end?"""
    log = shop.recording.observer
    return shop.lives[process].seen is not None and log is not None and (log.last_ns or 0) > at_ns + GRACE_NS


def _with_cause(shop: Workshop, process: Process, found: Exit, signalled: list[Event]) -> Exit:
    if found.signal is None:
        return _with_own_cause(shop, process, found)
    for event in reversed(signalled):
        if event.number("signal") == found.signal and event.at_ns <= (found.at_ns or event.at_ns):
            sender = event.process.name if event.process and event.process is not process else ""
            return replace(found, by=sender, by_site=event.site, call=event.text("call"), at_ns=_since(found, event))
    if found.signal in SELF_MADE or _may_be_unseen(shop, found):
        return found
    return replace(found, by=_outsider(shop, found))


def _since(found: Exit, sent: Event) -> int | None:
    """SIGKILL ends a process when it is sent; a busy observer notices later."""
    return min(sent.at_ns, found.at_ns or sent.at_ns) if found.signal == Signals.SIGKILL else found.at_ns


def _may_be_unseen(shop: Workshop, found: Exit) -> bool:
    """Could a process of the job, this one too, have sent the signal without our knowing: not recorded, or with its probe off?"""
    off = {event.text("probe") for event in shop.run.of(agents.PROBE_OFF)}
    untold = (process for process in shop.run.processes if not process.traced and not process.role.is_service)
    return bool(off & {"program", "process", "exits"}) or any(_lived_at(shop, process, found.at_ns or 0) for process in untold)


def _lived_at(shop: Workshop, process: Process, at_ns: int) -> bool:
    """Had it begun, and not ended before? (One that ends at that instant may have sent the signal to itself.)"""
    exited = shop.lives[process].exited
    return process.started_ns <= at_ns and (exited is None or exited.at_ns >= at_ns)


def _outsider(shop: Workshop, found: Exit) -> str:
    """Who sent a signal that no process of the job is known to have sent: the launcher on request, or somebody outside."""
    ended_by = shop.run.meta.ended_by
    if shop.run.meta.attached:  # signals were not watched: it may have been its parent
        return ""
    told = [record.at_ns for record in shop.observed(observations.TOLD)]
    by_us = "--on-hang" in ended_by and told and (found.at_ns or 0) >= told[0]
    return ended_by if by_us else "outside"


def _with_own_cause(shop: Workshop, process: Process, found: Exit) -> Exit:
    for event in reversed(shop.told(process, processes.HARD_EXIT, processes.SYSTEM_EXIT)):
        if event.kind is processes.HARD_EXIT and event.number("code") & 0xFF == found.code:
            return replace(found, by_site=event.site, call="os._exit")
        if event.kind is processes.SYSTEM_EXIT and event.number("code") & 0xFF == found.code:
            return replace(found, by_site=event.site, call="sys.exit")
    return found


_FRAME = re.compile(r'^  File "(?P<file>.*)", line (?P<line>\d+) in (?P<function>.*)$')


def _take_last_words(shop: Workshop, process: Process) -> None:
    life = shop.lives[process]
    words = life.file.last_words if life.file else []
    mark = layout.FAULT_MARK.decode()
    first = next((number for number, line in enumerate(words) if line.startswith(mark)), None)
    if first is None:
        return
    process.last_words = _without_ours(words[first:])
    process.fatal_error = words[first].removeprefix(mark).strip(": ")
    process.fatal_stack = tuple(_frames(process.last_words))


def _take_words_at_termination(shop: Workshop, process: Process) -> None:
    """A child of multiprocessing's says where it was when SIGTERM ended it; there is no error to name then."""
    life = shop.lives[process]
    words = life.file.last_words if life.file and process.exit and process.exit.signal == Signals.SIGTERM else []
    begin = max((number for number, line in enumerate(words) if line.startswith("Stack")), default=None)
    if begin is not None and not process.last_words:  # the last is its own: a child of it may have been ended just after its fork
        process.last_words = _without_ours(words[begin:])
        process.fatal_stack = tuple(_frames(words[begin:]))


def _without_ours(words: list[str]) -> list[str]:
    matches = ((line, _FRAME.match(line)) for line in words)
    return [line for line, match in matches if match is None or not is_ours(match["file"])]


def _frames(words: list[str]) -> Iterable[Site]:
    """Yield the frames of the thread that died, innermost first."""
    inside = False
    for line in words:
        if line.startswith(("Current thread", "Stack (most recent call first)")):
            inside = True
        elif inside and (match := _FRAME.match(line)):
            if not is_ours(match["file"]):
                yield Site(match["file"], int(match["line"]), match["function"])
            if match["function"] == "_bootstrap" and match["file"].endswith("multiprocessing/process.py"):
                return  # what stands below, a forked child has from its parent
        elif inside and not line.startswith("  "):
            return
