"""Which call of a pool a wait for a result belongs to."""

from __future__ import annotations

from mptrace.diagnose.wording import call_of, doing
from mptrace.model.building.calls import build_calls
from mptrace.model.moment import Wait
from mptrace.wire import wait as waits
from mptrace.wire.events import tasks
from tests.support.story import story


def _wait_for_job(call: str, *, asked_at: str, job: int = 3) -> Wait:
    told = story().pool("pool").main()
    key = told.resource("pool").key
    told.event(tasks.SUBMITTED, at=asked_at, pool=key, job=3, tasks=8, function="resize", call=call)
    run = told.waits(waits.RESULT, told.resource("pool"), at="job.py:20", detail=job).run()
    build_calls(run)
    return run.moments[0].waits[0]


def test_a_result_is_waited_for_in_the_call_that_handed_in_the_work() -> None:
    assert doing(_wait_for_job("Pool.map", asked_at="job.py:20")) == "waits in pool.map()"


def test_a_result_of_another_line_or_job_or_of_an_async_call_is_waited_for_in_get() -> None:
    elsewhere = _wait_for_job("Pool.map", asked_at="job.py:19")
    other = _wait_for_job("Pool.map", asked_at="job.py:20", job=4)
    in_one_line = _wait_for_job("Pool.apply_async", asked_at="job.py:20")
    assert {call_of(wait) for wait in (elsewhere, other, in_one_line)} == {"get() of a result of pool"}
