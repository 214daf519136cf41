"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deaths import death_evidence, death_places, death_step, was_interrupted
from mptrace.diagnose.finding import Finding
from mptrace.diagnose.folding import ANY_WAIT
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import how_it_ended, listed, signal_name, verb, who
from mptrace.model.process import Process, Role
from mptrace.model.run import Run


@rule(explains=(ANY_WAIT, "executor-broken", "pool-worker-died", "orphaned"))
def forkserver_died(run: Run) -> Iterator[Finding]:
    """The forkserver was killed while processes that it had forked were still running.

    Why it crashes:
        The children of a forkserver are not children of the program: only the forkserver can tell it how they end. Once it is
        gone, multiprocessing gives exit code 255 for each of them at once, though they run on. join() returns, an executor
        breaks, a Pool replaces workers that are still at work and take tasks from its queue.

    How we know:
        The forkserver was seen to end by a signal, and processes that it had forked were seen to live on.

    What to do:
        Find out who sends the signal: the kernel when memory runs out, a clean-up that takes the forkserver for a leftover, a
        person. Do not believe an exit code of 255 until then.
    """
    for process in run.processes:
        ended = process.exit
        bereft = _bereft(run, process) if process.role is Role.FORKSERVER else []
        if bereft and ended and ended.signal is not None and not was_interrupted(run, process):
            yield _finding(run, process, ended.signal, bereft)


def _bereft(run: Run, server: Process) -> list[Process]:
    """Return the processes that ran when their forkserver died."""
    end = server.ended_ns or 0
    forked = [one for one in run.processes if one.forked_from is server and one.started_ns < end]
    return [one for one in forked if one.ended_ns is None or one.ended_ns > end]


def _finding(run: Run, server: Process, number: int, bereft: list[Process]) -> Finding:
    names, several = listed(map(who, bereft)), len(bereft)
    return Finding(
        title=f"the forkserver {how_it_ended(server.exit)}, and {names} lost {verb(several, 'its', 'their')} way to report",
        steps=(death_step(server),),
        why=f"Without it multiprocessing gives exit code 255 for {names}, whatever {verb(several, 'it does', 'they do')}: "
        f"{verb(several, 'it', 'they')} ran on when the forkserver died.",
        fix=_fix(server, number),
        fix_at=server.exit.by_site if server.exit else None,
        processes=(server, *bereft),
        resources=tuple(dict.fromkeys(one.pool for one in bereft if one.pool)),
        places=tuple(death_places(server)),
        evidence=tuple(death_evidence(run, server)),
        at_ns=server.ended_ns,
    )


def _fix(server: Process, number: int) -> str:
    if server.exit and server.exit.by_site is not None:
        return "leave it alone: it serves every child of the program; the signal is sent at"
    senders = " (the kernel when memory runs out, a supervisor, a person)" if number == 9 else ""
    return f"find out who sends {signal_name(number)}{senders}"
