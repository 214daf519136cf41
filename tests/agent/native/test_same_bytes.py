"""The compiled recorder and the Python one say the same, after every operation and in the middle of each wait."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.traced import pythons, version_of
from tests.support.twins import Twin, is_built

pytestmark = pytest.mark.skipif(not is_built(), reason="no compiled recorder here")

LOCKS = st.sampled_from(["lock", "rlock", "sem"])
TIMEOUTS = st.sampled_from([0, -1, 0.001, -0.5, 1e-9, False])
ODD = st.sampled_from([None, "a", [], 2, 0, 0.5, "", 10**400, {}])
CALLS = st.one_of(
    st.tuples(st.just("acquire"), LOCKS, st.just(False)),
    st.tuples(st.just("acquire"), LOCKS, st.booleans(), TIMEOUTS),
    st.tuples(st.just("acquire"), LOCKS, ODD, TIMEOUTS),
    st.tuples(st.just("acquire"), LOCKS, st.just(False), ODD),
    st.tuples(st.just("acquire"), LOCKS, ODD, ODD.filter(lambda value: value is not None), ODD),
    st.tuples(st.just("named"), LOCKS, st.fixed_dictionaries({"timeout": TIMEOUTS}, optional={"block": ODD})),
    st.tuples(st.just("named"), LOCKS, st.fixed_dictionaries({"block": st.just(False)}, optional={"timeout": ODD, "x": ODD})),
    st.tuples(st.just("release"), LOCKS),
    st.tuples(st.just("release"), LOCKS, ODD),
    st.tuples(st.just("enter"), LOCKS),
    st.tuples(st.just("inside"), LOCKS),
    st.tuples(st.just("leave"), LOCKS),
    st.tuples(st.just("leave"), LOCKS, ODD, ODD, ODD),
    st.tuples(st.just("often"), LOCKS),
    st.tuples(st.just("fix"), st.sampled_from(["lock", "rlock", "sem", "a", "b"])),
    st.tuples(st.just("send"), st.integers(0, 2000)),
    st.tuples(st.just("recv")),
    st.tuples(st.just("recv"), st.sampled_from([0, 1, 3000, None, -1])),
    st.tuples(st.just("polled")),
    st.tuples(st.just("polled"), st.sampled_from([0, 0.001, -1.0, "a", 10**400])),
    st.tuples(st.just("rest")),
)
WAITS = st.one_of(
    st.tuples(st.just("blocked"), st.sampled_from(["lock", "sem"])),
    st.tuples(st.just("blocked_recv")),
    st.tuples(st.just("blocked_ready")),
)
OPERATIONS = st.lists(st.one_of(CALLS, CALLS, CALLS.map(lambda call: ("elsewhere", *call)), WAITS), min_size=1, max_size=12)

EVERY_TIME, SELDOM = 0, 999  # how much slower than usual we say it runs: so every site is looked up, or each is used again


@pytest.fixture(scope="module", params=[(python, slower) for python in pythons() for slower in (EVERY_TIME, SELDOM)],
                ids=lambda param: f"{version_of(param[0])}-{'stale' if param[1] else 'fresh'}")  # fmt: skip
def twins(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Twin, Twin]]:
    python, slower = request.param
    path = tmp_path_factory.mktemp("twins")
    with Twin(path / "pure", pure=True, slower=slower, python=python) as one:
        with Twin(path / "compiled", pure=False, slower=slower, python=python) as other:
            assert (one.kind, other.kind) == ("pure", "compiled")
            yield one, other


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(operations=OPERATIONS)
def test_after_any_operations(twins: tuple[Twin, Twin], operations: list[tuple[object, ...]]) -> None:
    told = [list(operation) for operation in operations]
    for operation, one, other in zip(told, twins[0].do(told), twins[1].do(told), strict=True):
        assert one == other, operation


def test_in_the_middle_of_waits(twins: tuple[Twin, Twin]) -> None:
    told: list[list[object]] = [["blocked", "lock"], ["blocked", "sem"], ["blocked_recv"], ["blocked", "lock"], ["blocked_recv"],
                                ["blocked_ready"], ["blocked_ready", None], ["fix", "b"], ["blocked_ready"]]  # fmt: skip
    pure, compiled = twins[0].do(told), twins[1].do(told)
    assert pure == compiled
    assert "'slots': [['main', 1, [" in str(pure[0])  # it did look while one waited
