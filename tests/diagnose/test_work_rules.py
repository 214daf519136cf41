"""Hints about the work of pools, managers and loops, on runs written by hand; what is ordinary gets none."""

from __future__ import annotations

import pytest

from mptrace.diagnose.finding import Severity, Verdict
from mptrace.model.process import Past, Process, Role, Tally
from mptrace.model.site import Site
from mptrace.wire import wait as waits
from mptrace.wire.events import observations, processes, shared, tasks
from tests.support.story import Story, story
from tests.support.verdicts import found, one

S = 1_000_000_000


def worked(told: Story, process: Process, cpu_s: float, delay_s: float = 0.0, runnable: int = 0, threads: int = 1) -> None:
    """Let the observer have seen how much a process has worked."""
    told.event(
        observations.EFFORT, pid=process.pid, cpu_ms=int(cpu_s * 1000), delay_ms=int(delay_s * 1000), threads=threads, rounds=10,
        runnable=runnable * 10,
    )  # fmt: skip


def pool_of(count: int, call: str = "Pool.imap") -> Story:
    """A pool whose workers have begun, and which was handed work on line 7."""
    told = story().pool("pool", at="job.py:5", workers=count).main()
    pool = told.resource("pool")
    told.event(tasks.SUBMITTED, at="job.py:7", pool=pool.key, job=1, tasks=-1, function="work", call=call)
    for number in range(count):
        told.process(f"Worker-{number + 1}", Role.WORKER).in_pool("pool")
    return told


def workers(told: Story) -> list[Process]:
    return [process for process in told.told.processes if process.pool is not None]


