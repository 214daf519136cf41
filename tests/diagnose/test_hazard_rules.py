"""Rules about what could have gone wrong and did not this time, on runs written by hand."""

from __future__ import annotations

import pytest

from mptrace.diagnose.finding import Severity, Verdict
from mptrace.model.process import Role, ThreadRole
from mptrace.model.run import Run
from mptrace.model.site import Site
from mptrace.wire import wait as waits
from mptrace.wire.events import processes, resources, tasks
from tests.support.story import Story, story
from tests.support.verdicts import causes, found, loud, one


def takes_in_order(told: Story, process: str, *names: str, at: str = "") -> Story:
    *held, last = (told.resource(name) for name in names)
    told.process(process)
    return told.event(resources.LOCK_ORDER, at=at, held=" ".join(str(lock.key) for lock in held), key=last.key)


def two_locks() -> Story:
    return story().lock("savings", at="bank.py:1").lock("checking", at="bank.py:2").lock("bank", at="bank.py:3")


def test_two_locks_in_both_orders_are_a_hazard() -> None:
    told = takes_in_order(two_locks(), "deposit", "savings", "checking", at="bank.py:10")
    finding = one(
        takes_in_order(told, "withdraw", "checking", "savings", at="bank.py:16").run(live=False), "lock-order-inversion"
    )
    assert (finding.verdict, finding.severity) == (Verdict.POSSIBLE, Severity.WARNING)
    assert finding.title == "deposit takes savings and then checking, withdraw takes checking and then savings"
    assert {str(place.site) for place in finding.places} == {"/job/bank.py:10", "/job/bank.py:16"}


def test_two_locks_in_one_order_are_none() -> None:
    told = takes_in_order(two_locks(), "deposit", "savings", "checking")
    assert loud(takes_in_order(told, "withdraw", "savings", "checking").run(live=False)) == []


def test_both_orders_in_one_thread_never_meet() -> None:
    told = takes_in_order(two_locks(), "clerk", "savings", "checking")
    assert loud(takes_in_order(told, "clerk", "checking", "savings").run(live=False)) == []


def test_a_third_lock_around_both_keeps_them_apart() -> None:
    told = takes_in_order(two_locks(), "deposit", "bank", "savings", "checking")
    assert loud(takes_in_order(told, "withdraw", "bank", "checking", "savings").run(live=False)) == []


def test_locks_of_the_same_lines_in_both_orders_are_a_hint() -> None:
    told = two_locks().lock("other_savings", at="bank.py:1").lock("other_checking", at="bank.py:2")
    takes_in_order(told, "deposit", "savings", "checking")
    finding = one(takes_in_order(told, "withdraw", "other_checking", "other_savings").run(live=False), "lock-order-inversion")
    assert finding.severity is Severity.HINT


def test_a_deadlock_that_struck_is_no_mere_hazard() -> None:
    told = takes_in_order(two_locks(), "deposit", "savings", "checking")
    takes_in_order(told, "withdraw", "checking", "savings")
    told.process("deposit").takes("savings").waits_for("checking")
    told.process("withdraw").takes("checking").waits_for("savings")
    assert causes(told.main().joins("deposit").run()) == ["lock-cycle"]
    assert found(told.told, "lock-order-inversion") == []


# -- ends


def killed_in_get(told: Story, *, call: str = "Process.terminate") -> Story:
    """Go on with a worker that was ended inside get() of jobs."""
    told.process("worker").takes("jobs._rlock", at="work.py:11").dies(15, by="MainProcess")
    worker = told.find_process("worker")
    assert worker is not None
    worker.held = [told.holds.pop()]
    worker.ended_ns = told.now + 1  # the call is told just before
    return told.main().event(processes.SIGNALLED, at="work.py:22", child=worker.pid, signal=15, call=call)


def test_a_worker_that_is_terminated_inside_of_get_takes_the_lock_along() -> None:
    told = killed_in_get(story().queue("jobs").process("other"))
    for _ in range(4):
        told.tick()
    finding = one(told.run(live=False), "unsafe-terminate")
    assert (finding.verdict, finding.severity) == (Verdict.POSSIBLE, Severity.WARNING)
    assert finding.title == "MainProcess ended worker by terminate() in the middle of get() of jobs: its lock stays taken"
    assert str(finding.fix_at) == "/job/work.py:22"


def test_where_nobody_else_is_left_to_need_the_lock_it_is_a_hint() -> None:
    assert one(killed_in_get(story().queue("jobs")).run(live=False), "unsafe-terminate").severity is Severity.HINT


def test_a_pool_that_ends_its_own_workers_is_none() -> None:
    assert found(killed_in_get(story().queue("jobs"), call="Pool.terminate").run(live=False), "unsafe-terminate") == []


def test_a_worker_that_held_nothing_is_none() -> None:
    told = killed_in_get(story().queue("jobs"))
    worker = told.find_process("worker")
    assert worker is not None
    worker.held = []
    assert found(told.run(live=False), "unsafe-terminate") == []


def test_a_lock_that_is_waited_for_is_no_mere_hazard() -> None:
    told = killed_in_get(story().queue("jobs").process("other"))
    told.holds = list(told.find_process("worker").held)  # type: ignore[union-attr]
    told.process("other").waits_for_part("jobs._rlock").main().joins("other")
    assert causes(told.run()) == ["queue-lock-lost"]
    assert found(told.told, "unsafe-terminate") == []


# -- threads


