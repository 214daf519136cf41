"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.finding import Evidence, Finding, Place, Step
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import counted, shortened, who
from mptrace.model.event import Event
from mptrace.model.process import Process
from mptrace.model.run import Run
from mptrace.wire.events import failures, processes

SAYS = "before the current process has finished its bootstrapping phase"
"""What multiprocessing says when a child starts children while it still imports the main script."""


@rule(
    needs=("process",),
    explains=(
        "uncaught-exception",
        "executor-broken",
        "killed-by-signal",
        "worker-respawn-loop",
        "start-failed",
        "hard-exit",
        "queue-get-no-producer",
        "stalled",
        "all-asleep",
    ),
)
def missing_main_guard(run: Run) -> Iterator[Finding]:
    """A child imports the main script, and the script starts children itself when it is imported.

    Why it crashes:
        Under spawn and forkserver a child begins by importing the main script. Lines at its top level run again there; if one
        of them starts a process, multiprocessing refuses with a RuntimeError, and the child dies.

    How we know:
        The child died of that RuntimeError while it imported the main script, at the named line.

    What to do:
        Put everything that starts processes below `if __name__ == "__main__":`.
    """
    found: dict[Process, Event] = {}
    for event in run.of(failures.UNCAUGHT, processes.START_FAILED):
        if event.process is not None and SAYS in " ".join(event.text("message").split()):
            found.setdefault(event.process, event)
    if found:
        yield _finding(run, list(found.values()))


def _finding(run: Run, found: list[Event]) -> Finding:
    first = found[0]
    children = tuple(dict.fromkeys(event.process for event in found if event.process))
    line = shortened(run.source_line(first.site.file, first.site.line)) if first.site else ""
    return Finding(
        title=f'{_where(first)} starts processes outside of `if __name__ == "__main__":`, and every child runs it again',
        steps=tuple(
            Step("imported the main script and met that line", event.process, event.at_ns, event.site) for event in found[:3]
        ),
        why=f"{_died(children)} of it before doing any work: a child under spawn or forkserver imports the main script first.",
        fix=f'put {line or "it"}, and all else that is not a definition, below `if __name__ == "__main__":`',
        fix_at=first.site,
        processes=children,
        places=(Place("unguarded", first.site, first.process),) if first.site else (),
        evidence=tuple(
            Evidence(event.ref, f"{who(event.process)} died of a RuntimeError while it imported the script") for event in found
        ),
        details=tuple(first.text("traceback").splitlines()),
        at_ns=first.at_ns,
    )


def _where(event: Event) -> str:
    return event.site.file.rpartition("/")[2] if event.site else "the main script"


def _died(children: tuple[Process, ...]) -> str:
    return f"{who(children[0])} died" if len(children) == 1 else f"{counted(len(children), 'child', 'children')} died"
