"""Rules about ends that went unnoticed and things that were left behind, on runs written by hand."""

from __future__ import annotations

import pytest

from mptrace.diagnose.finding import Severity, Verdict
from mptrace.model.process import Role
from mptrace.model.resource import Resource
from mptrace.model.site import Site
from mptrace.wire import wait as waits
from mptrace.wire.events import failures, observations, processes, resources, tasks
from mptrace.wire.resource import SEGMENT
from tests.support.story import Story, story
from tests.support.verdicts import found, loud, one

FINITE = ["def save(rows):", "    for row in rows:", "        write(row)"]
SERVICE = ["def save(rows):", "    while True:", "        write(rows.get())"]


def cut_daemon(source: list[str], call: str = "exit") -> Story:
    """A daemonic child that ran the function at /job/work.py:1 when its parent sent it SIGTERM."""
    told = story().process("saver", daemon=True)
    saver = told.actor.process
    saver.target_site = Site("/job/work.py", 1, "save")
    told.told.sources = {"/job/work.py": source}
    told.main().event(processes.SIGNALLED, child=saver.pid, signal=15, call=call)
    return told.process("saver").dies(15, by="MainProcess").main().exits(0).ends(0)


def test_a_daemon_that_was_ended_in_a_loop_with_an_end_is_told_with_the_loop() -> None:
    finding = one(cut_daemon(FINITE).run(live=False), "daemon-cut-off")
    assert finding.title == "saver was ended in the middle of save(): it is a daemon, and MainProcess came to its end"
    assert [place.site.line for place in finding.places if place.role == "cut off"] == [2]
    assert finding.verdict is Verdict.LIKELY


@pytest.mark.parametrize("source", [SERVICE, [], ["def save(rows):", "    serve_forever()"], ["def save(rows):", "    for row in iter(rows.get, None):", "        pass"]])  # fmt: skip
def test_a_daemon_that_is_a_service_is_not_missed(source: list[str]) -> None:
    assert found(cut_daemon(source).run(live=False), "daemon-cut-off") == []


def test_a_daemon_that_the_program_terminated_was_meant_to_end() -> None:
    assert found(cut_daemon(FINITE, call="Process.terminate").run(live=False), "daemon-cut-off") == []


def hidden_death() -> Story:
    """A worker of an executor that died two seconds ago, whose future the main process waits for."""
    told = story().pool("executor", "ProcessPoolExecutor").process("w-1", Role.EXECUTOR_WORKER).in_pool("executor").dies(9)
    for _ in range(20):
        told.tick()
    return told.main().waits(waits.FUTURE, told.resource("executor"), at="job.py:40")


def test_a_dead_worker_that_nobody_noticed_is_told() -> None:
    finding = one(hidden_death().run(), "death-hidden")
    assert finding.verdict is Verdict.LIKELY
    assert "w-1 was killed by SIGKILL" in finding.title


def test_the_child_of_the_dead_that_keeps_its_pipe_open_is_named() -> None:
    told = hidden_death()
    told.process("helper", parent="w-1")
    finding = one(told.run(), "death-hidden")
    assert finding.verdict is Verdict.PROVEN
    assert "helper, a child of the dead, keeps its pipe open" in finding.title


def test_a_parent_that_ignores_sigchld_is_named() -> None:
    told = hidden_death()
    told.event(observations.NATIVE, moment=1, pid=told.main_process.pid, ignored=1 << 16)
    assert "ignores SIGCHLD" in one(told.run(), "death-hidden").title


def test_a_death_that_the_executor_noticed_is_not_hidden() -> None:
    told = hidden_death()
    told.event(tasks.BROKEN, pool=told.resource("executor").key)
    assert found(told.run(), "death-hidden") == []


def dead_children(count: int, reaped_after: int) -> Story:
    """Children that end at once, and are asked for after so many tenths of a second."""
    told, names = story(), [f"to-{number}" for number in range(count)]
    for name in names:
        told.process(name).exits(0)
    for _ in range(reaped_after):
        told.tick()
    for name in names:
        child = told.find_process(name)
        told.main().event(processes.REAPED, child=child.pid if child else 0, code=0)
    return told.exits(0).ends(0)


def test_children_that_nobody_joins_for_long_are_a_hint() -> None:
    finding = one(dead_children(4, 50).run(live=False), "zombie")
    assert finding.severity is Severity.HINT
    assert finding.title == "4 children of MainProcess ended and were never joined"


@pytest.mark.parametrize(("count", "reaped_after"), [(2, 50), (4, 5)])
def test_a_few_children_or_a_short_while_are_no_trouble(count: int, reaped_after: int) -> None:
    assert found(dead_children(count, reaped_after).run(live=False), "zombie") == []


def block(told: Story, number: int) -> Story:
    return told.main().event(resources.MADE, at="job.py:17", family=SEGMENT, key=number, detail="psm_1", number=4096)


