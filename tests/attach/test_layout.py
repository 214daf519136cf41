"""Where an interpreter's modules are: from 3.13 on as it says itself, so that a patch release may move them."""

from __future__ import annotations

from struct import pack

import pytest

from mptrace.attach.cpython.interpreter import UnknownLayout, _offsets
from mptrace.attach.cpython.layout import LAYOUTS

RUNTIME = 0x1000


class Image:
    """A memory that holds the front of a runtime and nothing else."""

    def __init__(self, *words: int, cookie: bytes = b"xdebugpy") -> None:
        self._data = cookie + pack("<15Q", *words, *[0] * (15 - len(words)))

    def read(self, address: int, size: int) -> bytes:
        return self._data[address - RUNTIME :][:size]

    def words(self, address: int, count: int) -> tuple[int, ...]:
        return tuple(int.from_bytes(self.read(address + 8 * at, 8), "little") for at in range(count))


@pytest.mark.parametrize(("version", "modules"), [((3, 13), 50), ((3, 14), 60), ((3, 15), 60)])
def test_a_patch_release_may_move_its_fields(version, modules):
    image = Image(0x30E0AF0, 0, 0, 0, 40, 0, 0, 0, 0, 0, 50, 60)
    assert _offsets(image, RUNTIME, LAYOUTS[version]) == (40, modules)


def test_without_a_table_of_offsets_ours_is_taken():
    layout = LAYOUTS[3, 14]
    assert _offsets(Image(cookie=b"\0" * 8), RUNTIME, layout) == (layout.interpreters_head, layout.modules)


def test_a_free_threaded_build_is_not_read():
    with pytest.raises(UnknownLayout, match="free-threaded"):
        _offsets(Image(0x30E0AF0, 1), RUNTIME, LAYOUTS[3, 14])
