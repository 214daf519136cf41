"""Run a job and watch it: this thread passes signals on and notes who ends how; another one (`live`) looks for hangs."""

from __future__ import annotations

import contextlib
import os
import resource
from dataclasses import dataclass

from mptrace.launch import child
from mptrace.launch.directory import make_run_directory
from mptrace.launch.environment import bare_environment, traced_environment
from mptrace.launch.job import Job
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
from mptrace.observe.tree import Tree
from mptrace.wire.events import observations as seen

HANG_STATUS = 124


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the job ended: ``status`` as the launcher is to exit with; ``run_path`` "" if nothing could be recorded.

    ``told``: keys of the findings that were explained while it ran.
    """

    status: int
    run_path: str
    ended_by: str = ""
    told: frozenset[object] = frozenset()


def run_job(job: Job, settings: Settings, judge: Judge) -> Outcome:
    """Start a job, wait for it, and return how it ended; BadUse if it cannot be started at all."""
    directory = make_run_directory(job.label, settings.output)
    if directory.notice and not settings.quiet:
        say(f"mptrace: {directory.notice}")
    if directory.path:
        return _run_recorded(job, settings, judge, directory.path)
    return _run_bare(job)


def _run_bare(job: Job) -> Outcome:
    """Nothing can be written anywhere: the job runs all the same, and nobody watches it."""
    signals = Signals()
    main = child.start(job, bare_environment(os.environ), signals.before)
    status, ended_by = Watch(signals, main).until_end()
    return Outcome(child.as_shell(status), "", ended_by)


def _run_recorded(job: Job, settings: Settings, judge: Judge, run_path: str) -> Outcome:
    log, signals, meta = ObserverLog(run_path), Signals(), Meta(run_path, job, settings)
    with contextlib.suppress(OSError):  # orphans then go to init, and their statuses are not known
        libc.become_subreaper()
    _note_oom(log)
    main = child.start(job, traced_environment(run_path, os.environ), signals.before)
    _raise_file_limit()
    meta.save(main=main)
    watch = Watch(signals, main, log, Tree(log, run_path), run_path)
    live = Live(watch, settings, judge, run_path, open_log(run_path))
    live.start()
    status, ended_by = watch.until_end()
    live.stop()
    _note_oom(log)
    log.write(seen.ENDED, status, watch.left())
    shown = HANG_STATUS if watch.killed_for_hang else child.as_shell(status)
    meta.end(shown, ended_by)
    signals.let_interrupts_in()
    return Outcome(shown, run_path, ended_by, frozenset(live.told))


def _raise_file_limit() -> None:
    """A descriptor for each process of the job and for its file; the job itself has the limits that it would have had."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else 65536, hard))


def _note_oom(log: ObserverLog) -> None:
    state = oom_state(os.getpid())
    if state is not None:
        log.write(seen.OOM, state.kills, state.limit, state.usage, state.cgroup)
