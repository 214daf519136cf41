"""What a process does at a moment, or how it ended, in a few words and with its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mptrace.collect.sources import is_program
from mptrace.diagnose.wording import doing as doing_words
from mptrace.model.process import Exit, Process, Thread
from mptrace.model.resource import Resource
from mptrace.report.names import actor_name, exit_words
from mptrace.report.plain import shorten
from mptrace.wire import wait as kinds
from mptrace.wire.events import failures

if TYPE_CHECKING:
    from mptrace.model.moment import Doing, Moment, Wait
    from mptrace.model.run import Run
    from mptrace.model.site import Site

_LONGEST_TASK = 40
_STATES = {"S": "waits outside of multiprocessing", "T": "stopped", "t": "stopped by a debugger"}


@dataclass(frozen=True, slots=True)
class Deed:
    """``says`` without a time; ``since_ns``: since when; ``like``: what is equal of like processes; ``gone``: it has ended."""

    says: str
    since_ns: int | None = None
    site: Site | None = None
    like: str = ""
    gone: bool = False

    @property
    def key(self) -> object:
        """What makes two of them alike."""
        return (self.like or self.says, self.site, self.gone, self.since_ns is None)


def deed_of(process: Process, run: Run, moment: Moment | None) -> Deed:
    """Return what a process did at this moment; how it ended, if it had ended by then or there is no moment."""
    then = moment is not None and not moment.final and process.alive_at(moment.at_ns)
    if not then and (process.exit is not None or process.ended_ns is not None):
        return _end(process, run, moment)
    if moment is not None:
        deed = _deed_at(process, moment)
        if deed is not None:
            return deed
    if not process.traced:
        return Deed(f"not traced: {process.why_untraced}" if process.why_untraced else "not traced")
    return Deed("running" if run.meta.end_ns is None or then else "how it ended was not seen")


def _deed_at(process: Process, moment: Moment) -> Deed | None:
    main = process.main_thread or (process.threads[0] if process.threads else None)
    if main is None:
        return None
    doing = next((doing for doing in moment.doings if doing.thread.process is process), None)
    wait = moment.wait_of(main)
    if wait is not None:
        return _waiting(wait, process, moment, doing)
    if doing is not None:
        return Deed(shorten(doing.text, _LONGEST_TASK), doing.since_ns, _where(main, moment), like=doing.text.split("(", 1)[0])
    look = moment.looks.get(main)
    if look is None:
        return None
    if look.still is False or look.state == "R":
        return Deed("running", None, _where(main, moment))
    return Deed(_STATES.get(look.state, "running"), None, _where(main, moment))


def _waiting(wait: Wait, process: Process, moment: Moment, doing: Doing | None) -> Deed:
    told = wait.call
    if doing is None and process.pool is not None and _outermost(told) is process.pool:
        return Deed("idle", wait.since_ns, process.pool.created_at)
    return Deed(wait_words(wait) + _held_by(wait, moment), told.since_ns, told.site or wait.site)


def wait_words(wait: Wait) -> str:
    """Return ``wants cache``, ``results.get()``, ``join() of loader-1, timeout 5 s``."""
    timeout_ns = wait.call.timeout_ns
    timeout = f", timeout {timeout_ns / 1e9:g} s" if timeout_ns is not None else ""
    return doing_words(wait).removeprefix("waits in ") + timeout


def _held_by(wait: Wait, moment: Moment) -> str:
    if wait.resource is None or wait.kind not in (kinds.ACQUIRE, kinds.MUTEX_WAIT):
        return ""
    holders = list(dict.fromkeys(actor_name(hold.thread) for hold in moment.holders_of(wait.resource)))
    return f", held by {holders[0]}" if len(holders) == 1 else ""


def _outermost(wait: Wait) -> Resource | None:
    return wait.resource.outermost if wait.resource is not None else None


def _where(thread: Thread, moment: Moment) -> Site | None:
    look = moment.looks.get(thread)
    return next((site for site in look.stack if is_program(site.file)), None) if look else None


def _end(process: Process, run: Run, moment: Moment | None) -> Deed:
    end = process.exit
    if end is None or not end.known:
        return Deed("ended, exit status not known", gone=True)
    if end.signal is not None:
        return Deed(_killed(end, _last_task(process, moment)), None, end.by_site, gone=True)
    error = next((event for event in run.of(failures.UNCAUGHT) if event.process is process), None)
    if error is not None and not end.clean:
        kind = f"{exit_words(end)}, {error.text('error').rpartition('.')[2]}"
        message = next(iter(error.text("message").splitlines()), "")
        return Deed(f"{kind}: {_begun(message)}" if message else kind, None, error.site, like=kind, gone=True)
    return Deed(exit_words(end), None, None if end.clean else end.by_site, gone=True)


def _begun(message: str) -> str:
    """Return the beginning of an error's message, up to a word."""
    return message if len(message) <= _LONGEST_TASK else f"{message[:_LONGEST_TASK].rpartition(' ')[0]} ..."


def _last_task(process: Process, moment: Moment | None) -> str:
    doing = next((doing for doing in moment.doings if doing.thread.process is process), None) if moment else None
    return f" in {shorten(doing.text, _LONGEST_TASK)}" if doing else ""


def _killed(end: Exit, task: str) -> str:
    """That nobody in the job sent the signal is told where there is no task to tell of: a tree's lines are short."""
    words = exit_words(end)
    return words.removesuffix(" from outside the job") + task if task else words
