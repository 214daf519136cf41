"""Run a job and watch it: this thread passes signals on and notes who ends how; another one (`live`) looks for hangs."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
from dataclasses import dataclass
from typing import Any

from mptrace.errors import BadUse
from mptrace.launch import child
from mptrace.launch.directory import RunDirectory, make_run_directory
from mptrace.launch.environment import bare_environment, traced_environment
from mptrace.launch.homecoming import bring_home
from mptrace.launch.job import Job
from mptrace.launch.job_watch import JobWatch
from mptrace.launch.judging import Judge
from mptrace.launch.live import Live
from mptrace.launch.meta import Meta
from mptrace.launch.notice import say
from mptrace.launch.own_log import open_log
from mptrace.launch.settings import Settings
from mptrace.launch.signals import Signals
from mptrace.launch.watch import Watch
from mptrace.observe import libc
from mptrace.observe.cgroup import oom_state
from mptrace.observe.observer_log import ObserverLog
from mptrace.wire.events import agents
from mptrace.wire.events import observations as seen

HANG_STATUS = 124


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the job ended: ``status`` as the launcher is to exit with; ``run_path`` "" if nothing could be recorded.

    ``told``: keys of the findings that were explained while it ran; ``killed``: we ended it because it hung.
    """

    status: int
    run_path: str
    ended_by: str = ""
    told: frozenset[object] = frozenset()
    killed: bool = False


def run_job(job: Job, settings: Settings, judge: Judge) -> Outcome:
    """Start a job, wait for it, and return how it ended; BadUse if it cannot be started at all."""
    directory = make_run_directory(job.label, settings.output)
    if directory.notice and not settings.quiet:
        say(f"mptrace: {directory.notice}")
    if not directory.path:
        return _run_bare(job)
    try:
        log, own_log = ObserverLog(directory.path), open_log(directory.path)
    except OSError as trouble:
        say(f"mptrace: not recorded: {directory.path}: {trouble.strerror}")
        return _run_bare(job)
    return Launch(job, settings, judge, directory, log, own_log).run()


def _run_bare(job: Job) -> Outcome:
    """Nothing can be written anywhere: the job runs all the same, and nobody watches it."""
    signals = Signals()
    main = child.start(job, bare_environment(os.environ), signals.before)
    status, ended_by = Watch(signals, main).until_end()
    return Outcome(child.as_shell(status), "", ended_by)


@dataclass(slots=True)
class Launch:
    """One recorded run."""

    job: Job
    settings: Settings
    judge: Judge
    directory: RunDirectory
    log: ObserverLog
    own_log: Any

    @property
    def run_path(self) -> str:
        """Where it is recorded."""
        return self.directory.path

    def run(self) -> Outcome:
        """Start the job, watch it, and complete the recording."""
        signals, meta = Signals(), Meta(self.run_path, self.job, self.settings)
        with contextlib.suppress(OSError):  # orphans then go to init, and their statuses are not known
            libc.become_subreaper()
        self._note_oom()
        try:
            main = child.start(self.job, traced_environment(self.run_path, os.environ), signals.before)
        except BadUse:
            self._forget()
            raise
        _raise_file_limit()
        meta.save(main=main)
        watch, live = self._watchers(signals, main)
        status, ended_by = watch.until_end()
        if live:
            live.stop()
        self._note_oom()
        killed = isinstance(watch, JobWatch) and watch.killed_for_hang
        self.log.write(seen.ENDED, status, watch.left() if isinstance(watch, JobWatch) else "")
        shown = HANG_STATUS if killed else child.as_shell(status)
        meta.end(shown, ended_by, self.log.lost)
        run_path = self._bring_home()
        signals.let_interrupts_in()
        return Outcome(shown, run_path, ended_by, frozenset(live.told if live else ()), killed)

    def _watchers(self, signals: Signals, main: int) -> tuple[Watch, Live | None]:
        """Return who watches; if that fails, somebody who only passes signals on, since the job runs already."""
        try:
            watch = JobWatch(signals, main, self.log, self.run_path, self.own_log)
            live = Live(watch, self.settings, self.judge, self.run_path, self.own_log, self.directory.shown)
            live.start()
        except Exception:
            self.own_log.error("watch", exc_info=True)
            return Watch(signals, main), None
        return watch, live

    def _forget(self) -> None:
        """There is no job, so there was no run."""
        shutil.rmtree(self.run_path, ignore_errors=True)
        if self.directory.home:
            with contextlib.suppress(OSError):
                os.unlink(self.directory.home)

    def _bring_home(self) -> str:
        """Return where the recording is from now on."""
        home = self.directory.home
        why = bring_home(self.run_path, home) if home else ""
        if not home or why:
            if why:
                self.log.write(agents.NOTE, f"the recording stays in {self.run_path}: {why}")
                say(f"mptrace: the recording stays in {self.run_path} ({why})")
            return self.run_path
        return home

    def _note_oom(self) -> None:
        state = oom_state(os.getpid())
        if state is not None:
            self.log.write(seen.OOM, state.kills, state.limit, state.usage, state.cgroup)


def _raise_file_limit() -> None:
    """A descriptor for each process of the job and for its file; the job itself has the limits that it would have had."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else 65536, hard))
