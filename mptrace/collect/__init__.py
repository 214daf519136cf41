"""Read a run directory; trust nothing in it; torn tails and losses counted."""

from mptrace.collect.recording import Recording
from mptrace.collect.run import is_run, newest_run, read_run, save_sources

__all__ = ["Recording", "is_run", "newest_run", "read_run", "save_sources"]
