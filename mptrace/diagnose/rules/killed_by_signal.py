"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator
from signal import SIGTERM, Signals

from mptrace.diagnose.deaths import FATAL, MISSED, begun, death_evidence, is_expected, is_library_made, last_task, program_frame
from mptrace.diagnose.finding import Finding, Place, Severity, Step
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import how_it_ended, signal_name, who
from mptrace.model.process import Exit, Process, Role
from mptrace.model.run import Run
from mptrace.model.site import Site

ORDINARY = (Signals.SIGPIPE, Signals.SIGTERM, Signals.SIGINT, Signals.SIGHUP, Signals.SIGQUIT)
"""What ends a whole job as its user wants it: a reader that has gone (``| head``), a supervisor, Ctrl-C, a closed terminal."""


@rule(explains=(*MISSED, "orphaned"))
def killed_by_signal(run: Run) -> Iterator[Finding]:
    """A process was ended by a signal, and nobody in the program ordered or noticed it.

    Why it crashes:
        A signal such as SIGKILL ends a process between two instructions: no exception, no `finally`, no traceback. What it
        held stays held, and what it was to send is never sent.

    How we know:
        Its exit status says the signal; where it was is told of SIGTERM. The sender is known if it is a process of the job; otherwise the signal came from
        outside: a person, a supervisor, or the kernel.

    What to do:
        Find out who sends the signal. In the parent, look at `exitcode` after `join()`, and treat a negative one as a loss.
    """
    for process in run.processes:
        ended = process.exit
        if ended is not None and ended.signal is not None and ended.signal not in FATAL and _matters(run, process):
            yield _finding(run, process, ended)


def _matters(run: Run, process: Process) -> bool:
    ended = process.exit
    if process.role is Role.MAIN and ended is not None and ended.signal in ORDINARY:
        return False
    if run.meta.attached and ended is not None and ended.signal == SIGTERM:  # as terminate() sends it: no news by itself
        return False
    unnoticed = is_library_made(process) and process.role not in (Role.WORKER, Role.EXECUTOR_WORKER)
    return (unnoticed or last_task(run, process) is not None) and not is_expected(run, process)


def _finding(run: Run, process: Process, ended: Exit) -> Finding:
    was_at = program_frame(process)
    fix, at = _fix(process, ended)
    return Finding(
        title=f"{who(process)} {how_it_ended(ended)}",
        steps=(*begun(run, process), *_steps(process, ended, was_at)),
        why=_why(run, process),
        fix=fix,
        fix_at=at,
        processes=(process,),
        places=tuple(
            Place(role, site, process)
            for role, site in (("death", ended.by_site), ("was at", was_at), ("start", process.start_site))
            if site
        ),
        evidence=tuple(death_evidence(run, process)),
        details=tuple(process.last_words),
        at_ns=process.ended_ns,
        lowered=Severity.HINT if run.meta.attached else None,
    )


def _steps(process: Process, ended: Exit, was_at: Site | None) -> Iterator[Step]:
    yield Step(how_it_ended(ended), process, process.ended_ns, ended.by_site)
    if was_at is not None:
        yield Step(f"was in {was_at.function}() then", process, process.ended_ns, was_at)


def _why(run: Run, process: Process) -> str:
    if run.meta.attached:
        return "Whether the program has looked at its exit code cannot be seen from outside."
    if process.role is Role.MAIN:
        return ""
    if run.main is not None and run.main.exit is not None and not run.main.exit.clean:
        return "Its exit code is all that tells of it: such a death leaves no exception and no traceback."
    return "Nobody looked at its exit code: the program went on as if it had done its work."


def _fix(process: Process, ended: Exit) -> tuple[str, Site | None]:
    if ended.by_site is not None:
        return (
            f"do not send {signal_name(ended.signal or 0)} to {who(process)} here, or check its exit code after join():",
            ended.by_site,
        )
    who_sends = (
        "find out who sends SIGKILL (the kernel when memory runs out, a supervisor, a person)"
        if ended.signal == 9
        else (f"find out who sends {signal_name(ended.signal or 0)}")
    )
    if process.role is Role.MAIN:
        return who_sends, None
    return f"{who_sends}, and check exitcode of {who(process)} after join()", None
