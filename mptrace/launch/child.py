"""Start the job as our child, with the signal mask, descriptors, group and terminal that it would have without us; watch over it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Mapping

from mptrace.errors import BadUse
from mptrace.launch.job import Job
from mptrace.observe.exits import UNKNOWN

_PYTHON_IGNORES = (signal.SIGPIPE, signal.SIGXFSZ)  # in every Python, so in us; a shell started by us must not inherit that


def start(job: Job, environment: Mapping[str, str], mask: Iterable[int]) -> int:
    """Return the pid of the started job; BadUse if the system refuses to start it.

    By posix_spawn: no code of ours runs in the child, and every descriptor that was inheritable stays so.
    """
    try:
        return os.posix_spawnp(job.argv[0], job.argv, environment, setsigmask=mask, setsigdef=_PYTHON_IGNORES)
    except OSError as trouble:
        raise BadUse(f"{job.argv[0]}: {trouble.strerror}") from None


def stopped_by(pid: int) -> int:
    """Return the signal that has just stopped our child (Ctrl-Z), 0 if none did."""
    try:
        info = os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOHANG)
    except ChildProcessError:
        return 0
    return info.si_status if info else 0


def status_of(info: os.waitid_result) -> int:
    """Return an exit status, -N for signal N."""
    return info.si_status if info.si_code == os.CLD_EXITED else -info.si_status


def as_shell(status: int) -> int:
    """Return a status as a shell shows it: 128 + N for signal N; 1 if it is not known."""
    if status == UNKNOWN:
        return 1
    return 128 - status if status < 0 else status
