"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deserted import deserted
from mptrace.diagnose.finding import Finding
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import listed, who
from mptrace.model.moment import Wait
from mptrace.model.process import ThreadRole
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.wire import wait as kinds


@rule(needs=("connection",), explains=("stalled", "all-asleep", "pipe-no-eof"))
def pipe_mutual_send(run: Run) -> Iterator[Finding]:
    """Both ends of a pipe send, more than the pipe holds, and neither reads.

    Why it hangs:
        send() returns when the pipe has taken the whole message, and a pipe holds some 64 to 200 KB. Beyond that somebody must
        read at the other end; if that one is in send() as well, both wait.

    How we know:
        Both are blocked in send(), each is the only reader of what the other one sends, and neither moved between two looks.

    What to do:
        Let one side read first, or send from a thread.
    """
    for found in deserted(run, _sent):
        senders = list(dict.fromkeys(who(wait.thread) for wait in found.waits))
        if len(senders) > 1:
            yield found.finding(
                title=f"{listed(senders)} are both in send() to each other, and neither reads",
                who_else="reads",
                fix="let one of them recv() before it sends, at",
            )


def _sent(wait: Wait) -> Resource | None:
    pipe = wait.resource
    return pipe if pipe and wait.kind == kinds.SEND and pipe.owner is None and wait.thread.role is not ThreadRole.FEEDER else None
