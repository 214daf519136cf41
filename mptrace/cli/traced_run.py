"""A run from the command line's side: start it, judge it at its end, print what is worth it, and return the exit status."""

from __future__ import annotations

from mptrace.cli.judge import judge_moment
from mptrace.launch.job import Job
from mptrace.launch.launcher import run_job
from mptrace.launch.settings import Settings


def run_traced(job: Job, settings: Settings) -> int:
    """Run a job under the tracer and return the status that mptrace exits with."""
    outcome = run_job(job, settings, judge_moment)
    return outcome.status
