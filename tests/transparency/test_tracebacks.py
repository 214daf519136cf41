"""What fails or is interrupted shows the same functions in its traceback as without us: none of ours, none missing.

One exception: ``with lock:`` that fails shows no line of multiprocessing's ``__enter__`` and ``__exit__``, which do what ours do.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mptrace.agent.native import recorder as compiled
from tests.support.versions import everywhere
from tests.transparency.both_ways import outputs

_WITH = re.compile(r"(, )?\('synchronize\.py', '__(enter|exit)__'\)")


def _comparable(lines: list[str]) -> list[str]:
    return [_WITH.sub("", line) for line in lines]


def _skip_where_a_frame_stays(python: str) -> None:
    if "3.10." in python and not hasattr(compiled, "goes_on_with"):
        pytest.skip("without the compiled twin, 3.10 shows one frame of ours (agent/failure.py)")


@pytest.mark.slow
@everywhere
def test_a_call_that_fails_shows_what_it_would_without_us(tmp_path: Path, python: str) -> None:
    _skip_where_a_frame_stays(python)
    bare, traced = outputs(python, "failing_calls", tmp_path, "fork", "spawn")
    assert len(bare) > 150
    assert _comparable(traced) == _comparable(bare)


@pytest.mark.slow
@everywhere
def test_ctrl_c_shows_what_it_would_without_us(tmp_path: Path, python: str) -> None:
    _skip_where_a_frame_stays(python)
    bare, traced = outputs(python, "interrupted_calls", tmp_path, "fork")
    assert len(bare) > 35
    assert _comparable(traced) == _comparable(bare)
