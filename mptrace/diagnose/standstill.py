"""The instants at which the job stood still, with their wait-for graphs: which threads are stuck because of what, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from mptrace.diagnose.deaths import was_interrupted
from mptrace.diagnose.finding import Verdict
from mptrace.diagnose.wording import counted, who
from mptrace.model.liveness import HANDLER
from mptrace.model.moment import Hold, Moment, Wait
from mptrace.model.process import Process, Thread
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.model.wait_graph import Link, WaitGraph, build_wait_graph
from mptrace.wire.wait import ACQUIRE, EXIT, MUTEX_WAIT

if TYPE_CHECKING:
    import networkx as nx

OF_WAITS = frozenset(("process", "threads", "semlock", "synchronize", "connection", "queues", "pool", "executor", "managers"))
"""Probes whose absence could hide who ends a wait."""


NEEDED = frozenset({"waits", "objects", "locks", "a lock's holder"})
"""What attach must have seen of every process for a verdict of *proven*; stacks only tell where."""


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Threads that only one another could wake (or nobody at all), and their waits, the longest first.

    ``followers``: waits that cannot end before one of the group's does.
    """

    waits: tuple[Wait, ...]
    followers: tuple[Wait, ...]

    @property
    def threads(self) -> set[Thread]:
        """The threads of the group."""
        return {wait.thread for wait in self.waits}

    @property
    def processes(self) -> tuple[Process, ...]:
        """Their processes, each once."""
        return tuple(dict.fromkeys(wait.thread.process for wait in self.waits))

    def waiting_in(self, *kinds: int) -> list[Wait]:
        """Return the waits whose call, or which themselves, are of one of these kinds of wire/wait.py."""
        return [wait for wait in self.waits if wait.kind in kinds or wait.call.kind in kinds]


