"""Starts that really fail: at a limit on processes, at an exec, at a socket's path, at a wrong key. ENOMEM needs strict overcommit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FEW = """
import ctypes, multiprocessing, os, resource, sys

def hello():
    pass

def limit():
    # one process at most, for a real user that has no privilege over that (the limit does not bind root)
    os.setresuid(65534, 0, 0)
    libc, head, data = ctypes.CDLL(None), (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    assert libc.capget(head, data) == 0
    data[0] &= ~(1 << 21 | 1 << 24)  # CAP_SYS_ADMIN, CAP_SYS_RESOURCE
    assert libc.capset(head, data) == 0
    resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    limit()
    multiprocessing.Process(target=hello, name="greeter").start()
"""

NO_INTERPRETER = """
import multiprocessing

def hello():
    pass

if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    multiprocessing.set_executable("/nonexistent/python")
    greeter = multiprocessing.Process(target=hello, name="greeter")
    greeter.start()
    greeter.join()
"""

LONG_PATH = """
import multiprocessing, os, sys, tempfile

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    os.environ["TMPDIR"] = tempfile.mkdtemp(suffix="x" * 100)
    tempfile.tempdir = None
    multiprocessing.Manager()
"""

WRONG_KEY = """
import multiprocessing
from multiprocessing.connection import Client, Listener

def serve(told):
    with Listener(None, "AF_UNIX", authkey=b"right") as listener:
        told.send(listener.address)
        try:
            listener.accept()
        except multiprocessing.AuthenticationError:
            pass

if __name__ == "__main__":
    asked, told = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(told,))
    server.start()
    Client(asked.recv(), authkey=b"wrong")
"""


def first_finding(program: str, tmp_path: Path, *arguments: str) -> dict[str, object]:
    """Return the cause that mptrace finds for a program, run in ``tmp_path``."""
    (tmp_path / "job.py").write_text(program)
    command = [sys.executable, "-m", "mptrace", "--quiet", "--output", "run", "--json", "report.json", "job.py", *arguments]
    subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120, check=False)
    findings = json.loads((tmp_path / "report.json").read_text())["findings"]
    assert findings, "nothing was found"
    return dict(findings[0])


@pytest.mark.skipif(os.getuid() != 0, reason="only root may become a user of whom there are processes already")
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_limit_on_processes_is_named_with_the_line_that_met_it(tmp_path: Path, method: str) -> None:
    finding = first_finding(FEW, tmp_path, method)
    assert (finding["rule"], finding["verdict"]) == ("start-failed", "proven")
    assert "could not start greeter: BlockingIOError: [Errno 11]" in str(finding["title"])
    assert "raise the limit on them" in str(finding["fix"])


def test_an_interpreter_that_cannot_be_executed_is_likely(tmp_path: Path) -> None:
    finding = first_finding(NO_INTERPRETER, tmp_path)
    assert (finding["rule"], finding["verdict"]) == ("start-failed", "likely")
    assert str(finding["title"]).startswith("greeter never ran")


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_socket_whose_path_is_too_long_is_named_with_the_way_out(tmp_path: Path, method: str) -> None:
    finding = first_finding(LONG_PATH, tmp_path, method)
    assert (finding["rule"], finding["verdict"]) == ("start-failed", "proven")
    assert "AF_UNIX path too long" in str(finding["title"])
    assert "TMPDIR" in str(finding["fix"])


def test_a_wrong_key_is_named_where_it_was_refused(tmp_path: Path) -> None:
    finding = first_finding(WRONG_KEY, tmp_path)
    assert (finding["rule"], finding["verdict"]) == ("start-failed", "proven")
    assert "authkey" in str(finding["fix"])
