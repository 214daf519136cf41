"""Every room has a README that says how to add to it."""

from __future__ import annotations

from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "mptrace"
ROOMS = sorted(path.parent for path in PACKAGE.glob("*/__init__.py"))


@pytest.mark.parametrize("room", [PACKAGE, *ROOMS, PACKAGE / "agent" / "probes"], ids=lambda room: room.name)
def test_room_says_how_to_add_one(room: Path) -> None:
    text = (room / "README.md").read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert "To add one:" in text.split("\n\n")[-1] or "To add one:" in text.split("\n\n")[-2]


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_map_shows_the_way_to_every_room(room: Path) -> None:
    assert f"({room.name}/README.md)" in (PACKAGE / "README.md").read_text(encoding="utf-8")
