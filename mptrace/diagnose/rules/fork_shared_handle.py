"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.finding import Evidence, Finding, Place, Step
from mptrace.diagnose.rule import rule
from mptrace.diagnose.sharing import (
    Sharing,
    failures_of,
    fork_of,
    loudness,
    shared_connections,
    shared_handles,
    stuck_in,
)
from mptrace.diagnose.wording import listed, shortened, who
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.wire import wait


@rule(
    needs=("connection",),
    explains=("unpickle-failed", "uncaught-exception", "partial-message", "all-asleep", "stalled"),
)
def fork_shared_handle(run: Run) -> Iterator[Finding]:
    """Several processes use one connection, socket or open file that a fork left in each of them.

    Why it fails:
        A forked child has its parent's open descriptors. If two processes read from one end of a pipe or socket, each gets what
        comes while it reads: the answer to the other's question, or a part of a message. Two that write may interleave. An open
        file has one position for all: what one reads, or where it seeks to, the other misses.

    How we know:
        Several processes received (or sent) through the same end, of the same inode, after a fork that left it in both, while
        none of them had ended, and without a lock of multiprocessing's in their hands. Where they receive, one had asked its
        question, or waited, before the other was done: who takes turns in any way is not told of. What each of them got is not
        seen: it is an error if one of them hangs or fails in it, else a hint. Of files and plain sockets only reading is told of,
        each process's first after the fork, of those that a Process was given or that a variable of the program holds; what is
        read by descriptor number, by C code or through TLS is not seen.

    What to do:
        Open the connection or file in each process, or give each child a Pipe of its own; or hold one Lock around each question
        and its answer.
    """
    for sharing in shared_connections(run, manager=False):
        yield _finding(run, sharing)
    for sharing in shared_handles(run):
        yield _finding_of_handle(run, sharing)


def _finding_of_handle(run: Run, sharing: Sharing) -> Finding:
    first, users, fork = sharing.uses[0], sharing.users, fork_of(run, sharing)
    is_file, file = first.text("what") == "file", shortened(first.text("name").rpartition("/")[2], 40)
    what = f"the same open file {file}" if is_file else "the same socket"
    failed = failures_of(run, sharing)
    return Finding(
        title=f"{listed(who(user) for user in users)} read {'from' if is_file else 'through'} {what} at the same time",
        verdict=sharing.verdict,
        steps=tuple(
            Step(f"{_CALLS.get(e.text('call'), 'reads from')} {what}", e.process, e.at_ns, e.site) for e in sharing.uses[:6]
        ),
        why=_FILE if is_file else _why(receives=True),
        fix=f"open {file} in each process, so that each has its own position, at"
        if is_file
        else "open a connection of its own in each process, or hold one Lock around what must not come between, at",
        fix_at=first.site,
        processes=users,
        places=(
            *(Place("use", event.site, event.process) for event in sharing.uses if event.site),
            *((Place("fork", fork.site, fork.process),) if fork and fork.site else ()),
        ),
        evidence=tuple(Evidence(e.ref, f"{who(e.process)} called {e.text('call')} of {what}") for e in sharing.uses),
        at_ns=min(event.at_ns for event in sharing.uses),
        lowered=loudness(failed=bool(failed)),
    )


_CALLS = {"recv": "receives through", "recv_into": "receives through"}
_FILE = (
    "A fork left it in each of them with one position for all: what one reads, the others miss, and where one seeks to, all are."
)


def _finding(run: Run, sharing: Sharing) -> Finding:
    pipe = next((one for one in run.resources if one.key == sharing.key and one.kind in ("Pipe", "Connection")), None)
    what = f"the same end of {pipe.outermost.label}" if pipe and pipe.name else "the same connection"
    users, fork = sharing.users, fork_of(run, sharing)
    failed, (waits, moment) = failures_of(run, sharing), stuck_in(run, sharing)
    receives = sharing.way == wait.RECV
    return Finding(
        title=f"{listed(who(user) for user in users)} {'receive' if receives else 'send'} through {what} at the same time",
        verdict=sharing.verdict,
        steps=sharing.steps(what),
        why=_why(receives=receives),
        fix="open a connection of its own in each process, or hold one Lock around what must not come between, at",
        fix_at=sharing.uses[0].site,
        processes=users,
        resources=_resources(pipe),
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


def _why(*, receives: bool) -> str:
    if receives:
        return "A fork left this end in each of them. Each gets what comes while it reads: another's answer, or a part of it."
    return "A fork left this end in each of them. Long messages of several writers may come in pieces between one another."


def _resources(pipe: Resource | None) -> tuple[Resource, ...]:
    return (pipe.outermost,) if pipe else ()