def tiny(each_ns: int, count: int = 20_000, cpu_s: float = 3.0, call: str = "Pool.imap") -> Story:
    told = pool_of(2, call)
    pipe = told.resource("pool").parts["_inqueue"].parts["_reader"]
    for worker in workers(told):
        worker.tallies, worker.busy_ns = [Tally(pipe, received=count // 2)], each_ns * count // 2
        worked(told, worker, cpu_s / 2)
    return told.main().exits(0).ends(0)


def test_tasks_that_take_less_than_handing_them_out_are_a_hint_with_a_chunksize() -> None:
    finding = one(tiny(20_000).run(live=False), "tiny-tasks")
    assert finding.severity is Severity.HINT
    assert finding.title == "20,000 tasks of work() took 20 µs each, and handing them out took longer"
    assert "chunksize=500" in finding.fix
    assert str(finding.fix_at) == "/job/job.py:7"


def test_tasks_that_were_kept_from_a_core_are_as_tiny_as_they_are() -> None:
    told = tiny(100_000)
    for worker in workers(told):
        worked(told, worker, 1.5, delay_s=6.0)
    assert found(told.run(live=False), "tiny-tasks")


def test_tasks_handed_in_one_call_each_are_told_to_be_put_together() -> None:
    assert "a list of about 500 items" in one(tiny(20_000, call="Pool.apply_async").run(live=False), "tiny-tasks").fix


@pytest.mark.parametrize(
    ("each_ns", "count", "cpu_s"), [(20_000, 400, 3.0), (2_000_000, 20_000, 45.0), (60_000, 20_000, 2.0), (5_000, 6_000, 0.2)]
)
def test_few_or_long_tasks_or_ones_that_are_most_of_the_work_get_no_hint(each_ns: int, count: int, cpu_s: float) -> None:
    assert found(tiny(each_ns, count, cpu_s).run(live=False), "tiny-tasks") == []


def ran(told: Story, worker: Process, begun_s: float, ended_s: float, job: int = 1) -> None:
    start = told.told.meta.start_ns
    pool = told.resource("pool")
    worker.past.append(
        Past(worker.pid, start + int(ended_s * S), 0, pool, start + int(begun_s * S), number=job << 32, returned=True)
    )


def uneven(last_s: float, *, waited: bool = True, begun_s: float = 1.0) -> Story:
    """Three workers that are done after 3 s, and a fourth that is later."""
    told = pool_of(4, "Pool.map")
    for worker in workers(told)[:3]:
        ran(told, worker, 1.0, 3.0)
    ran(told, workers(told)[3], begun_s, last_s)
    start = told.told.meta.start_ns
    if waited:
        told.main_process.past.append(Past(1, start + int(last_s * S), waits.RESULT, told.resource("pool"), start + S))
    return told.main().exits(0).ends(0)


def test_a_worker_that_is_busy_long_after_the_others_is_a_hint() -> None:
    finding = one(uneven(9.0).run(live=False), "uneven-work")
    assert finding.title == "MainProcess waited 6.0 s for Worker-4 alone, while 3 other workers had nothing left to do"
    assert "chunksize=1" in finding.fix
    assert str(finding.fix_at) == "/job/job.py:7"


@pytest.mark.parametrize("told", [uneven(3.9), uneven(9.0, waited=False), uneven(9.0, begun_s=4.0)])
def test_a_short_tail_one_nobody_waits_for_and_a_task_that_came_later_get_no_hint(told: Story) -> None:
    assert found(told.run(live=False), "uneven-work") == []


def test_a_task_of_its_own_kind_may_run_beside_the_others() -> None:
    told = uneven(9.0)
    workers(told)[3].past.clear()
    ran(told, workers(told)[3], 1.0, 9.0, job=2)
    told.event(
        tasks.SUBMITTED, at="job.py:9", pool=told.resource("pool").key, job=2, tasks=1, function="watch", call="Pool.apply_async"
    )
    assert found(told.run(live=False), "uneven-work") == []


def counted_calls(count: int, took_s: float, method: str = "dict.__setitem__") -> Story:
    told = story().main()
    told.process("worker")
    for _ in range(40):
        told.tick()
    told.event(shared.PROXY_CALLS, at="job.py:12", key=77, method=method, count=count // 2, took_ns=int(took_s * S / 2))
    told.event(shared.PROXY_CALLS, at="job.py:12", key=77, method=method, count=count, took_ns=int(took_s * S))
    return told.exits(0).main().exits(0).ends(0)


def test_many_small_calls_through_a_manager_are_a_hint_with_their_share() -> None:
    finding = one(counted_calls(30_000, 3.0).run(live=False), "manager-bottleneck")
    assert finding.title == "30,000 calls through a manager took 3.0 s: 70 % of the life of worker"
    assert "instead of __setitem__()" in finding.fix
    assert str(finding.fix_at) == "/job/job.py:12"


@pytest.mark.parametrize(
    ("count", "took_s", "method"), [(300, 3.0, "dict.get"), (30_000, 1.0, "dict.get"), (30_000, 3.0, "Queue.get")]
)
def test_few_or_quick_calls_and_those_that_wait_get_no_hint(count: int, took_s: float, method: str) -> None:
    assert found(counted_calls(count, took_s, method).run(live=False), "manager-bottleneck") == []


def polled(cpu_s: float, took_s: float) -> Story:
    told = story().main()
    for _ in range(50):
        told.tick()
    told.event(shared.POLLS, at="job.py:20", count=512, took_ns=1000, cpu_ns=1000)
    told.event(shared.POLLS, at="job.py:20", count=90_000, took_ns=int(took_s * S), cpu_ns=int(cpu_s * S))
    return told.exits(0).ends(0)


def test_a_loop_that_asks_in_vain_is_a_hint() -> None:
    finding = one(polled(3.0, 4.0).run(live=False), "busy-poll")
    assert "90,000 times in vain" in finding.title
    assert "used 3.0 s of CPU time" in finding.title
    assert str(finding.fix_at) == "/job/job.py:20"


@pytest.mark.parametrize(("cpu_s", "took_s"), [(0.1, 4.0), (0.6, 0.7)])
def test_a_loop_that_sleeps_or_is_a_small_part_of_the_life_gets_no_hint(cpu_s: float, took_s: float) -> None:
    assert found(polled(cpu_s, took_s).run(live=False), "busy-poll") == []


MB = 1_000_000


def forked(own: int, rss: int, *, parent_now: int = 400, count: int = 2) -> Story:
    """Children of a parent with 400 MB, which have so much of their own and so much in all."""
    told = story().main()
    told.event(observations.MEMORY, pid=told.main_process.pid, rss=400 * MB)
    for number in range(count):
        told.process(f"child-{number}")
        told.event(observations.MEMORY, pid=told.actor.process.pid, rss=400 * MB)
    told.event(observations.MEMORY, pid=told.main_process.pid, rss=parent_now * MB)
    for number in range(count):
        told.process(f"child-{number}")
        told.event(observations.COPIED, pid=told.actor.process.pid, rss=rss * MB, own=own * MB, shared=(rss - own) * MB)
        told.exits(0)
    return told.main().exits(0).ends(0)


def test_children_with_copies_of_their_parents_memory_are_a_hint() -> None:
    finding = one(forked(own=300, rss=410).run(live=False), "memory-copied-after-fork")
    assert finding.verdict is Verdict.LIKELY
    assert finding.title == "2 forked processes have copied 580.0 MB of the memory of MainProcess by using its objects"


@pytest.mark.parametrize(
    "told",
    [
        forked(own=30, rss=410),
        forked(own=300, rss=700),
        forked(own=300, rss=410, parent_now=100),
        forked(own=300, rss=410, count=1),
    ],
)
def test_what_a_child_allocates_itself_or_the_parent_gives_back_is_no_copy(told: Story) -> None:
    assert found(told.run(live=False), "memory-copied-after-fork") == []


def crowd(cores: int, workers_: int, runnable: int = 1, threads: int = 1, cpu_s: float = 2.0) -> Story:
    told = pool_of(workers_)
    told.told.meta.cores = cores
    for worker in workers(told):
        worker.busy_ns = 4 * S
        worked(told, worker, cpu_s, delay_s=2.0, runnable=runnable, threads=threads)
    return told.main().exits(0).ends(0)


def test_more_busy_workers_than_cores_are_a_hint() -> None:
    finding = one(crowd(2, 8).run(live=False), "wrong-worker-count")
    assert finding.title == "8 workers of pool compete for 2 cores"
    assert str(finding.fix_at) == "/job/job.py:5"


def test_workers_with_threads_of_a_library_are_a_hint_of_their_own() -> None:
    finding = one(crowd(8, 8, runnable=4, threads=8).run(live=False), "wrong-worker-count")
    assert "8 workers of pool with up to 8 threads each compete for 8 cores" in finding.title
    assert "OMP_NUM_THREADS=1" in finding.fix


@pytest.mark.parametrize("told", [crowd(8, 8), crowd(8, 9), crowd(0, 8), crowd(2, 8, runnable=0)])
def test_as_many_workers_as_cores_or_unknown_ones_get_no_hint(told: Story) -> None:
    assert found(told.run(live=False), "wrong-worker-count") == []


def test_a_wait_for_a_core_while_a_worker_starts_is_no_crowd() -> None:
    told = pool_of(8)
    told.told.meta.cores = 2
    for worker in workers(told):
        told.process(worker.name)
        for _ in range(40):
            told.tick()
        told.event(processes.RUNNING)
        worker.busy_ns = 4 * S
        worked(told, worker, 0.2, delay_s=3.5, runnable=1)
    assert found(told.main().exits(0).ends(0).run(live=False), "wrong-worker-count") == []


def waiting(cpu_s: float, delay_s: float, *, lock: bool = False) -> Story:
    """Four workers, always busy with many tasks, that compute for so long of four seconds."""
    told = pool_of(4)
    told.told.meta.cores = 4
    pipe = told.resource("pool").parts["_inqueue"].parts["_reader"]
    for worker in workers(told):
        worker.tallies, worker.busy_ns = [Tally(pipe, received=50)], 4 * S
        worked(told, worker, cpu_s, delay_s)
        if lock:
            worker.past.append(Past(worker.pid, told.now, waits.ACQUIRE, told.resource("shared"), told.now - S))
    for _ in range(30):
        told.tick()
    for worker in workers(told):
        told.process(worker.name).exits(0)
    return told.main().exits(0).ends(0)


def test_tasks_that_wait_for_something_outside_are_a_hint() -> None:
    finding = one(waiting(0.2, 0.0).run(live=False), "wrong-worker-count")
    assert finding.title == "the tasks of pool wait 95 % of their time: its 4 workers could be many more"


@pytest.mark.parametrize("told", [waiting(2.0, 0.0), waiting(0.2, 3.0), waiting(0.2, 0.0, lock=True)])
def test_tasks_that_compute_or_wait_for_a_core_or_a_lock_get_no_hint(told: Story) -> None:
    assert found(told.run(live=False), "wrong-worker-count") == []


def sent(count: int, size: int, took_s: float) -> Story:
    told = pool_of(2)
    key = told.resource("pool").key
    told.main()
    for _ in range(40):
        told.tick()
    told.event(
        shared.HEAVY, at="job.py:7", call="Pool.imap", root="work", count=count, bytes=count * size, key=key, received=0,
        took_ns=int(took_s * S), timed=count,
    )  # fmt: skip
    return told.exits(0).ends(0)


def test_large_messages_that_come_again_and_again_are_a_hint_with_their_bytes() -> None:
    finding = one(sent(100, 4 * MB, 2.0).run(live=False), "heavy-pickle")
    assert finding.title.startswith("MainProcess spent 2.0 s, 44 % of its life, on pickling: 100 messages of 4.0 MB")
    assert "initializer" in finding.fix
    assert str(finding.fix_at) == "/job/job.py:7"


@pytest.mark.parametrize(("count", "took_s"), [(3, 2.0), (100, 0.3)])
def test_a_few_large_messages_or_quick_ones_get_no_hint(count: int, took_s: float) -> None:
    assert found(sent(count, 4 * MB, took_s).run(live=False), "heavy-pickle") == []


def test_a_queue_and_its_reader_are_one_finding() -> None:
    told = story().queue("results", at="job.py:3").process("worker")
    key = told.resource("results").key
    fields = {"root": "", "count": 50, "bytes": 200 * MB, "took_ns": S, "timed": 50}
    told.event(shared.HEAVY, at="job.py:9", call="", key=key, received=0, **fields)
    told.told.events[0] = replaced_site(told.told.events[0], None)
    told.exits(0).main()
    told.event(shared.HEAVY, at="job.py:14", call="Queue.get", key=0, received=1, **fields)
    assert len(found(told.exits(0).ends(0).run(live=False), "heavy-pickle")) == 1


def replaced_site(event: object, site: Site | None) -> object:
    from dataclasses import replace

    return replace(event, site=site)  # type: ignore[type-var]
