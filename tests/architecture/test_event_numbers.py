"""The ledger of event numbers: a number means for ever what it meant first, since old recordings are read by new readers.

To add one: a line with its number and name at the end of event_numbers.txt. A kind that is gone stays in the ledger.
"""

from __future__ import annotations

from pathlib import Path

from mptrace.wire import families
from mptrace.wire.event import KINDS

LEDGER = Path(__file__).with_name("event_numbers.txt")


def ledger() -> list[tuple[int, str]]:
    """Return (number, name) of each line."""
    lines = (line.split() for line in LEDGER.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#"))
    return [(int(number), name) for number, name in lines]


def test_no_number_and_no_name_is_in_the_ledger_twice() -> None:
    numbers, names = zip(*ledger(), strict=True)
    assert len(set(numbers)) == len(numbers)
    assert len(set(names)) == len(names)


def test_every_kind_has_the_number_that_the_ledger_gave_it() -> None:
    assert families.FAMILIES
    entered = dict(ledger())
    wrong = {kind.number: kind.name for kind in KINDS.values() if entered.get(kind.number) != kind.name}
    assert not wrong, f"enter them in {LEDGER.name}, or give them numbers that were never used: {wrong}"
