"""Rules about pools whose workers wait for what is queued behind them, and about signals that end nobody, on runs written by hand."""

from __future__ import annotations

from mptrace.diagnose.finding import Verdict
from mptrace.model.process import Role
from mptrace.wire import wait as waits
from mptrace.wire.events import processes, tasks
from tests.support.story import Story, story
from tests.support.verdicts import causes, found, loud, one

LOAD = """\
def load():
    fill()

def fill():
    loaded.set()

def look_up(number):
    loaded.wait()
"""


def full_pool(*, busy: int = 2, submitted: int = 3, queued: int = 110, source: str = LOAD) -> Story:
    """Begin with a pool of two workers, of which some wait for an event in a task."""
    told = story().pool("pool", at="main.py:1", workers=2).lock("loaded", "Event")
    told.told.sources = {"/job/main.py": source.splitlines()} if source else {}
    pool, loaded = told.resource("pool"), told.resource("loaded")
    for job in range(submitted):
        name = "load" if job == submitted - 1 else "look_up"
        told.event(tasks.SUBMITTED, at=f"main.py:{10 + job}", pool=pool.key, job=job, tasks=1, function=name)
    for number in range(2):
        told.process(f"worker-{number}", Role.WORKER).in_pool("pool")
        if number < busy:
            told.works_on(f"look_up({number})", "pool", job=number)
            told.waits(waits.ACQUIRE, loaded, call=(waits.FLAG, loaded), at="main.py:5")
        else:
            told.waits(waits.RECV, pool.parts["_inqueue"].parts["_reader"])
    told.main().waits(waits.RESULT, pool, call=(waits.RESULT, pool), at="main.py:20")
    run = told.run()
    run.moments[0].queued[pool.parts["_inqueue"].parts["_reader"]] = queued
    return told


def test_a_pool_whose_workers_wait_for_what_is_behind_them_is_proven() -> None:
    told = full_pool()
    finding = one(told.told, "pool-exhausted")
    assert (finding.verdict, causes(told.told)) == (Verdict.PROVEN, ["pool-exhausted"])
    assert finding.title == "all 2 workers of pool wait in loaded.wait(), and load() is queued behind them"
    assert {str(place.site) for place in finding.places} >= {"/job/main.py:5", "/job/main.py:12"}


def test_a_pool_with_an_idle_worker_is_not_exhausted() -> None:
    assert found(full_pool(busy=1).told, "pool-exhausted") == []


def test_a_pool_with_nothing_left_to_do_is_not_exhausted() -> None:
    assert found(full_pool(submitted=2).told, "pool-exhausted") == []


def test_work_that_would_not_end_the_wait_is_not_what_is_waited_for() -> None:
    assert found(full_pool(source=LOAD.replace("set()", "clear()")).told, "pool-exhausted") == []


def test_work_whose_text_is_not_at_hand_is_only_likely() -> None:
    assert one(full_pool(source="").told, "pool-exhausted").verdict is Verdict.LIKELY


def test_workers_that_want_a_copied_lock_are_not_helped_by_more_work() -> None:
    told = full_pool()
    for wait in told.told.moments[0].waits:
        if wait.call.kind == waits.FLAG:
            wait.kind = waits.MUTEX_WAIT
    assert found(told.told, "pool-exhausted") == []


def test_what_was_not_seen_in_the_queue_is_only_likely() -> None:
    assert one(full_pool(queued=0).told, "pool-exhausted").verdict is Verdict.LIKELY


def test_workers_that_wait_for_the_parent_which_runs_are_silent() -> None:
    told = full_pool()
    told.goes_on().moves()
    told.told.moments.clear()
    assert loud(told.run()) == []


# -- signals


def told_to_end(*, masks: str = "ignored", stuck: bool = False) -> Story:
    told = story().queue("jobs").process("worker")
    worker = told.actor.process
    if stuck:
        told.gets("jobs")
    else:
        told.moves()
    told.main().event(processes.SIGNALLED, at="main.py:25", child=worker.pid, signal=15, call="Process.terminate")
    told.joins("worker", at="main.py:26")
    for _ in range(15):
        told.tick()
    told.look()
    if masks:
        getattr(told.told.moments[0], masks)[worker] = 1 << 14
    return told


def test_a_worker_that_ignores_the_signal_is_likely_while_it_runs() -> None:
    finding = one(told_to_end().told, "termination-ignored")
    assert finding.verdict is Verdict.LIKELY
    assert finding.title == "MainProcess waits in join() of worker, which ignores the SIGTERM of terminate()"
    assert ("signalled", "/job/main.py:25") in {(place.role, str(place.site)) for place in finding.places}


def test_a_worker_that_ignores_the_signal_and_cannot_go_on_is_proven() -> None:
    assert one(told_to_end(stuck=True).told, "termination-ignored").verdict is Verdict.PROVEN


def test_a_worker_that_blocks_the_signal_is_told() -> None:
    assert "blocks the SIGTERM" in one(told_to_end(masks="blocked").told, "termination-ignored").title


def test_a_worker_that_handles_the_signal_and_finishes_its_work_is_silent() -> None:
    assert loud(told_to_end(masks="caught").told) == []


def test_a_worker_that_the_signal_ends_is_silent() -> None:
    assert loud(told_to_end(masks="").told) == []


def test_a_handler_in_a_process_that_cannot_go_on_is_only_likely() -> None:
    assert one(told_to_end(masks="caught", stuck=True).told, "termination-ignored").verdict is Verdict.LIKELY
