"""Compares what was printed with a file; saves what differs beside it, and takes it over under ``MPTRACE_ACCEPT=1``."""

from __future__ import annotations

import os
import re
from pathlib import Path

import mptrace

FOLDER = Path(__file__).parent


def scrubbed(text: str) -> str:
    """Return a text without what differs from one release to the next."""
    return re.sub(rf'("mptrace": )"{re.escape(mptrace.__version__)}"', r'\1"VERSION"', text)


def check(name: str, printed: str) -> None:
    """Fail if the file of this name does not hold what was printed."""
    golden, actual = FOLDER / name, FOLDER / f"{name}.actual"
    printed = scrubbed(printed)
    if os.environ.get("MPTRACE_ACCEPT"):
        golden.write_text(printed, encoding="utf-8")
    expected = golden.read_text(encoding="utf-8") if golden.exists() else ""
    if printed == expected:
        actual.unlink(missing_ok=True)
        return
    actual.write_text(printed, encoding="utf-8")
    raise AssertionError(f"tests/golden/{name} differs from {actual.name} beside it; `make golden` accepts.\n{printed}")
