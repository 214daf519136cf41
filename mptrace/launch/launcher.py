"""Run a job and watch it: the main thread passes signals on and notes exits, a second thread looks for hangs."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from mptrace.launch import child
from mptrace.launch.directory import make_run_directory
from mptrace.launch.environment import bare_environment, traced_environment
from mptrace.launch.job import Job
from mptrace.launch.meta import Meta
from mptrace.launch.settings import Settings
from mptrace.launch.signals import ENDING, Signals, Taken, has_reached_job
from mptrace.observe import libc
from mptrace.observe.observer_log import ObserverLog
from mptrace.wire.events import observations as seen


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the job ended: ``status`` as the launcher is to exit with; ``run_path`` "" if nothing could be recorded."""

    status: int
    run_path: str
    ended_by: str = ""


def run_job(job: Job, settings: Settings) -> Outcome:
    """Start a job, wait for it, and return how it ended; BadUse if it cannot be started at all."""
    directory = make_run_directory(job.label, settings.output)
    if directory.notice:
        print(f"mptrace: {directory.notice}", file=sys.stderr)
    return Launch(job, settings, directory.path).run()


class Launch:
    """One run of one job."""

    def __init__(self, job: Job, settings: Settings, run_path: str) -> None:
        self.job, self.settings, self.run_path = job, settings, run_path
        self.signals = Signals()
        self.ended_by = ""
        self.meta = Meta(run_path, job, settings) if run_path else None
        self.log = ObserverLog(run_path) if run_path else None

    def run(self) -> Outcome:
        """Start, watch, end."""
        environment = traced_environment(self.run_path, os.environ) if self.run_path else bare_environment(os.environ)
        self._become_subreaper()
        self.main = child.start(self.job, environment, self.signals.before)
        status = self._watch()
        shown = child.as_shell(status)
        if self.log and self.meta:
            self.log.write(seen.ENDED, status, "")
            self.meta.end(shown, self.ended_by)
        return Outcome(shown, self.run_path, self.ended_by)

    def _become_subreaper(self) -> None:
        try:
            libc.become_subreaper()
        except OSError:  # orphans then go to init, and their statuses are not known
            pass

    def _watch(self) -> int:
        poll = select.epoll()
        if self.signals.descriptor >= 0:
            poll.register(self.signals.descriptor, select.EPOLLIN)
        while True:
            poll.poll(0.25)
            for taken in self.signals.take():
                self._handle(taken)
            ended = os.waitid(os.P_PID, self.main, os.WEXITED | os.WNOHANG)
            if ended is not None:
                return child.status_of(ended)

    def _handle(self, taken: Taken) -> None:
        if taken.number == signal.SIGCHLD:
            if child.stopped_by(self.main):
                os.kill(os.getpid(), signal.SIGSTOP)
                os.kill(self.main, signal.SIGCONT)
            return
        if self.log:
            self.log.write(seen.SIGNAL, taken.number, taken.sender)
        if taken.number in ENDING:
            self.ended_by = "Ctrl-C" if taken.number == signal.SIGINT else signal.Signals(taken.number).name
        if not has_reached_job(taken):
            os.kill(self.main, taken.number)
