"""Commands of the harness are bounded, and nothing of them stays."""

from __future__ import annotations

import os
import sys

from tests.support import bounded

ESCAPES = """
import os, sys
if os.fork() == 0:
    os.setsid()
    os.execv("/bin/sleep", ["sleep", "300"])
print("gone")
"""


def running(token_of: dict[str, str]) -> set[int]:
    mark = f"MPTRACE_TEST_MARK={token_of['MPTRACE_TEST_MARK']}".encode()
    found = set()
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                found |= {int(name)} if mark in file.read() else set()
        except OSError:
            continue
    return found


def environment(name: str) -> dict[str, str]:
    return {**os.environ, "MPTRACE_TEST_MARK": f"{name}-{os.getpid()}"}


def test_a_command_that_does_not_end_is_ended():
    env = environment("endless")
    ended = bounded.run([sys.executable, "-c", "import time; time.sleep(300)"], env, 0.5)
    assert ended.status is None
    assert not running(env)


def test_a_process_that_escaped_to_a_session_of_its_own_is_told_and_ended():
    env = environment("escaped")
    ended = bounded.run([sys.executable, "-c", ESCAPES], env, 20)
    assert (ended.status, ended.stdout) == (0, "gone\n")
    assert ["sleep 300" in one for one in ended.left] == [True]
    assert not running(env)


def test_stdin_stays_open_and_gets_a_line_after_a_while():
    ended = bounded.run([sys.executable, "-c", "print(input())"], dict(os.environ), 20, stdin_after_s=0.1)
    assert (ended.status, ended.stdout) == (0, "go on\n")


def test_lines_of_stderr_carry_the_time_they_came_at():
    code = "import sys, time; print('a', file=sys.stderr, flush=True); time.sleep(0.5); print('b', file=sys.stderr)"
    ended = bounded.run([sys.executable, "-c", code], dict(os.environ), 20)
    (first, _), (second, _) = ended.lines
    assert second - first > 0.3
