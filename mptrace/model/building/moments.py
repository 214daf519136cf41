"""The moments of a Run: each hang that was looked at, and the final one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from signal import Signals

from mptrace.collect.recording import Head, MomentFiles
from mptrace.collect.records import Record
from mptrace.collect.sources import is_program
from mptrace.model.building.looks import Observed, build_looks, by_moment
from mptrace.model.building.thread_locks import take_holder, take_native, take_spinning, take_wait
from mptrace.model.building.unrecorded import add_unrecorded_waits
from mptrace.model.building.waits import moving_threads, read_doings, read_holds, read_releases_by_strangers, read_waits
from mptrace.model.building.workshop import Workshop
from mptrace.model.moment import Hold, Moment, Wait
from mptrace.model.process import Process
from mptrace.model.resource import Resource
from mptrace.model.site import Site
from mptrace.wire import resource as family_of
from mptrace.wire.event import Kind, unsigned
from mptrace.wire.events import observations
from mptrace.wire.wait import EXIT, SEND

ENDINGS = (Signals.SIGKILL, Signals.SIGTERM, Signals.SIGINT, Signals.SIGHUP, Signals.SIGQUIT)
"""Signals that end a job from outside."""

TOGETHER_NS = 2_000_000_000
"""Processes that were killed so shortly before the last one belong to the same end."""


def build_moments(shop: Workshop, *, ongoing: bool = False) -> None:
    """Make the moments by number, the final one last; of a job that goes on there is none."""
    observed = by_moment(shop)
    files = {moment.number: moment for moment in shop.recording.moments}
    for number in sorted(observed.keys() | files.keys()):
        if number > 0:
            shop.run.moments.append(_moment(shop, number, files.get(number), observed.get(number, Observed())))
    final = None if ongoing or shop.run.meta.attached else _final(shop)
    if final is not None:
        if shop.run.moments:  # what a handler might do was last looked at then
            final.caught = dict(shop.run.moments[-1].caught)
        shop.run.moments.append(final)


def _moment(shop: Workshop, number: int, files: MomentFiles | None, observed: Observed) -> Moment:
    heads = {shop.by_file[key]: head for key, head in (files.heads if files else {}).items() if key in shop.by_file}
    at_ns = observed.at_ns or _newest(heads.values())
    moment = Moment(number, at_ns, processes=[process for process in shop.run.processes if process.alive_at(at_ns)])
    _fill(shop, moment, heads)
    moment.looks = build_looks(shop, observed, moment.processes)
    moment.waits = [wait for wait in moment.waits if wait.kind != EXIT or _joins_threads(wait, moment)]
    for wait in moment.waits:
        _complete(wait, moment)
    _take_ends(shop, moment, observed.others)
    add_unrecorded_waits(shop, moment)
    return moment


def _newest(heads: object) -> int:
    """Return the latest time that these boards tell, for a moment whose own time was not recorded."""
    times = [
        slot.since_ns
        for head in heads  # type: ignore[attr-defined]
        for entry in head.entries
        for slot in (entry.wait, entry.intent)
        if slot
    ]
    return max(times, default=0)


def _fill(shop: Workshop, moment: Moment, heads: dict[Process, Head]) -> None:
    """Read waits of the living, and holds and tasks of all that had begun by then."""
    holds: list[Hold] = []
    given_away: dict[Resource, int] = {}
    living = set(moment.processes)
    for process in shop.run.processes:
        head = heads.get(process) or (shop.head(process) if process.ended_ns is not None else None)
        if head is None or process.started_ns > moment.at_ns:
            continue
        holds += read_holds(shop, process, head)
        for lock, at_ns in read_releases_by_strangers(shop, process, head):
            given_away[lock] = max(at_ns, given_away.get(lock, 0))
        if process in living:
            moment.waits += read_waits(shop, process, head, moment.at_ns)
            moment.running.update(moving_threads(shop, process, head))
            moment.doings += read_doings(shop, process, head)
        elif not process.orderly:
            moment.doings += read_doings(shop, process, head)
            moment.cut_off += [wait for wait in read_waits(shop, process, head, moment.at_ns) if wait.kind == SEND]
    moment.holds = list(_believable([hold for hold in holds if not _was_given_away(hold, given_away)], living))


def _was_given_away(hold: Hold, given_away: dict[Resource, int]) -> bool:
    """Did another process release this lock after it was taken here? Its holder cannot see that."""
    at_ns = given_away.get(hold.resource)
    return at_ns is not None and (hold.since_ns or 0) < at_ns


def _believable(holds: list[Hold], living: set[Process]) -> Iterator[Hold]:
    """Drop what a dead process seems to hold if a living one holds it: somebody had released it, or it was a copy."""
    taken = {hold.resource for hold in holds if hold.thread.process in living}
    for hold in holds:
        if hold.thread.process in living or hold.resource not in taken:
            yield hold


def _complete(wait: Wait, moment: Moment) -> None:
    """Fill in stack and place from what the observer saw, where the recorder noted none, or one of an earlier wait."""
    look = moment.looks.get(wait.thread)
    seen = look.stack if look else ()
    if seen and (wait.stale_site or not wait.stack):
        wait.stack = seen
    if seen and (wait.stale_site or wait.site is None):
        wait.site = _innermost(wait.stack) or wait.site
        wait.stale_site = False
    if wait.intent is not None and (wait.intent.stale_site or wait.intent.site is None):
        wait.intent.site, wait.intent.stale_site = wait.site, wait.stale_site


def _joins_threads(wait: Wait, moment: Moment) -> bool:
    """Does a thread in its exit handlers wait for its process's other threads? So it says in the stack, where that was seen."""
    look = moment.looks.get(wait.thread)
    if look is None or look.still is not True or "futex" not in look.wchan:
        return False
    return any(site.function.rpartition(".")[2] in ("_shutdown", "join") for site in look.stack[:3])


