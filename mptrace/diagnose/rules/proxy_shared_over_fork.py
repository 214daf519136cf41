"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.finding import Finding, Place
from mptrace.diagnose.rule import rule
from mptrace.diagnose.sharing import Sharing, failures_of, fork_of, loudness, shared_connections, stuck_in
from mptrace.diagnose.wording import listed, who
from mptrace.model.run import Run


@rule(
    needs=("connection", "managers"),
    explains=("unpickle-failed", "uncaught-exception", "partial-message", "manager-died", "all-asleep", "stalled"),
)
def proxy_shared_over_fork(run: Run) -> Iterator[Finding]:
    """Processes on both sides of an os.fork() use the same connection to a manager, and get one another's answers.

    Why it fails:
        A proxy keeps one connection to its manager for each thread. A child of multiprocessing.Process drops it and opens its
        own; one that os.fork() made does not know of that. Both then write their calls into one socket and read from it, and
        each takes the answer that comes first, or a part of it.

    How we know:
        Several processes received through the same socket to a manager, which was open at a fork, while none of them had ended,
        and without a lock of multiprocessing's in their hands. Whether answers were really mixed up is not seen: it
        is an error if one of them hangs in such a call or failed in it, else a hint.

    What to do:
        Start the child with multiprocessing.Process; or, in a child of os.fork(), connect to the manager anew before the first
        call.
    """
    for sharing in shared_connections(run, manager=True):
        yield _finding(run, sharing)


def _finding(run: Run, sharing: Sharing) -> Finding:
    what, users, fork = "the same connection to a manager", sharing.users, fork_of(run, sharing)
    failed, (waits, moment) = failures_of(run, sharing), stuck_in(run, sharing)
    at = fork.site if fork else sharing.uses[-1].site
    return Finding(
        title=f"{listed(who(user) for user in users)} call a manager through the same connection: answers go to the wrong one",
        verdict=sharing.verdict,
        steps=sharing.steps(what),
        why="A proxy's connection was open when the process forked, and os.fork() left it in both; each reads whatever answer comes.",
        fix="start the child with multiprocessing.Process, which connects anew, instead of os.fork() at"
        if fork
        else "connect to the manager in each process, instead of using the proxy of another at",
        fix_at=at,
        processes=users,
        places=(
            *(Place("use", event.site, event.process) for event in sharing.uses if event.site),
            *((Place("fork", fork.site, fork.process),) if fork and fork.site else ()),
        ),
        evidence=sharing.evidence(what),
        at_ns=min(event.at_ns for event in sharing.uses),
        moment=moment,
        waits=waits if moment is not None else (),
        lowered=loudness(failed=bool(failed) or moment is not None),
    )
