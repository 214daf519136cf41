"""An item that a feeder drops while its process ends is told, and what the library logs names the line that logged it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from mptrace.wire.events import failures
from tests.support.traced import line_of, trace
from tests.support.versions import everywhere

PROGRAM = """
import logging, multiprocessing, sys, time
from multiprocessing import util

class Late:
    def __reduce__(self):
        while not util.is_exiting():
            time.sleep(0.01)
        raise ValueError("too late")

def work(queue):
    queue.put(Late())  # put

if __name__ == "__main__":
    logger = multiprocessing.get_logger()
    logger.setLevel(logging.INFO)
    logger.addHandler(logging.StreamHandler(sys.stdout))
    logger.handlers[0].setFormatter(logging.Formatter("%(filename)s %(message)s"))
    util.info("from here")
    logger.setLevel(logging.WARNING)
    queue = multiprocessing.get_context("fork").Queue()
    child = multiprocessing.get_context("fork").Process(target=work, args=(queue,))
    child.start()
    child.join()
"""


@everywhere
def test_an_item_dropped_at_the_end_is_told_and_the_librarys_log_names_the_file_that_it_would_without_us(
    tmp_path: Path, python: str
) -> None:
    outcome = trace(PROGRAM, tmp_path, python)
    dropped = outcome.one(failures.ITEM_DROPPED)
    assert (dropped["error"], dropped["message"]) == ("ValueError", "too late")
    assert outcome.line(dropped) == line_of(PROGRAM, "put")
    bare = subprocess.run([python, str(tmp_path / "program.py")], capture_output=True, text=True, check=True, timeout=60)
    assert (outcome.status, outcome.out, outcome.quiet()) == (0, bare.stdout, True), outcome.err
