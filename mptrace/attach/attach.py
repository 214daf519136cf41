"""Attach to a hanging job from outside: look, read, look again, and write what was seen into a run directory."""

from __future__ import annotations

import time
from dataclasses import dataclass

from mptrace.attach.asking import ask
from mptrace.attach.books import confirm_losses, keep_books
from mptrace.attach.children import know_children
from mptrace.attach.composites import note_composites
from mptrace.attach.directory import make_directory
from mptrace.attach.executors import know_executors
from mptrace.attach.forks import know_forks
from mptrace.attach.insight import Insight, gain_insights
from mptrace.attach.job import find_job
from mptrace.attach.looks import look
from mptrace.attach.memory import Memory
from mptrace.attach.names import JobNames
from mptrace.attach.orphans import know_orphans
from mptrace.attach.pools import know_pools
from mptrace.attach.respawns import watch_pools
from mptrace.attach.sight import Sight
from mptrace.attach.stacks import add_stacks
from mptrace.attach.starts import know_starts
from mptrace.attach.terminations import know_terminations
from mptrace.attach.waiting import read_intents, read_waits, settle
from mptrace.attach.work import know_work
from mptrace.attach.writing import write_run


@dataclass(frozen=True, slots=True)
class Attached:
    """What an attach left behind: ``path`` of the run directory; ``pause_ns``: the longest time a process was stopped."""

    path: str
    processes: int
    took_ns: int
    pause_ns: int = 0


def attach(pid: int, output: str = "", *, inside_s: float = 0.0) -> Attached:
    """Look at the job that ``pid`` belongs to and write what was seen; MptraceError if there is nothing to look at.

    Nothing is stopped, signalled or changed; every step is bounded in time. ``inside_s``: but first, ask its processes to tell of
    themselves, and wait so long for their answers.
    """
    began_ns = time.monotonic_ns()
    answers = ask(find_job(pid), inside_s) if inside_s else []
    sight = see(pid, began_ns)
    sight.answers = answers
    path = make_directory(sight.job, output)
    write_run(sight, path)
    pause_ns = max((answer.took_ns for answer in answers), default=0)
    return Attached(path, len(sight.job.processes), time.monotonic_ns() - began_ns, pause_ns)


TRIES = 4
"""How often a job is looked at anew because a process has joined it meanwhile; after that, it is told as one that still grows."""


def see(pid: int, began_ns: int) -> Sight:
    """Look at a job, read what it waits for, and look again, until it is the same processes at both looks."""
    for _ in range(TRIES):
        memories: dict[int, Memory] = {}
        sight, insights = _look_twice(pid, began_ns, memories)
        if not sight.newcomers:
            break
        _close(memories)
    know_forks(sight)
    watch_pools(sight, insights)
    sight.job.drop_the_gone()
    sight.excuse_the_young()
    _close(memories)
    return sight


def _look_twice(pid: int, began_ns: int, memories: dict[int, Memory]) -> tuple[Sight, dict[int, Insight]]:
    job = find_job(pid)
    look(job)
    sight = Sight(job, JobNames(job), began_ns)
    add_stacks(sight)
    memories.update({process.pid: Memory(process.pid) for process in job.living})
    insights = gain_insights(sight, memories)
    know_children(sight, insights)
    read_waits(sight, memories)
    read_intents(sight, insights)
    know_pools(sight, insights)
    know_executors(sight, insights)
    know_work(sight, insights)
    keep_books(sight, insights)
    note_composites(sight, insights)
    know_orphans(sight, insights)
    look(job)
    sight.newcomers = job.newcomers()
    know_starts(sight)
    confirm_losses(sight, insights)
    settle(sight)
    know_terminations(sight)
    return sight, insights


def _close(memories: dict[int, Memory]) -> None:
    for memory in memories.values():
        memory.close()
