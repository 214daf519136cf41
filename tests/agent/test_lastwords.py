"""The stack of a child that SIGTERM ends is in its recording; signals mean to the program what they always did."""

from __future__ import annotations

from pathlib import Path

import pytest

from mptrace.collect import read_run
from tests.support.traced import EVERYWHERE, NAMES, trace

PROGRAM = """
import multiprocessing, os, signal, subprocess, sys

def wait(ready):
    print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, flush=True)
    ready.set()
    while True:
        pass

def handle(ready):
    signal.signal(signal.SIGTERM, lambda *_: os._exit(5))
    ready.set()
    while True:
        signal.pause()

def ignore(ready):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.kill(os.getpid(), signal.SIGTERM)
    sys.exit(subprocess.run([sys.executable, "-c", "import signal; print(signal.getsignal(signal.SIGTERM))"]).returncode)

if __name__ == "__main__":
    multiprocessing.set_start_method("METHOD")
    for target in (wait, handle, ignore):
        ready = multiprocessing.Event()
        child = multiprocessing.Process(target=target, args=(ready,))
        child.start()
        if target is not ignore:
            ready.wait()
            child.terminate()
        child.join()
        print(child.exitcode, flush=True)
"""


@pytest.mark.parametrize(("python", "method"), EVERYWHERE, ids=NAMES)
def test_where_it_was_is_told_and_handlers_of_the_program_count(tmp_path: Path, python: str, method: str) -> None:
    program = PROGRAM.replace("METHOD", method)
    told = trace(program, tmp_path, python)
    assert told.out.split("\n") == ["True", "-15", "5", "Handlers.SIG_IGN" if "3.10" in python else "1", "0", ""]
    assert told.quiet()
    words = [file.last_words for file in read_run(str(told.path)).processes if file.last_words]
    assert len(words) == 1
    assert words[0][0].startswith("Stack")
    assert any(text.endswith(" in wait") for text in words[0])


FORKS = """
import multiprocessing, os, signal

def own(number, frame):
    os._exit(7)

def target():
    signal.signal(signal.SIGTERM, own)
    pid = os.fork()
    if not pid:
        os.kill(os.getpid(), signal.SIGTERM)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)

if __name__ == "__main__":
    multiprocessing.set_start_method("METHOD")
    child = multiprocessing.Process(target=target)
    child.start()
    child.join()
"""


@pytest.mark.parametrize(("python", "method"), EVERYWHERE, ids=NAMES)
def test_a_handler_of_a_child_is_still_that_of_the_processes_it_forks(tmp_path: Path, python: str, method: str) -> None:
    told = trace(FORKS.replace("METHOD", method), tmp_path, python)
    assert told.out == "7\n"
    assert told.quiet()
