"""What a program sees of itself, of its children and of the library is what it would see without us, but for what is named here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.versions import everywhere
from tests.transparency.both_ways import outputs

INHERITED_WITHOUT_US = tuple(
    f"multiprocessing.synchronize.{name} "
    for name in ("Barrier.wait", "Lock.__enter__", "Lock.__exit__", "RLock.__enter__", "RLock.__exit__")
)
"""Methods that a class has of its own with us, and from a class above without; they look the same."""


def _comparable(lines: list[str]) -> list[str]:
    return [line for line in lines if not line.startswith(INHERITED_WITHOUT_US)]


@pytest.mark.slow
@everywhere
@pytest.mark.parametrize(
    "options", [(), ("-OO",), ("-X", "dev", "-W", "error")], ids=["plain", "without docstrings", "dev, errors"]
)
def test_every_fact_is_as_without_us(tmp_path: Path, python: str, options: tuple[str, ...]) -> None:
    bare, traced = outputs(python, "host_facts", tmp_path, options=options)
    assert len(bare) > 1000
    assert _comparable(traced) == _comparable(bare)
