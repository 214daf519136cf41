"""Times as people say them: durations, and how long before now something was."""

from __future__ import annotations

_SECOND, _MINUTE, _HOUR = 10**9, 60 * 10**9, 3600 * 10**9


def duration(took_ns: int) -> str:
    """Return ``0.4 s``, ``41.2 s``, ``3 min 20 s``, ``2 h 5 min``."""
    took_ns = max(took_ns, 0)
    if took_ns < 100_000_000:
        return f"{round(took_ns / 1_000_000)} ms"
    if took_ns < 100 * _SECOND:
        return f"{took_ns / _SECOND:.1f} s"
    if took_ns < _HOUR:
        return f"{took_ns // _MINUTE} min {took_ns % _MINUTE // _SECOND} s"
    return f"{took_ns // _HOUR} h {took_ns % _HOUR // _MINUTE} min"


def durations(took_ns: list[int]) -> str:
    """Return the duration that several like processes share, or its range: ``12.0 s to 33.1 s``."""
    shortest, longest = duration(min(took_ns)), duration(max(took_ns))
    near = max(took_ns) - min(took_ns) <= max(took_ns) // 20
    return longest if near or shortest == longest else f"{shortest} to {longest}"


def before(at_ns: int, now_ns: int) -> str:
    """Return how long before now, in seconds: ``-9.8``; of what is long ago ``-3m20``, ``-2h05``."""
    ago = max(now_ns - at_ns, 0)
    if ago < 100 * _SECOND:
        return f"-{ago / _SECOND:.1f}"
    if ago < 100 * _MINUTE:
        return f"-{ago // _MINUTE}m{ago % _MINUTE // _SECOND:02d}"
    return f"-{ago // _HOUR}h{ago % _HOUR // _MINUTE:02d}"
