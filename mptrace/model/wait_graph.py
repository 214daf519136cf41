"""Who waits for whom at one instant: edges to everybody that could end a wait, exact circles, and the closed group of the stuck.

A thread is *live* if it runs, sleeps, waits with a timeout, or waits for something outside the job; or if a live thread could
end its wait. The others are *stuck*: they can only be woken by each other. Circles of exact edges (a lock's recorded holder, a
joined process) come first, then the closed group.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mptrace.model.liveness import is_service, threads_at, why_doubted, why_live
from mptrace.model.moment import Hold, Moment, Wait
from mptrace.model.process import Thread
from mptrace.model.run import Run
from mptrace.model.wakers import Finder


@dataclass(slots=True, eq=False)
class Link:
    """One step of a circle: ``wait`` can only end when ``through`` acts, since it ``holds`` the lock or is the one joined."""

    wait: Wait
    through: Thread
    holds: Hold | None = None


@dataclass(slots=True, eq=False)
class WaitGraph:
    """The graph of one moment; built by `build_wait_graph`."""

    moment: Moment
    wakers: dict[Wait, set[Thread]] = field(default_factory=dict)
    """Every thread that could end a wait, as far as is known."""
    open_ended: dict[Wait, str] = field(default_factory=dict)
    """Waits that something outside the job, or something that was not seen, may end; and what that is."""
    exact: dict[Wait, Link] = field(default_factory=dict)
    """Waits that exactly one known thread can end."""
    live: dict[Thread, str] = field(default_factory=dict)
    """Live threads, and why each is."""
    stuck: set[Thread] = field(default_factory=set)
    doubted: dict[Thread, str] = field(default_factory=dict)
    """Stuck threads that a signal's handler might still wake, if anybody outside of the job sent that signal."""

    def cycles(self) -> list[list[Link]]:
        """Return the circles of exact, untimed waits, each once, the longest-waiting member first."""
        links = {wait.thread: link for wait, link in self.exact.items() if not wait.timed and wait not in self.open_ended}
        found, done = [], set[Thread]()
        for start in links:
            path: list[Thread] = []
            thread = start
            while thread in links and thread not in done:
                done.add(thread)
                path.append(thread)
                thread = links[thread].through
            if thread in path:
                circle = path[path.index(thread) :]
                first = min(circle, key=lambda member: links[member].wait.since_ns)
                at = circle.index(first)
                found.append([links[member] for member in circle[at:] + circle[:at]])
        return found

    def is_still(self, threads: set[Thread]) -> bool:
        """Did none of them run between the two looks of the moment?"""
        return all(self.moment.still(thread) is True for thread in threads)

    def explain_open(self, wait: Wait) -> str:
        """Say what may still end a wait, in one clause ("" if nothing can)."""
        return self.open_ended.get(wait) or self.live.get(wait.thread, "")

    def stuck_waits(self) -> list[Wait]:
        """Return the waits of the stuck threads, the longest first."""
        return sorted((wait for wait in self.moment.waits if wait.thread in self.stuck), key=lambda wait: wait.since_ns)


def build_wait_graph(moment: Moment, run: Run) -> WaitGraph:
    """Return who waits for whom at a moment, and who can never be woken."""
    graph, finder, sure = WaitGraph(moment), Finder(moment, run), set[Wait]()
    links: dict[Wait, Link] = {}
    for wait in moment.waits:
        found = finder.find(wait)
        graph.wakers[wait] = found.threads
        if found.open:
            graph.open_ended[wait] = found.open
        if found.through is not None:
            links[wait] = Link(wait, found.through, found.holds)
        if found.sure:
            sure.add(wait)
    _find_live(graph)
    graph.stuck = {wait.thread for wait in moment.waits if wait.thread not in graph.live}
    graph.exact = {wait: link for wait, link in links.items() if wait in sure or wait.thread in graph.stuck}
    return graph


def _find_live(graph: WaitGraph) -> None:
    """Find the threads that may act of their own accord, and then those that they may wake."""
    moment = graph.moment
    waits = {wait.thread: wait for wait in moment.waits}
    threads = {thread for process in moment.processes for thread in threads_at(process, moment)} | waits.keys()
    for thread in threads:
        wait = waits.get(thread)
        why = why_live(thread, wait, moment) or graph.open_ended.get(wait, "") if wait else why_live(thread, None, moment)
        if why:
            graph.live[thread] = why
    _spread(graph)
    _doubt(graph)


def _doubt(graph: WaitGraph) -> None:
    """A thread with a handler for a signal is stuck if nobody in the job could send it; but then somebody outside might."""
    waiting = [wait.thread for wait in graph.moment.waits if wait.thread not in graph.live]
    doubted = {thread: why for thread in waiting if (why := why_doubted(thread, graph.moment))}
    senders = {thread.process for thread in graph.live if not is_service(thread)}
    for thread, why in doubted.items():
        if senders - {thread.process}:
            graph.live[thread] = why
        else:
            graph.doubted[thread] = why
    _spread(graph)


def _spread(graph: WaitGraph) -> None:
    """Whoever a live thread may wake is live; the reason is that of the first of the chain, who acts of its own accord."""
    source = {thread: f"{thread.process.name}, which {why}, may still end it" for thread, why in graph.live.items()}
    moved = True
    while moved:
        moved = False
        for wait, wakers in graph.wakers.items():
            waker = next((thread for thread in wakers if thread in source), None)
            if waker is not None and wait.thread not in source:
                source[wait.thread] = graph.live[wait.thread] = source[waker]
                moved = True
