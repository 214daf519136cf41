"""How a process ended is learned from whoever still knows it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from mptrace.observe.exits import UNKNOWN, ask_kernel, ended_status, open_pidfd


def forked(ends: Callable[[], object]) -> int:
    """Fork a child that ends in this way."""
    pid = os.fork()
    if pid == 0:
        ends()
        os._exit(0)
    return pid


def wait_for_end(pidfd: int) -> None:
    assert select.select([pidfd], [], [], 20)[0]


@pytest.mark.parametrize(
    ("ends", "status"), [(lambda: os._exit(7), 7), (lambda: os.kill(os.getpid(), signal.SIGKILL), -9), (lambda: None, 0)]
)
def test_a_child_of_ours_is_reaped(ends: Callable[[], object], status: int) -> None:
    pid = forked(ends)
    pidfd = open_pidfd(pid)
    wait_for_end(pidfd)

    assert ended_status(pid, pidfd)[:2] == (status, "launcher")

    os.close(pidfd)
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, 0)


GRANDPARENT = """
import os, sys
pid = os.fork()
if pid == 0:
    sys.stdin.readline()
    os._exit(9)
print(pid, flush=True)
sys.stdin.readline()
os.waitpid(pid, 0)
print("reaped", flush=True)
sys.stdin.readline()
"""


def test_a_zombie_of_another_parent_is_read_and_a_reaped_one_is_asked_of_the_kernel() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", GRANDPARENT.replace("sys.stdin.readline()\n    os._exit", "os._exit")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert parent.stdout is not None
    assert parent.stdin is not None
    try:
        pid = int(parent.stdout.readline())
        pidfd = open_pidfd(pid)
        wait_for_end(pidfd)
        assert ended_status(pid, pidfd)[:2] == (9, "zombie")

        parent.stdin.write("\n")
        parent.stdin.flush()
        assert parent.stdout.readline() == "reaped\n"
        assert ended_status(pid, pidfd)[:2] in {(9, "kernel"), (UNKNOWN, "")}
        os.close(pidfd)
    finally:
        parent.kill()
        parent.communicate(timeout=20)


def test_a_process_that_runs_has_no_status() -> None:
    pidfd = open_pidfd(os.getpid())

    assert ask_kernel(pidfd)[0] == UNKNOWN
    os.close(pidfd)


def test_no_process_has_no_pidfd() -> None:
    assert open_pidfd(2**22 + 1) == -1
