"""What run.json says about a run; every key may be missing or wrong."""

from __future__ import annotations

from mptrace.collect import Recording
from mptrace.model.run import Meta


def build_meta(recording: Recording) -> Meta:
    """Return what was started, where and when."""
    said = recording.meta
    command = said.get("command")
    hang_after = said.get("hang_after_s")
    return Meta(
        command=tuple(map(str, command)) if isinstance(command, list) else (),
        script=_text(said, "script"),
        python=_text(said, "python"),
        host=_text(said, "host"),
        cwd=_text(said, "cwd"),
        start_ns=_number(said, "start_ns") or 0,
        start_wall_ns=_number(said, "start_wall_ns") or 0,
        end_ns=_number(said, "end_ns"),
        status=_number(said, "status"),
        ended_by=_text(said, "ended_by"),
        start_method=_text(said, "start_method"),
        attached=said.get("attached") is True,
        path=recording.path,
        cores=_number(said, "cores") or 0,
        hang_after_s=float(hang_after) if isinstance(hang_after, (int, float)) else 10.0,
    )


def _text(said: dict[str, object], name: str) -> str:
    value = said.get(name)
    return value if isinstance(value, str) else ""


def _number(said: dict[str, object], name: str) -> int | None:
    value = said.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