def test_blocks_that_nobody_unlinked_are_told_by_the_line_that_made_them() -> None:
    told = block(block(story(), 1), 2).exits(0).ends(0)
    finding = one(told.run(live=False), "leaked-shared-memory")
    assert (finding.severity, finding.verdict) == (Severity.WARNING, Verdict.PROVEN)
    assert finding.title == "MainProcess made 2 blocks of shared memory and nobody unlinked them"


def test_a_block_that_another_process_unlinked_is_not_left_behind() -> None:
    told = block(story(), 1).process("last").event(resources.CLOSED, family=SEGMENT, key=1, call="unlink").exits(0)
    assert loud(told.main().exits(0).ends(0).run(live=False)) == []


def test_what_an_untraced_process_may_have_unlinked_is_only_likely_left_behind() -> None:
    told = block(story(), 1).process("other", traced=False).exits(0)
    assert one(told.main().exits(0).ends(0).run(live=False), "leaked-shared-memory").verdict is Verdict.LIKELY


def test_nothing_is_said_of_blocks_of_a_job_that_was_interrupted() -> None:
    assert found(block(story(), 1).ends(130, "Ctrl-C").run(live=False), "leaked-shared-memory") == []


def left_by_os_exit(method: str) -> Story:
    told = story().lock("printing", at="job.py:18").process("w-1").exits(0).main().exits(0, call="os._exit", orderly=False)
    for process in told.told.processes:
        process.start_method = method
    told.told.meta.start_method = method
    return told.ends(0)


def test_semaphores_of_a_process_that_left_without_its_exit_handlers_are_a_hint() -> None:
    finding = one(left_by_os_exit("spawn").run(live=False), "leaked-semaphore")
    assert finding.severity is Severity.HINT
    assert "printing" in finding.title


def test_forked_processes_share_semaphores_without_a_name() -> None:
    assert found(left_by_os_exit("fork").run(live=False), "leaked-semaphore") == []


def ended_pool(*calls: str) -> Story:
    told = story().pool("pool", at="job.py:14")
    told.event(tasks.POOL, at="job.py:14", pool=told.resource("pool").key, workers=2)
    for call in calls:
        told.event(tasks.POOL_STATE, pool=told.resource("pool").key, call=call)
    return told.exits(0).ends(0)


def test_a_pool_that_only_the_exit_handlers_ended_is_a_hint() -> None:
    finding = one(ended_pool("exit").run(live=False), "pool-not-closed")
    assert finding.severity is Severity.HINT
    assert finding.title == "pool was never closed: its 2 workers stayed until the program's end"


@pytest.mark.parametrize("calls", [("close", "exit"), ("__exit__",), ("terminate",), ()])
def test_a_pool_that_the_program_ended_is_not_told(calls: tuple[str, ...]) -> None:
    assert found(ended_pool(*calls).run(live=False), "pool-not-closed") == []


def many_queues(files: int) -> Story:
    told = story()
    for number in range(60):
        told.told.resources.append(Resource(f"q{number}", 5, 9000 + number, "Queue", created_at=Site("/job/job.py", 7), made_by=told.main_process))  # fmt: skip
    told.event(observations.MEMORY, pid=told.main_process.pid, rss=1, shm_free=1, files=files)
    return told.exits(0).ends(0)


def test_many_open_queues_of_one_line_are_a_hint_with_their_number() -> None:
    assert (
        one(many_queues(files=130).run(live=False), "queue-not-closed").title
        == "MainProcess keeps 60 queues open that one line made"
    )


def test_queues_that_were_collected_are_not_told() -> None:
    assert found(many_queues(files=20).run(live=False), "queue-not-closed") == []


def test_what_is_too_deep_names_the_step_that_repeats() -> None:
    told = story().main().event(failures.PICKLE_FAILED, at="job.py:30", error="RecursionError", message="maximum recursion depth exceeded",
                                path="args[0].following.following.following...", offender=".following", call="Pool.apply")  # fmt: skip
    told.event(failures.UNCAUGHT, error="RecursionError", where="main").exits(1).ends(1)
    finding = one(told.run(live=False), "pickle-recursion")
    assert ".following" in finding.title
    assert "from .following to .following" in finding.fix
    assert found(told.told, "unpicklable-argument") == []


def test_the_line_it_was_at_is_the_first_to_look_at() -> None:
    told = cut_daemon(FINITE)
    saver = told.find_process("saver")
    assert saver is not None
    saver.fatal_stack = (Site("/usr/lib/python3.11/json/encoder.py", 8, "encode"), Site("/job/work.py", 3, "save"))
    finding = one(told.run(live=False), "daemon-cut-off")
    assert [place.site.line for place in finding.places if place.role == "cut off"] == [3, 2]
    assert finding.steps[-1].says == "was ended at `write(row)`"
