"""Hints about time that is lost, on runs written by hand; what is ordinary gets none."""

from __future__ import annotations

import pytest

from mptrace.diagnose.finding import Severity
from mptrace.model.process import Tally
from mptrace.model.site import Site
from mptrace.wire.events import processes, tasks
from tests.support.story import Story, story
from tests.support.verdicts import found, one


def handed_in(line: str, count: int = 12, call: str = "Executor.submit") -> Story:
    told = story().main()
    told.told.sources = {"/job/work.py": [line]}
    for _ in range(count):
        told.event(tasks.SUBMITTED, at="work.py:1", call=call, pool=1, tasks=1)
    return told.exits(0).ends(0)


@pytest.mark.parametrize(
    "line", ["x = ex.submit(f, 1).result()", "ex.submit(f, 1).result()", "t += pool.apply_async(f, (1,)).get()"]
)
def test_a_task_that_is_waited_for_at_once_is_a_hint(line: str) -> None:
    finding = one(handed_in(line).run(live=False), "serialised-futures")
    assert finding.severity is Severity.HINT
    assert "12 tasks" in finding.title


def test_of_very_many_tasks_only_the_first_are_looked_at() -> None:
    line = "total += executor.submit(work, item).result()"
    assert "500 and more" in one(handed_in(line, 600).run(live=False), "serialised-futures").title


def test_pool_apply_waits_by_itself() -> None:
    assert found(handed_in("pool.apply(f, (x,))", call="Pool.apply").run(live=False), "serialised-futures")


@pytest.mark.parametrize(("line", "count"), [("futures.append(ex.submit(f, 1))", 12), ("x = ex.submit(f, 1).result()", 3)])
def test_tasks_that_are_in_flight_together_or_few_get_no_hint(line: str, count: int) -> None:
    assert found(handed_in(line, count).run(live=False), "serialised-futures") == []


def slow_children(starting: int, working: int, delay_ms: int = 0) -> Story:
    """Four spawned children that start, and then work, for so many tenths of a second."""
    told = story()
    for number in range(4):
        told.process(f"w-{number}").actor.process.start_method = "spawn"
        for _ in range(starting):
            told.tick()
        told.event(processes.IMPORTED, modules=90, packages="", delay_ms=delay_ms)
        told.event(processes.RUNNING)
        for _ in range(working):
            told.tick()
        told.exits(0)
    return told.main().exits(0).ends(0)


def test_children_that_mostly_start_are_a_hint_with_the_share() -> None:
    assert "% of their life starting" in one(slow_children(20, 5).run(live=False), "slow-start").title


def test_a_slow_start_is_told_by_its_phases_with_the_import_to_move() -> None:
    told = story()
    told.told.meta.script = "/job/job.py"
    told.told.sources = {"/job/job.py": ["import os", "from torch.nn import Linear"]}
    for number in range(3):
        told.process(f"w-{number}").actor.process.start_method = "spawn"
        told.event(processes.BOOTED)
        for _ in range(15):
            told.tick()
        told.event(processes.BOOTSTRAP_PHASE, phase="process received", error="")
        told.event(processes.IMPORTED, modules=1900, packages="torch 1480, numpy 210, filelock 3, sympy 2", delay_ms=100)
        told.event(processes.RUNNING)
        told.exits(0)
    finding = one(told.main().exits(0).ends(0).run(live=False), "slow-start")
    assert finding.why == (
        "w-1 took 0.1 s for the interpreter and 1.6 s for the main script and what it imports: 1,900 modules, 1480 of torch, "
        "210 of numpy."
    )
    assert finding.fix.startswith("import torch only where it is needed")
    assert str(finding.fix_at) == "/job/job.py:2"


@pytest.mark.parametrize(("starting", "working", "delay_ms"), [(20, 60, 0), (2, 1, 0), (20, 5, 1900), (20, 5, -1)])
def test_children_that_work_for_long_start_quickly_or_wait_for_a_core_get_no_hint(
    starting: int, working: int, delay_ms: int
) -> None:
    assert found(slow_children(starting, working, delay_ms).run(live=False), "slow-start") == []


def many_children(count: int, life: int) -> Story:
    told, site = story(), Site("/job/job.py", 16)
    for number in range(count):
        told.process(f"w-{number}").actor.process.start_site = site
        for _ in range(life):
            told.tick()
        told.exits(0)
    return told.main().exits(0).ends(0)


def test_a_process_for_each_task_is_a_hint() -> None:
    finding = one(many_children(40, 0).run(live=False), "process-churn")
    assert str(finding.fix_at) == "/job/job.py:16"
    assert "40 processes" in finding.title


@pytest.mark.parametrize(("count", "life"), [(8, 0), (40, 9)])
def test_few_children_or_long_ones_get_no_hint(count: int, life: int) -> None:
    assert found(many_children(count, life).run(live=False), "process-churn") == []


def busy_queue(count: int, producers: int = 1) -> Story:
    told = story().queue("numbers")
    pipe = told.resource("numbers").parts["_reader"]
    for number in range(producers):
        told.process(f"p-{number}").actor.process.tallies = [Tally(pipe, sent=count)]
        told.exits(0)
    told.main_process.tallies = [Tally(pipe, received=count * producers)]
    return told.main().exits(0).ends(0)


def test_a_busy_queue_between_two_processes_could_be_a_pipe() -> None:
    title = one(busy_queue(60_000).run(live=False), "queue-where-pipe-would-do").title
    assert title == "numbers carried 60,000 items from p-0 to MainProcess alone: a Pipe would do"


@pytest.mark.parametrize(("count", "producers"), [(100, 1), (60_000, 2)])
def test_a_quiet_queue_or_one_with_several_producers_is_in_its_place(count: int, producers: int) -> None:
    assert found(busy_queue(count, producers).run(live=False), "queue-where-pipe-would-do") == []
