"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.deaths import told_of
from mptrace.diagnose.finding import Evidence, Finding, Place, Step, Verdict
from mptrace.diagnose.folding import ANY_WAIT
from mptrace.diagnose.hang import hang
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import Standstill, standstills
from mptrace.diagnose.wording import call_of, signal_name, who
from mptrace.model.event import Event
from mptrace.model.moment import Wait
from mptrace.model.process import Process
from mptrace.model.run import Run
from mptrace.wire import wait as kinds
from mptrace.wire.events import processes

LONG_NS = 1_000_000_000
"""A signal that a process has had for so long, and that has not ended it, will not."""


@rule(needs=("process",), explains=(ANY_WAIT,))
def termination_ignored(run: Run) -> Iterator[Finding]:
    """A process was told to end by a signal that it ignores, blocks or handles, and its parent waits for its end.

    Why it hangs:
        terminate() only sends SIGTERM. A process may ignore it, block it, or have inherited a handler of its parent's that does
        not end it (fork copies handlers, and what is ignored stays ignored even over an exec). Then join() waits for an end
        that has not been brought any nearer.

    How we know:
        The signal was sent before the wait began, the process has been alive for a second since, and the kernel says that it
        ignores or blocks the signal, or that there is a handler and the process waits without an end all the same. Proven only
        if the process cannot go on at all; it may still come to an end of its own. In a job that was not traced, the signal lies
        before the process still, or only the program's text says that it was sent: likely.

    What to do:
        Restore the default at the beginning of the child: signal.signal(signal.SIGTERM, signal.SIG_DFL), or end it through an
        Event or a sentinel. As a last resort join(timeout), then kill().
    """
    for standstill in standstills(run):
        for wait in standstill.moment.waits:
            child = wait.target
            if wait.kind == kinds.REAP and not wait.timed and isinstance(child, Process) and child in standstill.moment.processes:
                event = _sent(standstill, wait, child)
                how = _how(standstill, child, event.number("signal")) if event else ""
                if event and how and standstill.holds_for([wait]):
                    yield _finding(standstill, wait, child, event, how)


def _sent(standstill: Standstill, wait: Wait, child: Process) -> Event | None:
    """Return the signal that this process sent to the child before it began to wait."""
    told = told_of(standstill.run, child, processes.SIGNALLED, processes.ASKED_TO_END)
    sent = [event for event in told if event.process is wait.thread.process]
    before = [event for event in sent if event.at_ns <= wait.since_ns and event.at_ns <= standstill.moment.at_ns - LONG_NS]
    return before[-1] if before else None


def _how(standstill: Standstill, child: Process, number: int) -> str:
    moment, bit = standstill.moment, 1 << (number - 1) if number > 0 else 0
    if moment.ignored.get(child, 0) & bit:
        return "ignores"
    if moment.blocked.get(child, 0) & bit:
        return "blocks"
    main = child.main_thread
    stuck = main is not None and moment.wait_of(main) is not None and main in standstill.graph.stuck
    return "has a handler for" if moment.caught.get(child, 0) & bit and stuck else ""


def _call(event: Event) -> str:
    """Return what sent the signal: terminate, kill; "" if only the signal was seen."""
    return event.text("call").rpartition(".")[2] or ("" if event.kind is processes.ASKED_TO_END else "kill")


def _evidence(event: Event, sent: str) -> str:
    return f"{sent}: so its text says" if event.text("how") == "text" else sent


def _finding(standstill: Standstill, wait: Wait, child: Process, event: Event, how: str) -> Finding:
    name, call = signal_name(event.number("signal")), _call(event)
    of = f" of {call}()" if call else " that it was sent"
    parent = wait.thread.process
    blocked = child.main_thread is not None and child.main_thread in standstill.graph.stuck
    finding = hang(
        standstill,
        [wait],
        title=f"{who(parent)} waits in {call_of(wait)}, which {how} the {name}{of}",
        why=f"{f'{call}() only sends {name}' if call else f'{name} only asks'}; {who(child)} {how} it and goes on as before, so {call_of(wait)} waits for an end that was not brought about.",
        fix=f"let {who(child)} end by an Event or a sentinel, or call signal.signal(signal.{name}, signal.SIG_DFL) at its beginning; the signal is sent at",
        fix_at=event.site,
        steps=[Step(f"sends {name} to {who(child)}", parent, event.at_ns, event.site)],
        processes=[child],
        places=[Place("signalled", event.site, parent)] if event.site else [],
        doubts=[
            *([] if blocked else [f"{who(child)} may still come to an end of its own"]),
            *([f"that {name} was sent, only the program's text says"] if event.text("how") == "text" else []),
        ],
    )
    finding.evidence += (Evidence(event.ref, _evidence(event, f"{who(parent)} sent {name} to {who(child)}")),)
    if finding.verdict is Verdict.PROVEN and how.startswith("has"):
        finding.verdict, finding.details = Verdict.LIKELY, (f"what its handler for {name} does was not seen",)
    return finding
