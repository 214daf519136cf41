"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.finding import Evidence, Finding, Place, Severity, Step, Verdict
from mptrace.diagnose.lock_code import held_around
from mptrace.diagnose.lost_threads import LostThread, lost_python_threads
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import counted, listed, verb, who
from mptrace.model.process import Process
from mptrace.model.run import Run
from mptrace.model.site import Site


@rule(severity=Severity.HINT, needs=("program", "threads"))
def fork_with_threads(run: Run) -> Iterator[Finding]:
    """A process was forked while other threads of the program ran in it.

    Why it is dangerous:
        The child has a copy of every lock as it was at that instant, and none of the threads that would release one. If a thread
        holds a lock (of the program, of logging, of a C library) just then, the child waits for it for ever.

    How we know:
        The threads that ran at the fork, and where each of them was, were recorded in the child. Threads that multiprocessing
        and concurrent.futures run for themselves are not counted.

    What to do:
        Start processes before threads, or use the start method spawn or forkserver (Python 3.14 no longer forks by default).
    """
    told: dict[Site, list[Process]] = {}
    for process in run.processes:
        if process.start_site is not None and process.parent is not None and _own(run, process):
            told.setdefault(process.start_site, []).append(process)
    for site, children in told.items():
        yield _finding(run, site, children)


def _own(run: Run, child: Process) -> list[LostThread]:
    """Return the threads of the program itself that a child lacks."""
    parent = child.forked_from or child.parent
    service = {thread.tid for thread in parent.threads if thread.role.is_service} if parent else set()
    return [thread for thread in lost_python_threads(run, child) if thread.tid not in service]


def _finding(run: Run, site: Site, children: list[Process]) -> Finding:
    first, parent = children[0], children[0].forked_from or children[0].parent
    threads = _own(run, first)
    names = listed(f"the thread {thread.name}" for thread in threads)
    more = f" and {counted(len(children) - 1, 'more process', 'more processes')}" if len(children) > 1 else ""
    held = [(thread, text, line) for thread in threads for place in thread.stack for text, line in held_around(run, place)]
    holding = f", inside of a block of {listed(text for _, text, _ in held)}" if held else ""
    return Finding(
        title=f"{who(parent)} forked {who(first)}{more} while {names} ran{holding}",
        verdict=Verdict.POSSIBLE,
        steps=tuple(Step(f"the thread {each.name} {each.whereabouts}", None, each.at_ns, each.site) for each in threads[:4]),
        why=f"A lock that {verb(len(threads), 'this thread holds', 'one of these threads holds')} at the fork is never released in the child.",
        fix="start the processes before the threads, or use multiprocessing.set_start_method('spawn'); the fork is at",
        fix_at=site,
        processes=tuple(dict.fromkeys(each for each in (parent, *children) if each)),
        places=(Place("fork", site, parent), *(Place("holder", line, parent) for _, _, line in held)),
        evidence=tuple(Evidence(thread.ref, f"the thread {thread.name} ran at the fork") for thread in threads),
        at_ns=threads[0].at_ns,
    )
