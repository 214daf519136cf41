"""Looking at the frames of threads keeps none of them: what the host's functions held is gone when they return."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.traced import pythons, trace, version_of

PROGRAM = """
import gc, multiprocessing, threading, weakref

class Held:
    pass

def hold(go, may_end, seen):
    held = Held()
    seen.append(weakref.ref(held))
    go.set()
    may_end.wait()

if __name__ == "__main__":
    gc.disable()
    go, may_end, seen = threading.Event(), threading.Event(), []
    thread = threading.Thread(target=hold, args=(go, may_end, seen))
    thread.start()
    go.wait()
    child = multiprocessing.get_context("fork").Process(target=int)
    child.start()
    child.join()
    may_end.set()
    thread.join()
    print(seen[0]())
"""


@pytest.mark.parametrize("python", pythons(), ids=version_of)
def test_a_fork_keeps_no_frame_of_another_thread(python: str, tmp_path: Path) -> None:
    assert trace(PROGRAM, tmp_path, python).out.split() == ["None"]
