"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deaths import FATAL, MISSED, begun, death_evidence, is_library, program_frame, was_ordered
from mptrace.diagnose.finding import Finding, Place, Severity, Step
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import signal_name, who
from mptrace.model.process import Process
from mptrace.model.run import Run
from mptrace.model.site import Site


@rule(explains=(*MISSED, "uncaught-exception"))
def segfault(run: Run) -> Iterator[Finding]:
    """A process died of a fatal signal of its own making: SIGSEGV, SIGBUS, SIGFPE, SIGILL or SIGABRT.

    Why it crashes:
        Native code (an extension module, ctypes, a library below them) did something that the processor or the C library does
        not allow. Python cannot catch that: the process is gone at once, without a traceback.

    How we know:
        Its exit status says the signal, and nobody sent it. The line is the innermost one of the program on the Python stack
        at the moment of death.

    What to do:
        Look at what the named line hands to native code. Run that call alone, in one process, to get a native stack.
    """
    for process in run.processes:
        ended = process.exit
        if ended is not None and ended.signal in FATAL and not ended.by and not was_ordered(run, process):
            yield _finding(run, process, ended.signal or 0)


def _finding(run: Run, process: Process, number: int) -> Finding:
    at = program_frame(process)
    inside = f", in {at.function}()" if at and at.function not in ("", "<module>") else ""
    return Finding(
        title=f"{who(process)} died of {signal_name(number)}{_meaning(process)}{inside}",
        steps=(*begun(run, process), Step(f"died of {signal_name(number)}", process, process.ended_ns, at)),
        why="A fatal signal leaves no exception: only its exit status tells.",
        fix=_fix(process, at),
        fix_at=at,
        processes=(process,),
        places=tuple(_places(process, at)),
        evidence=tuple(death_evidence(run, process)),
        details=tuple(process.last_words),
        at_ns=process.ended_ns,
        lowered=Severity.HINT if run.meta.attached else None,  # nobody can see whether the program has looked at its exit code
    )


def _meaning(process: Process) -> str:
    return f" ({process.fatal_error.lower()})" if process.fatal_error and len(process.fatal_error) < 40 else ""


def _places(process: Process, at: Site | None) -> Iterator[Place]:
    if at is not None:
        yield Place("death", at, process)
    if process.start_site is not None:
        yield Place("start", process.start_site, process.parent)


def _fix(process: Process, at: Site | None) -> str:
    if at is None:
        return f"run what {who(process)} does in one process under `python -X faulthandler`, to see the line"
    native = next((site for site in process.fatal_stack if is_library(site.file)), None)
    through = f" (through {native.function})" if native and native is process.fatal_stack[0] else ""
    return f"check what this line hands to native code{through}:"