def test_a_fork_while_a_thread_runs_is_a_hint_for_each_line() -> None:
    told = story()
    for name in ("one", "two"):
        told.process(name).event(processes.FORK_THREADS, threads="4012 heart")
        process = told.find_process(name)
        assert process is not None
        process.start_site = Site("/job/job.py", 26, "<module>")
    finding = one(told.run(live=False), "fork-with-threads")
    assert (finding.verdict, finding.severity) == (Verdict.POSSIBLE, Severity.HINT)
    assert finding.title == "MainProcess forked one and 1 more process while the thread heart ran"


def test_a_librarys_own_thread_and_native_ones_are_none() -> None:
    told = story().queue("jobs").thread("QueueFeederThread", ThreadRole.FEEDER, "jobs")
    tid = told.actor.tid
    told.process("one").event(processes.FORK_THREADS, threads=f"{tid} QueueFeederThread\n4099 ")
    assert found(told.run(live=False), "fork-with-threads") == []


# -- Python's own


@pytest.mark.parametrize(
    ("issue", "version", "affected"),
    [
        ("gh-115634", "3.10.13", False), ("gh-115634", "3.11.7", True), ("gh-115634", "3.13.0", True),
        ("gh-115634", "3.15.0", False), ("gh-90622", "3.10.4", True), ("gh-90622", "3.10.13", False),
        ("gh-90622", "3.11.7", False), ("gh-105829", "3.10.13", True), ("gh-105829", "3.11.7", False),
        ("gh-105829", "3.12.0", True), ("gh-105829", "3.12.1", False),
    ],
)  # fmt: skip
def test_a_bug_is_in_its_versions_only(issue: str, version: str, affected: bool) -> None:
    told = story().pool("executor", "ProcessPoolExecutor")
    told.main_process.python = version
    key = told.resource("executor").key
    told.event(tasks.POOL, pool=key, workers=2, max_tasks=10, start_method="fork")
    told.event(tasks.SUBMITTED, pool=key, tasks=20_000)
    titles = [finding.title for finding in found(told.run(live=False), "known-python-bug")]
    assert any(issue in title for title in titles) is affected


def test_an_executor_without_a_limit_of_tasks_meets_no_bug() -> None:
    told = story().pool("executor", "ProcessPoolExecutor")
    told.main_process.python = "3.11.7"
    told.event(tasks.POOL, pool=told.resource("executor").key, workers=2, max_tasks=0, start_method="fork")
    assert found(told.run(live=False), "known-python-bug") == []


def _limited(*, workers_end: bool) -> Story:
    told = story().pool("executor", "ProcessPoolExecutor", at="job.py:5")
    told.main_process.python = "3.11.7"
    key = told.resource("executor").key
    told.event(tasks.POOL, pool=key, workers=1, max_tasks=2, start_method="spawn", at="job.py:5")
    told.process("worker", Role.EXECUTOR_WORKER).in_pool("executor")
    if workers_end:
        told.exits(0)
    return told.main().waits(waits.FUTURE, told.resource("executor"), at="job.py:7")


def test_the_limit_of_tasks_struck_if_no_worker_is_left_for_a_future_that_is_waited_for() -> None:
    finding = one(_limited(workers_end=True).run(), "known-python-bug")
    assert (finding.verdict, finding.severity) == (Verdict.LIKELY, Severity.ERROR)
    assert finding.title.startswith("MainProcess will not be answered: a ProcessPoolExecutor with max_tasks_per_child")
    assert [(place.role, place.site.line) for place in finding.places] == [("creation", 5), ("waiter", 7)]


def test_the_limit_of_tasks_did_not_strike_while_a_worker_lives() -> None:
    finding = one(_limited(workers_end=False).run(), "known-python-bug")
    assert (finding.verdict, finding.severity) == (Verdict.POSSIBLE, Severity.WARNING)


def _ending(*, told_of: bool, version: str = "3.13.0") -> Run:
    told = story().pool("executor", "ProcessPoolExecutor", at="job.py:5")
    told.main_process.python = version
    told.event(tasks.POOL, pool=told.resource("executor").key, workers=1, start_method="spawn", at="job.py:5")
    told.event(tasks.POOL, pool=told.pool("other", "ProcessPoolExecutor").resource("other").key, workers=1, start_method="spawn")
    told.thread("manager", ThreadRole.EXECUTOR_MANAGER, "executor").thread("feeder", ThreadRole.FEEDER)
    run = told.main().waits(waits.POOL_END, told.resource("executor"), at="job.py:7").run()
    inside = {"manager": ("Queue.join_thread", "_ExecutorManagerThread._join_executor_internals")}
    if told_of:
        inside["feeder"] = ("_SafeQueue._on_queue_feeder_error",)
    for moment in run.moments:
        for thread, look in moment.looks.items():
            look.stack = tuple(Site("/lib/process.py", 1, name) for name in inside.get(thread.name, ()))
    return run


def test_the_end_of_an_executor_struck_if_its_thread_joins_the_feeder_that_waits_for_it() -> None:
    finding = one(_ending(told_of=True), "known-python-bug")
    assert (finding.verdict, finding.severity) == (Verdict.LIKELY, Severity.ERROR)
    assert "gh-125451" in finding.title
    assert finding.why.startswith("The thread of executor joins the feeder")


def test_an_executor_that_ends_while_no_call_is_told_of_meets_no_bug() -> None:
    assert found(_ending(told_of=False), "known-python-bug") == []


def test_a_repaired_python_does_not_meet_it() -> None:
    assert found(_ending(told_of=True, version="3.13.1"), "known-python-bug") == []
