"""Why the agent is not in a process."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mptrace.observe import procfs
from mptrace.observe.reach import excluding_flag, why_untraced
from mptrace.wire.rundir import ENV_RUN
from tests.support.launched import wait_until


@pytest.mark.parametrize(
    ("line", "flag"),
    [
        ("python -I x.py", "-I"),
        ("python -B -sE -c pass", "-E"),
        ("python -OS x.py", "-S"),
        ("python x.py -I", ""),
        ("python -c pass -S", ""),
        ("python -m mod -E", ""),
        ("python -W ignore x.py", ""),
        ("python -XS x.py", ""),
        ("python", ""),
    ],
)
def test_the_options_that_keep_us_out_are_found_before_the_script(line: str, flag: str) -> None:
    assert excluding_flag(line.split()) == flag


@pytest.mark.parametrize(
    ("command", "env", "reason"),
    [
        (["sleep", "60"], None, "another program: sleep"),
        ([sys.executable, "-I", "-c", "input()"], None, "started with -I"),
        ([sys.executable, "-c", "input()"], {}, "started with an empty environment"),
        ([sys.executable, "-c", "input()"], {"PATH": "/bin"}, "started with a cleaned environment"),
        ([sys.executable, "-c", "input()"], {ENV_RUN: "/run/1", "PYTHONPATH": "/elsewhere"}, "its PYTHONPATH was replaced"),
        ([sys.executable, "-c", "input()"], {ENV_RUN: "/run/1", "PYTHONPATH": "/x/launch/bootstrap"}, ""),
    ],
)
def test_the_reason_is_what_the_process_was_started_with(command: list[str], env: dict[str, str] | None, reason: str) -> None:
    child = subprocess.Popen(command, env=env, stdin=subprocess.PIPE)
    try:
        wait_until(lambda: procfs.command(child.pid) == command)
        assert why_untraced(child.pid, "/run/1") == reason
    finally:
        child.kill()
        child.communicate(timeout=20)


def test_nothing_is_said_of_a_process_that_is_gone() -> None:
    assert why_untraced(2**22 + 1, "/run/1") == ""
