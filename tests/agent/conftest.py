"""Tests that mark themselves with ``usefixtures("either_recorder")`` run twice: recorded by compiled code and by Python."""

from __future__ import annotations

import pytest

from tests.support.twins import is_built


@pytest.fixture(params=["compiled", "pure"])
def either_recorder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every traced program of the test use the one, then the other."""
    if request.param == "compiled" and not is_built():
        pytest.skip("no compiled recorder here")
    monkeypatch.setenv("MPTRACE_PURE_PYTHON", str(int(request.param == "pure")))
