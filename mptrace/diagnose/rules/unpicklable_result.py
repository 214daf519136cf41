"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.finding import Finding
from mptrace.diagnose.folding import ANY_WAIT
from mptrace.diagnose.pickling import dumped, offender, what_it_is
from mptrace.diagnose.rule import rule
from mptrace.model.event import Event
from mptrace.model.process import Role
from mptrace.model.run import Run
from mptrace.wire.events import failures

WORKERS = (Role.WORKER, Role.EXECUTOR_WORKER)


@rule(needs=("reduction", "pool", "executor"), explains=(ANY_WAIT, "uncaught-exception", "executor-broken"))
def unpicklable_result(run: Run) -> Iterator[Finding]:
    """A worker's return value cannot be sent back.

    Why it fails:
        The result of a task is pickled to go back to the process that asked for it. Generators, open files, locks and lambdas
        cannot be, nor can anything that has one of them inside. The work is done, and its result is lost.

    How we know:
        Pickling failed in the worker, after the task's function had returned.

    What to do:
        Return plain data: a list instead of a generator, the contents instead of the file.
    """
    for event in run.of(failures.PICKLE_FAILED):
        if event.process is not None and event.process.role in WORKERS and "result" in event.text("call").lower():
            yield _finding(run, event)


def _finding(run: Run, event: Event) -> Finding:
    function = event.site.function if event.site else ""
    return dumped(
        run,
        event,
        title=f"the result of {_task(event)} cannot be sent back: {offender(run, event)}{what_it_is(event)}",
        why="The function had returned; its result is pickled to go back, and that failed.",
        fix=f"return plain data{' from ' + function + '()' if function else ''}: a list instead of a generator, contents instead of a file, at",
    )


def _task(event: Event) -> str:
    root = event.text("root")
    return f"{root.partition(' of ')[2] or root}()" if root else "a task"
