"""Everything that judges, behind two functions: of a running job's moment, and of a run that has ended."""

from __future__ import annotations

from mptrace.launch.judging import Told


def judge_moment(run_path: str, moment: int) -> list[Told]:
    """Return the findings about one moment of a running job, worst first."""
    return []
