"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.finding import Finding, Place
from mptrace.diagnose.rule import rule
from mptrace.diagnose.sharing import Sharing, failures_of, fork_of, loudness, shared_connections, stuck_in
from mptrace.diagnose.wording import listed, who
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.wire import wait


@rule(
    needs=("connection",),
    explains=("unpickle-failed", "uncaught-exception", "partial-message", "all-asleep", "stalled"),
)
def fork_shared_handle(run: Run) -> Iterator[Finding]:
    """Several processes use one end of a connection that a fork left in each of them.

    Why it fails:
        A forked child has its parent's open descriptors. If two processes read from one end of a pipe or socket, each gets what
        comes while it reads: the answer to the other's question, or a part of a message. Two that write may interleave.

    How we know:
        Several processes received (or sent) through the same end, of the same inode, after a fork that left it in both, while
        none of them had ended, and without a lock of multiprocessing's in their hands. Where they receive, one had asked its
        question, or waited, before the other was done: who takes turns in any way is not told of. What each of them got is not
        seen: it is an error if one of them hangs or fails in it, else a hint.

    What to do:
        Open a connection in each process, or give each child a Pipe of its own; or hold one Lock around each question and its
        answer.
    """
    for sharing in shared_connections(run, manager=False):
        yield _finding(run, sharing)


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
