"""Amounts as people say them: seconds, bytes, shares, round numbers."""

from __future__ import annotations

from math import floor, log10


def seconds(ns: float) -> str:
    """Return ``41.2 s``, or ``0.35 ms`` and ``12 µs`` of what is short."""
    if ns >= 100_000_000:
        return f"{ns / 1e9:.1f} s"
    return f"{ns / 1e6:.1f} ms" if ns >= 1_000_000 else f"{ns / 1e3:.0f} µs"


def size(count: float) -> str:
    """Return ``12.3 MB``, ``1.2 GB``."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"


def percent(part: float, whole: float) -> str:
    """Return ``61 %``."""
    return f"{min(100 * part / max(whole, 1), 100):.0f} %"


def rounded(number: float) -> int:
    """Return a number to one digit, at least 1: what somebody would type."""
    if number < 1:
        return 1
    unit = 10 ** floor(log10(number))
    return int(number // unit * unit)