def _innermost(stack: tuple[Site, ...]) -> Site | None:
    return next((site for site in stack if is_program(site.file)), None)


def _take_ends(shop: Workshop, moment: Moment, records: list[Record]) -> None:
    """Take in who had which end of which pipe, how full it was, and the values of semaphores."""
    for record in records:
        if record.kind is observations.OUTSIDER:
            held = shop.resource(_int(record, "family"), unsigned(_int(record, "key")), None)
            moment.outsiders[held] = str(record.fields["command"])
        process = shop.process_at(_int(record, "pid"), moment.at_ns)
        if process is None:
            continue
        if record.kind in _TAKEN:
            _TAKEN[record.kind](shop, moment, process, record)
        elif record.kind is observations.SEMAPHORE:
            known = shop.resource(family_of.SEM, unsigned(_int(record, "key")), process, "Lock")
            moment.values[known] = _int(record, "value")
        elif record.kind is observations.NATIVE:
            moment.caught[process] = unsigned(_int(record, "caught"))
            moment.ignored[process] = unsigned(_int(record, "ignored"))
            moment.blocked[process] = unsigned(_int(record, "blocked"))


def _take_end(shop: Workshop, moment: Moment, process: Process, record: Record) -> None:
    pipe = shop.resource(family_of.PIPE, unsigned(_int(record, "key")), process, "Pipe")
    readers, writers = moment.readers.setdefault(pipe, set()), moment.writers.setdefault(pipe, set())
    if _int(record, "readable"):
        readers.add(process)
        pipe.readers.add(process)
    if _int(record, "writable"):
        writers.add(process)
        pipe.writers.add(process)
    if _int(record, "readable") and _int(record, "writable"):
        moment.sockets.add(pipe)
    if _int(record, "queued") >= 0 and _int(record, "readable"):
        moment.queued[pipe] = _int(record, "queued")
    peer = unsigned(_int(record, "peer"))
    if _int(record, "peer") > 0 and peer != pipe.key and pipe.peer is None:
        pipe.peer = shop.resource(family_of.PIPE, peer, process, "Pipe")


_TAKEN: dict[Kind, Callable[[Workshop, Moment, Process, Record], None]] = {
    observations.PIPE_END: _take_end,
    observations.LOCK_HOLDER: take_holder,
    observations.NATIVE_WAIT: take_native,
    observations.SPINNING: take_spinning,
    observations.LOCK_WAIT: take_wait,
}


def _int(record: Record, name: str) -> int:
    value = record.fields[name]
    return value if isinstance(value, int) else 0


def _final(shop: Workshop) -> Moment | None:
    """Return what the boards said at the end, of those that were ended together or still ran; None if there are none."""
    left = [process for process in shop.run.processes if _was_cut_off(process)]
    killed_ns = [process.ended_ns for process in left if process.ended_ns is not None]
    end_ns = _end_ns(shop) if len(killed_ns) < len(left) else max(killed_ns, default=0)
    together = [process for process in left if process.ended_ns is None or process.ended_ns >= end_ns - TOGETHER_NS]
    if not any(shop.head(process) for process in together):
        return None
    first_end = min((process.ended_ns for process in together if process.ended_ns is not None), default=end_ns + 1)
    moment = Moment(0, first_end - 1, final=True, processes=together)
    _fill(shop, moment, {process: head for process in shop.run.processes if (head := shop.head(process))})
    moment.waits = [wait for wait in moment.waits if wait.kind != EXIT]
    return moment


def _was_cut_off(process: Process) -> bool:
    """Did it run until the recording ends, or until somebody outside ended it? What the program itself killed belongs to its story."""
    if process.orderly or process.became is not None:
        return False
    end = process.exit
    return end is None or not end.known or (end.signal in ENDINGS and not end.call)


def _end_ns(shop: Workshop) -> int:
    return max(shop.run.meta.end_ns or 0, shop.run.events.last_ns or 0)