@dataclass(frozen=True, slots=True, eq=False)
class Standstill:
    """One moment of a run and its graph."""

    run: Run
    moment: Moment
    graph: WaitGraph
    groups: tuple[Group, ...]

    def cycles(self) -> list[list[Link]]:
        """Return the circles of exact waits that are no chance picture of a running job."""
        return [cycle for cycle in self.graph.cycles() if self.holds_for([link.wait for link in cycle])]

    def mixed_cycles(self) -> list[tuple[Group, list[Wait]]]:
        """Return the circles that run over a lock that the program holds and over waits that several threads could end, all of one group.

        Each begins with the wait of the lock's holder, and ends with the one for the lock.
        """
        exact = [{link.wait.thread for link in cycle} for cycle in self.graph.cycles()]
        found = []
        for group in self.groups:
            links = [link for wait in group.waits if (link := self.graph.exact.get(wait)) and _is_programs(link)]
            if links and not any(cycle <= group.threads for cycle in exact):
                found.append((group, _shortest(self.moment, self.graph, links)))
        return found

    def self_waits(self) -> list[tuple[Wait, Hold]]:
        """Return the waits of threads for a lock that the same thread holds; a handler that may interrupt it makes it less sure."""
        stuck = [wait for wait in self.moment.waits if self._is_alone(wait) and self.holds_for([wait])]
        return [(wait, hold) for wait in stuck for hold in self._holds(wait) if hold.thread is wait.thread][:1]

    def _is_alone(self, wait: Wait) -> bool:
        """Can nobody but the thread itself, in a handler of the program, end its wait?"""
        return self.graph.live.get(wait.thread, HANDLER).startswith(HANDLER)

    def orphaned_locks(self) -> list[tuple[list[Wait], Hold]]:
        """Return the locks whose only holders were dead, each with the untimed waits for it."""
        found: dict[Resource, tuple[list[Wait], Hold]] = {}
        for wait in self.moment.waits:
            holds = self._holds(wait)
            if holds and self.holds_for([wait]) and all(self._is_lost(hold, wait) for hold in holds):
                found.setdefault(holds[-1].resource, ([], holds[-1]))[0].append(wait)
        return [(sorted(waits, key=lambda wait: wait.since_ns), hold) for waits, hold in found.values()]

    def is_orphaned(self, waits: Iterable[Wait]) -> bool:
        """Is one of them a wait for a lock whose holder is dead?"""
        lost = {wait for found, _ in self.orphaned_locks() for wait in found}
        return any(wait in lost for wait in waits)

    def _holds(self, wait: Wait) -> list[Hold]:
        """Return who holds the lock that a thread waits for, without a timeout."""
        if wait.kind not in (ACQUIRE, MUTEX_WAIT) or wait.timed or wait.resource is None:
            return []
        return self.moment.holders_of(wait.resource)

    def _is_lost(self, hold: Hold, wait: Wait) -> bool:
        """Is it gone with its holder? If the program may release it elsewhere, only a holder that was cut off has lost it."""
        return self._died_before(hold.thread, wait) and (wait.thread in self.graph.stuck or not hold.thread.process.orderly)

    def _died_before(self, holder: Thread, wait: Wait) -> bool:
        """Had the holder ended when the waiter was looked at? At the end of a run: before the last ones were ended together."""
        process, ended = holder.process, holder.process.ended_ns
        if process is wait.thread.process or process in self.moment.processes or ended is None:
            return False
        return ended <= self.moment.at_ns and not was_interrupted(self.run, process)

    def holds_for(self, waits: Iterable[Wait]) -> bool:
        """Is the picture of these waits one of a single instant: did none of their threads run between the two looks?"""
        return all(self.moment.still(wait.thread) is not False for wait in waits) and self._together(list(waits))

    def _together(self, waits: list[Wait]) -> bool:
        """Of the final moment: did all of them wait at once, and did nobody who could have helped live longer?"""
        if not self.moment.final:
            return True
        ends = [end for end in (wait.thread.process.ended_ns for wait in waits) if end is not None]
        return not ends or max(wait.since_ns for wait in waits) < min(ends)

    def verdict(self, waits: Sequence[Wait], more: Sequence[str] = ()) -> tuple[Verdict, tuple[str, ...]]:
        """Return how sure it is that these waits cannot end by themselves, and what is missing for *proven*."""
        doubts = [*more, *self._unseen(waits), *self._open(waits), *losses(self.run, of=OF_WAITS)]
        doubts += [f"{who(wait.thread)}: {self.graph.live[wait.thread]}" for wait in waits if wait.thread in self.graph.live]
        doubts += [f"{who(thread)} {why}" for thread, why in self.graph.doubted.items() if self._matters(thread, waits)]
        return (Verdict.LIKELY if doubts else Verdict.PROVEN), tuple(dict.fromkeys(doubts))

    def _matters(self, thread: Thread, waits: Sequence[Wait]) -> bool:
        """Is it one of the waiters, or of a group with one of them, so that it might wake him?"""
        waiting = {wait.thread for wait in waits}
        return thread in waiting or any(thread in group.threads and waiting & group.threads for group in self.groups)

    def behind(self, waits: Sequence[Wait]) -> tuple[Wait, ...]:
        """Return the waits of others that cannot end before one of these does, the longest first."""
        reached = {wait.thread for wait in waits}
        targets = reached | {thread for other in reached for thread in other.process.threads}
        found: list[Wait] = []
        while more := [wait for wait in self.moment.waits if wait.thread not in reached and self._needs(wait, targets)]:
            found += more
            reached |= {wait.thread for wait in more}
            targets |= reached
        return tuple(sorted((wait for wait in found if not wait.thread.role.is_service), key=lambda wait: wait.since_ns))

    def _needs(self, wait: Wait, threads: set[Thread]) -> bool:
        link = self.graph.exact.get(wait)
        wakers = {link.through} if link else self.graph.wakers.get(wait, set())
        return wait.thread in self.graph.stuck and bool(wakers & threads)

    def _unseen(self, waits: Sequence[Wait]) -> list[str]:
        if self.moment.final:
            return [f"when {who(wait.thread)} ended is not known" for wait in waits if wait.thread.process.ended_ns is None][:1]
        return [f"{who(wait.thread)} was not looked at twice" for wait in waits if self.moment.still(wait.thread) is None]

    def _open(self, waits: Sequence[Wait]) -> list[str]:
        return [f"{who(w.thread)}: {self.graph.open_ended[w]} may end the wait" for w in waits if w in self.graph.open_ended]


def losses(run: Run, *, of: frozenset[str] | None = None) -> list[str]:
    """Return what was lost from a recording, a sentence each; ``of``: only these probes of those that were switched off."""
    lost = run.completeness.lost
    counts = (
        (lost.records, "event"),
        (lost.threads, "thread"),
        (lost.locks, "lock"),
        (lost.connections, "connection"),
    )
    told = [f"{counted(count, noun)} could not be recorded" for count, noun in counts if count]
    if lost.damaged_files:
        told.append(f"{counted(len(lost.damaged_files), 'recording')} of a process could not be read whole")
    off = [(process, probe) for process, probe in lost.probes_off if of is None or probe.partition(":")[0] in of]
    told += [f"in {who}, {what} could not be looked at: {why}" for who, what, why in run.completeness.not_seen if what in NEEDED]
    return told + [f"in {process}, recording of {probe.partition(':')[0]} was switched off" for process, probe in off]


def last_waits(run: Run, wanted: Callable[[Wait], bool], *, stuck: bool = True) -> tuple[tuple[Wait, ...], int | None]:
    """Return the waits of the program's threads that are wanted, as seen last; and the number of that moment, if they were stuck.

    With ``stuck=False`` it is enough that one of them has no timeout: the rule knows that it never ends.
    """
    for standstill in standstills(run):
        found = [wait for wait in standstill.moment.waits if not wait.thread.role.is_service and wanted(wait)]
        if found:
            last = any(wait.thread in standstill.graph.stuck or (not stuck and not wait.timed) for wait in found)
            return tuple(found), standstill.moment.number if last and standstill.holds_for(found) else None
    return (), None


