"""Times as people say them."""

from __future__ import annotations

import pytest

from mptrace.report.times import before, duration, durations

S = 10**9


@pytest.mark.parametrize(
    ("took_ns", "says"),
    [
        (0, "0 ms"), (-5, "0 ms"), (2_400_000, "2 ms"), (400_000_000, "0.4 s"), (int(41.2 * S), "41.2 s"), (200 * S, "3 min 20 s"),
        (7500 * S, "2 h 5 min"),
    ],
)  # fmt: skip
def test_duration_has_the_unit_that_fits_it(took_ns: int, says: str) -> None:
    assert duration(took_ns) == says


def test_durations_of_like_processes_are_a_range_only_if_they_differ() -> None:
    assert durations([33 * S, 33 * S + 1]) == "33.0 s"
    assert durations([12 * S, 33 * S]) == "12.0 s to 33.0 s"


@pytest.mark.parametrize(("ago", "says"), [(9.8, "-9.8"), (0, "-0.0"), (-3, "-0.0"), (200, "-3m20"), (7500, "-2h05")])
def test_time_before_now_is_short(ago: float, says: str) -> None:
    assert before(0, round(ago * S)) == says
