"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.finding import Finding, Place, Step
from mptrace.diagnose.folding import ANY_WAIT
from mptrace.diagnose.hang import hang, place_of
from mptrace.diagnose.lost_threads import lost_python_threads
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import Standstill, standstills
from mptrace.diagnose.wording import call_of, who
from mptrace.model.moment import Hold, Wait
from mptrace.model.run import Run


@rule(explains=(ANY_WAIT, "fork-with-threads"))
def import_deadlock(run: Run) -> Iterator[Finding]:
    """A thread needs a module whose import cannot end, since it waits for that thread, or for one that a fork did not copy.

    Why it hangs:
        Python imports a module under a lock of its own. If the module's body waits for work that is done elsewhere, and the
        worker needs that module (to find the function, to unpickle an argument), the worker waits for the import and the import
        for the worker. A child that is forked in the middle of another thread's import waits for that thread for ever.

    How we know:
        A thread is blocked in the import system for a module's lock; the only other thread of its process that is importing
        waits without a timeout, and nothing that could end its wait can run. Or it is the only thread of a forked child.

    What to do:
        Do not start pools, threads or processes in a module's body: do it in a function that is called after the import.
    """
    for standstill in standstills(run):
        for wait in standstill.moment.waits:
            if wait.resource is not None and wait.resource.kind == "import lock" and wait.thread in standstill.graph.stuck:
                hold = next(iter(standstill.moment.holders_of(wait.resource)), None)
                if standstill.holds_for([wait]):
                    yield from _circle(standstill, wait, hold) if hold else _after_fork(standstill, wait)


def _circle(standstill: Standstill, wait: Wait, hold: Hold) -> Iterator[Finding]:
    importer = standstill.moment.wait_of(hold.thread)
    if importer is None or not standstill.holds_for([importer]):
        return
    name = who(hold.thread)
    places = [Place("importer", hold.site, hold.thread.process)] if hold.site else []
    yield hang(
        standstill,
        [importer, wait],
        title=f"{name} waits in {call_of(importer)} while it imports a module, and {who(wait.thread)} needs that module to go on",
        why="The import ends when the wait does, and the wait when the import does: the module's lock is held until then.",
        fix="do not wait for others in the body of a module: move that into a function, and call it after the import at",
        fix_at=hold.site,
        steps=[Step("begins the import", hold.thread.process, None, hold.site)],
        resources=[importer.resource.outermost] if importer.resource else [],
        places=places,
    )


def _after_fork(standstill: Standstill, wait: Wait) -> Iterator[Finding]:
    child, lost = wait.thread.process, lost_python_threads(standstill.run, wait.thread.process)
    importing = [thread for thread in lost if any("importlib._bootstrap" in site.file for site in thread.stack)]
    parent, thread = child.forked_from or child.parent, (importing or lost)[0].name if lost else "a thread"
    site = place_of(wait)
    yield hang(
        standstill,
        [wait],
        title=f"{who(child)} wants to import what the thread {thread} of {who(parent)} was importing when {who(child)} was forked",
        why=f"The fork copied the module's lock, taken, but not the thread {thread}: nobody in {who(child)} will release it.",
        fix=f"import before there are threads, or use the start method spawn; {who(child)} is forked at",
        fix_at=child.start_site,
        processes=[parent] if parent else [],
        places=[Place("waiter", site, child)] if site else [],
        doubts=[] if importing else ["that it was importing at the fork was not seen"],
    )
