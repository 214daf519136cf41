"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.finding import Finding
from mptrace.diagnose.folding import ANY_WAIT
from mptrace.diagnose.pickling import dumped, offender, path_of, what_it_is
from mptrace.diagnose.rule import rule
from mptrace.model.event import Event
from mptrace.model.process import Role
from mptrace.model.run import Run
from mptrace.wire.events import failures

TOO_DEEP = ("RecursionError", "MemoryError")
"""Another rule tells of these."""

WORKERS = (Role.WORKER, Role.EXECUTOR_WORKER)


@rule(
    needs=("reduction",),
    explains=(ANY_WAIT, "uncaught-exception", "start-failed", "unpickle-failed", "helper-thread-died", "executor-broken"),
)
def unpicklable_argument(run: Run) -> Iterator[Finding]:
    """Something that was to be sent to another process cannot be pickled: a target, its arguments, a task, a message.

    Why it fails:
        What goes to another process is pickled. Open files, sockets, locks of threads, generators, lambdas and functions
        inside functions cannot be; nor can anything that has one of them inside, such as a method, which takes its whole
        object along.

    How we know:
        Pickling failed, in that call; the way to the offender was searched among the attributes and items of what was sent.

    What to do:
        Send what is needed to make the offender anew (a path instead of an open file), or leave it out in __getstate__. A
        function of the module instead of a method or lambda.
    """
    for event in run.of(failures.PICKLE_FAILED):
        if event.process is not None and not is_result(event) and event.text("error") not in TOO_DEEP:
            yield _finding(run, event)


def is_result(event: Event) -> bool:
    """Was it the result of a task, on its way back?"""
    return event.process is not None and event.process.role in WORKERS and "result" in event.text("call").lower()


def _finding(run: Run, event: Event) -> Finding:
    call = event.text("call")
    by = f" by {call}()" if call and " " not in call else ""
    return dumped(
        run,
        event,
        title=f"{offender(run, event)}{what_it_is(event)} cannot be sent to another process{by}",
        why="What goes to another process is pickled, with all that it refers to.",
        fix=_fix(run, event),
    )


def _fix(run: Run, event: Event) -> str:
    path = path_of(run, event)
    if path.startswith("self."):
        return f"self is sent as a whole: leave {path} out in __getstate__, or send a function of the module, at"
    user, arrow, used = path.rpartition(" -> ")
    if arrow:
        return f"{user} takes {used} along, since it uses it: make it inside of {user}, once in each process, or pass less, at"
    return f"send what is needed to make {path or 'it'} anew in the other process instead, at"
