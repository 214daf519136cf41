"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deaths import death_evidence, death_places, death_step
from mptrace.diagnose.finding import Finding
from mptrace.diagnose.folding import ANY_WAIT
from mptrace.diagnose.hang import hang, place_of
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import Group, Standstill, standstills
from mptrace.diagnose.wording import call_of, how_it_ended, who
from mptrace.model.moment import Wait
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.wire.wait import RECV, SEND

READ = ("0", "63")
"""The number of the system call on x86-64 and on arm64."""

LONGEST_HEAD = 8
"""A message begins with four bytes that say how long it is; if that is over 2 GiB, with eight more."""


@rule(needs=("connection",), explains=(ANY_WAIT, "queue-get-no-producer", "killed-by-signal", "hard-exit"))
def partial_message(run: Run) -> Iterator[Finding]:
    """A reader waits for the rest of a message whose writer was ended in the middle of writing it.

    Why it hangs:
        A long message goes through a pipe in pieces. The reader has its beginning, and waits for the rest: without a timeout,
        even inside get(timeout=1), since a timeout counts only until the first byte.

    How we know:
        The writer's record ends in the middle of a send, and nobody is left who could write the rest. Proven if the reader
        blocks in a read for more than a message's head, or if it was the first message of that pipe: then its beginning went in
        at once. Of a writer that was not recorded (attach), the read alone says it: a Connection that has read the head.

    What to do:
        Read what a process has put before it is ended, or let it end by itself: put a sentinel for it and join it.
    """
    for standstill in standstills(run):
        for group in standstill.groups:
            for wait in group.waits:
                begun = standstill.moment.begun_message(wait)
                if begun is not None:
                    yield _finding(standstill, group, wait, begun)
                elif _has_read_the_head(standstill, wait):
                    yield _unfinished(standstill, group, wait)


def _has_read_the_head(standstill: Standstill, wait: Wait) -> bool:
    """Is it a Connection in the middle of a message, which nobody else is writing any more?"""
    inner = wait.stack[0] if wait.stack else None
    if wait.kind != RECV or wait.timed or wait.resource is None or inner is None or not _is_inside(standstill, wait):
        return False
    ends = {wait.resource, wait.resource.peer}
    sends = [other for other in standstill.moment.waits if other.kind == SEND and other.resource in ends]
    return inner.file.endswith("multiprocessing/connection.py") and inner.function.rpartition(".")[2] == "_recv" and not sends


def _unfinished(standstill: Standstill, group: Group, wait: Wait) -> Finding:
    """The reader says that the message has begun; who began it is only guessed, by who died of a signal."""
    pipe = wait.resource
    killed = [one for one in standstill.run.processes if one.exit and one.exit.signal is not None and not one.role.is_service]
    dead = killed[0] if len(killed) == 1 else None
    return hang(
        standstill,
        [wait, *(other for other in group.waits if other.target is wait.thread.process)],
        title=f"{who(wait.thread)} has read the beginning of a message in {call_of(wait)}, and nobody is left to write the rest",
        why="A message that has begun is read to its end, whatever timeout the call was given; whoever began to write it is gone"
        + (f": perhaps {who(dead)}, which {how_it_ended(dead.exit, sender=False)}." if dead else "."),
        fix="let whoever writes end by itself (a sentinel, then join()), or read what it has put before it is ended; the reader is at",
        fix_at=place_of(wait),
        resources=[pipe.outermost] if pipe else [],
    )


def _finding(standstill: Standstill, group: Group, wait: Wait, begun: Wait) -> Finding:
    dead, pipe = begun.thread.process, begun.resource
    shared = [pipe.outermost] if pipe else []
    finding = hang(
        standstill,
        [wait, *(other for other in group.waits if other.target is wait.thread.process)],
        title=f"{who(dead)} {how_it_ended(dead.exit, sender=False)} in the middle of a message of {begun.detail:,} bytes, "
        f"and {who(wait.thread)} waits for the rest in {call_of(wait)}",
        why="The beginning of the message has been read, and nobody is left to write the rest; a timeout of the call would "
        "only have counted until the first byte.",
        fix="read what it has put before it is ended, or let it end by itself; its end comes from"
        if dead.exit and dead.exit.by_site
        else f"find out why {who(dead)} died; who waits for its message is at",
        fix_at=dead.exit.by_site if dead.exit and dead.exit.by_site else place_of(wait),
        steps=[death_step(dead)],
        resources=shared,
        processes=[dead],
        places=death_places(dead),
        doubts=() if _is_inside(standstill, wait) else _doubts(standstill.run, pipe),
    )
    finding.evidence += tuple(death_evidence(standstill.run, dead))
    return finding


def _is_inside(standstill: Standstill, wait: Wait) -> bool:
    """Does the reader's system call ask for so many bytes as no head of a message has?"""
    look = standstill.moment.looks.get(wait.thread)
    words = look.syscall.split() if look else []
    try:
        return len(words) > 3 and words[0] in READ and int(words[3], 16) > LONGEST_HEAD
    except ValueError:
        return False


def _doubts(run: Run, pipe: Resource | None) -> tuple[str, ...]:
    """Of a later message, nothing may have been written yet: the pipe may have been full of whole ones."""
    ends = {pipe, pipe.peer} if pipe else set()
    sent = sum(tally.sent for process in run.processes for tally in process.tallies if tally.resource in ends)
    return ("other messages were sent through the same pipe before",) if sent else ()
