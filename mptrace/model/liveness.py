"""Which threads may act of their own accord at a moment, and why: those that run, sleep, or wait for something not seen."""

from __future__ import annotations

from signal import Signals

from mptrace.model.moment import Look, Moment, Wait
from mptrace.model.process import Process, Role, Thread, ThreadRole

NOT_SEEN_NS = 5_000_000_000
"""A child that nobody but its parent told of, and whose start is so long ago, is not there any more."""

SERVICES = (Role.FORKSERVER, Role.TRACKER, Role.MANAGER)
"""Processes that only answer what others ask."""

TIMERS = (Signals.SIGALRM, Signals.SIGVTALRM, Signals.SIGPROF)
"""Signals that a timer of the process sends: a handler wakes the program if the timer runs."""

USERS = (Signals.SIGUSR1, Signals.SIGUSR2, Signals.SIGIO)
"""Signals that somebody has to send, whose handler may be meant to wake the program, whatever its code seems to do.

Of the others (SIGTERM, ...) only a handler whose code may wake somebody counts.
"""

TELLING = frozenset(Signals) - {Signals.SIGCHLD, Signals.SIGWINCH}
"""Signals that somebody sends to a program on purpose."""

HANDLER = "may be woken by its handler"
"""So begins why a thread is live that only a handler of its own process can wake."""

_BY_CHANNEL = (
    ("nanosleep", "sleeps"),
    ("futex", "waits for a lock that mptrace does not see"),
    ("accept", "waits for a connection on a socket"),
    ("tty", "reads from the terminal"),
    ("do_wait", "waits for a child process"),
    ("pipe", "reads or writes a pipe that mptrace does not see"),
    ("select", "waits for files or sockets"),
    ("poll", "waits for files or sockets"),
    ("sigsuspend", "waits for a signal"),
    ("sigtimedwait", "waits for a signal"),
    ("lock", "waits for a lock on a file"),
    ("skb", "waits for a socket"),
    ("unix_stream", "waits for a socket"),
    ("sk_wait", "waits for a socket"),
)
_BY_CALL = {
    "0": "reads from a file or pipe", "7": "waits for files or sockets", "23": "waits for files or sockets", "34": "waits for a signal",
    "35": "sleeps", "43": "waits for a connection on a socket", "45": "waits for a socket", "47": "waits for a socket",
    "61": "waits for a child process", "73": "waits for a lock on a file", "202": "waits for a lock that mptrace does not see",
    "230": "sleeps", "232": "waits for files or sockets", "247": "waits for a child process", "270": "waits for files or sockets",
    "271": "waits for files or sockets", "281": "waits for files or sockets", "288": "waits for a connection on a socket",
}  # fmt: skip
"""By number of the system call, on x86-64."""


def is_service(thread: Thread) -> bool:
    """Does it only do what others ask of it?"""
    return thread.role.is_service or thread.process.role in SERVICES


def is_there(process: Process, moment: Moment) -> bool:
    """Was this process running, as far as anybody can tell?"""
    if process not in moment.processes:
        return False
    told_only = not process.traced and not process.command
    return not told_only or moment.at_ns - process.started_ns < NOT_SEEN_NS


def threads_at(process: Process, moment: Moment) -> list[Thread]:
    """Return the threads of a process that can act on its Python objects: not those that had ended, nor native ones."""
    looked_at = {thread for thread in moment.looks if thread.process is process}
    with_stacks = any(moment.looks[thread].stack for thread in looked_at)
    found = []
    for thread in process.threads:
        if thread.ended or (looked_at and thread not in looked_at):
            continue
        if with_stacks and not thread.runs_python and not moment.looks[thread].stack:
            continue
        found.append(thread)
    return found


def why_live(thread: Thread, wait: Wait | None, moment: Moment) -> str:
    """Say why a thread may act without anybody waking it; "" if it may not."""
    look = moment.looks.get(thread)
    if _is_handler(thread):
        return ""
    if thread in moment.running or (look and (look.state == "R" or look.still is False)):
        return "runs"
    if wait is not None:
        return _why_wait_ends(wait) or _why_interrupted(thread, moment)
    if is_service(thread):
        return "" if _is_idle(thread, look, moment) else "is at work"
    return _what_it_does(look)


def _why_wait_ends(wait: Wait) -> str:
    if wait.timeout_ns is None:
        return ""
    return f"waits with a timeout of {wait.timeout_ns / 1e9:.3g} s"


def _why_interrupted(thread: Thread, moment: Moment) -> str:
    """A main thread that waits may still run a handler of the program: for a timer that may run, or one whose code may wake somebody."""
    if thread.role is not ThreadRole.MAIN:
        return ""
    process, caught = thread.process, moment.caught.get(thread.process, 0)
    timers = (timer for timer in TIMERS if _is_in(timer, caught) and process.timer_may_run(timer, moment.at_ns))
    waking = (Signals(number) for number in process.handlers if number in TELLING)
    return next((f"{HANDLER} for {signal.name}" for signal in (*timers, *waking)), "")


def why_doubted(thread: Thread, moment: Moment) -> str:
    """Say which handler may still wake a thread if somebody sent its signal, or a timer that nobody saw being set; "" if none."""
    if thread.role is not ThreadRole.MAIN:
        return ""
    caught = moment.caught.get(thread.process, 0)
    return next((f"{HANDLER} for {signal.name}" for signal in (*TIMERS, *USERS) if _is_in(signal, caught)), "")


def _is_in(signal: Signals, mask: int) -> bool:
    return bool(mask >> (signal - 1) & 1)


def _is_handler(thread: Thread) -> bool:
    """A pool's worker handler looks around from time to time, and does nothing but replace dead workers."""
    return thread.role is ThreadRole.POOL_WORKERS or thread.process.role in SERVICES


def _is_idle(thread: Thread, look: Look | None, moment: Moment) -> bool:
    """Does a service thread that waits for nothing we know have nothing to do?"""
    if thread.role is ThreadRole.POOL_RESULTS:  # it always waits for results, unless it runs a callback of the program
        return moment.final
    return look.still is True if look is not None else moment.final


def _what_it_does(look: Look | None) -> str:
    if look is not None:
        for part, says in _BY_CHANNEL:
            if part in look.wchan:
                return says
        call = look.syscall.split(" ", 1)[0]
        if call in _BY_CALL:
            return _BY_CALL[call]
    return "runs, or waits for something that mptrace does not see"