@lru_cache(maxsize=2)
def standstills(run: Run) -> tuple[Standstill, ...]:
    """Return the moments of a run: the looks at it while it ran, the latest first, and then its end."""
    ordered = sorted(run.moments, key=lambda moment: (moment.final, -moment.at_ns))
    return tuple(_standstill(run, moment) for moment in ordered)


def _standstill(run: Run, moment: Moment) -> Standstill:
    graph = build_wait_graph(moment, run)
    return Standstill(run, moment, graph, tuple(_groups(run, moment, graph)))


def _groups(run: Run, moment: Moment, graph: WaitGraph) -> list[Group]:
    if not graph.stuck:
        return []
    import networkx as nx  # a third of a second, which a healthy run need not pay at its end

    condensed = nx.condensation(_edges(moment, graph))
    found = []
    for node, data in condensed.nodes(data=True):
        if condensed.out_degree(node) == 0:
            behind = {thread for other in nx.ancestors(condensed, node) for thread in condensed.nodes[other]["members"]}
            found.append(Group(_waits_of(moment, data["members"]), _waits_of(moment, behind)))
    return [group for group in found if group.waits and _is_real(run, moment, graph, group)]


def _edges(moment: Moment, graph: WaitGraph) -> nx.DiGraph[Thread]:
    """Return waiter -> whoever could wake it, among the stuck."""
    from networkx import DiGraph

    edges: nx.DiGraph[Thread] = DiGraph()
    for wait in moment.waits:
        if wait.thread in graph.stuck:
            edges.add_node(wait.thread)
            link = graph.exact.get(wait)
            wakers = {link.through} if link else graph.wakers.get(wait, set())
            edges.add_edges_from((wait.thread, waker) for waker in wakers if waker in graph.stuck)
    return edges


def _is_programs(link: Link) -> bool:
    """Is it for a lock of the program's own, which another thread holds?"""
    return link.holds is not None and link.holds.resource.owner is None and link.through is not link.wait.thread


def _shortest(moment: Moment, graph: WaitGraph, links: list[Link]) -> list[Wait]:
    """Return the waits of the shortest circle through one of these links."""
    from networkx import shortest_path

    edges = _edges(moment, graph)
    paths = [shortest_path(edges, link.through, link.wait.thread) for link in links]
    waits = {wait.thread: wait for wait in moment.waits}
    return [waits[thread] for thread in min(paths, key=len)]


def _waits_of(moment: Moment, threads: set[Thread]) -> tuple[Wait, ...]:
    return tuple(sorted((wait for wait in moment.waits if wait.thread in threads), key=lambda wait: wait.since_ns))


def _is_real(run: Run, moment: Moment, graph: WaitGraph, group: Group) -> bool:
    """Drop a group of which a member ran, one that may be meant to wait, and one of the end that somebody outlived who could help."""
    if any(moment.still(thread) is False for thread in group.threads) or _may_be_meant(group, graph):
        return False
    return not (moment.final and _outlived(run, group))


def _may_be_meant(group: Group, graph: WaitGraph) -> bool:
    """Does a thread of the program wait for a word of its own process, and nobody for a lock that the program holds?

    A service waits for an Event, a Condition or a queue of `threading` until somebody ends it, and its workers wait for it.
    """
    told = [wait for wait in group.waits if wait.kind == MUTEX_WAIT and wait not in graph.exact and not _is_for_a_result(wait)]
    words = [wait for wait in told if not _is_idle_worker(wait)]
    if not words or any(wait.kind == EXIT for wait in group.waits):  # who has ended has no more work to hand out
        return len(told) == len(group.waits)
    links = [link for wait in group.waits if (link := graph.exact.get(wait))]
    return not any(link.holds is not None and link.holds.resource.owner is None for link in links)


def _is_idle_worker(wait: Wait) -> bool:
    """Is it a thread of the library's: of a ThreadPoolExecutor without a task, or one that serves a queue or pool?"""
    idle = wait.site is None and any(site.file.endswith("concurrent/futures/thread.py") for site in wait.stack)
    return idle or wait.thread.role.is_service


def _is_for_a_result(wait: Wait) -> bool:
    return any(site.function.rpartition(".")[2] == "result" and "concurrent/futures" in site.file for site in wait.stack[:6])


def _outlived(run: Run, group: Group) -> bool:
    """Did a process that ended in order live on after a member of the group had been ended (``terminate()``, a daemon)?"""
    ends = [process.ended_ns for process in group.processes if process.ended_ns is not None]
    if not ends:
        return False
    begun, first = max(wait.since_ns for wait in group.waits), min(ends)
    others = [p for p in run.processes if p not in group.processes and not p.role.is_service and p.alive_at(begun)]
    stuck = {wait.thread.process for wait in group.followers}
    return begun >= first or any(other not in stuck and (other.orderly or other.alive_at(first)) for other in others)
