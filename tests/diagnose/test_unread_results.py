"""Failed results that nobody asked for, on runs written by hand."""

from __future__ import annotations

import pytest

from mptrace.diagnose.finding import Severity, Verdict
from mptrace.wire.events import tasks
from tests.support.story import Story, story
from tests.support.verdicts import found, one

RULE = "future-exception-unread"


def failed(told: Story, job: int, *, asked: int = 0, call: str = "Executor.submit", at: str = "job.py:30") -> Story:
    return told.event(tasks.RESULT_FAILED, at=at, pool=7, job=job, function="store", error="ValueError", message="no", call=call, asked=asked)  # fmt: skip


def told_with(*asked: int, call: str = "Executor.submit") -> Story:
    told = story()
    for job, was_asked in enumerate(asked):
        failed(told, job, asked=was_asked, call=call)
    return told


def test_results_that_nobody_asked_for_are_one_hint_a_line() -> None:
    finding = one(told_with(0, 0).exits().ends().run(live=False), RULE)
    assert (finding.verdict, finding.severity) == (Verdict.PROVEN, Severity.HINT)
    assert finding.title == "2 calls of store() failed with ValueError, and nobody asked for their results"
    assert str(finding.fix_at) == "/job/job.py:30"


def test_where_the_task_raised_is_a_place_of_it() -> None:
    told = told_with(0).process("w").event(tasks.FAILED, at="store.py:4", pool=7, job=0, index=0, function="store", error="ValueError", message="no", traceback="")  # fmt: skip
    places = one(told.main().exits().ends().run(live=False), RULE).places
    assert {"/job/store.py:4", "/job/job.py:30"} == {str(place.site) for place in places}


def test_a_map_that_was_never_iterated_is_told_as_one_call() -> None:
    finding = one(told_with(0, call="Executor.map").exits().ends().run(live=False), RULE)
    assert finding.title.startswith("map() of store failed with ValueError")
    assert "iterate over it" in finding.fix


def test_a_loop_over_results_that_stopped_at_the_first_exception_is_in_order() -> None:
    assert found(told_with(1, 0, 0).exits().ends().run(live=False), RULE) == []


@pytest.mark.parametrize(("status", "ended_by"), [(1, ""), (0, "Ctrl-C")])
def test_a_program_that_failed_or_was_interrupted_had_no_time_to_ask(status: int, ended_by: str) -> None:
    told = told_with(0).exits(status).ends(status, ended_by)
    assert found(told.run(live=False), RULE) == []
