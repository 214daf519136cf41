"""What we patch is still found by pickle under its own name, so that a program may send it to another process."""

from __future__ import annotations

import pytest

from tests.support.traced import Outcome, pythons, trace, version_of

PROGRAM = """
import multiprocessing.pool, multiprocessing.managers, multiprocessing.shared_memory, concurrent.futures.process
import copy, os, pickle, posix, signal, sys
originals = sys.modules["_mptrace.agent.originals"]
owners = {(owner, name) for patches in originals._patches.values() for owner, name, *_ in patches}
assert (os, "kill") in owners
for owner, name in sorted(owners, key=str):
    found = getattr(owner, name)
    if type(owner) is type(os) and callable(found):
        assert pickle.loads(pickle.dumps(found)) is found, found
for found in (os.kill, os._exit, signal.signal):
    assert pickle.loads(pickle.dumps(found)) is copy.deepcopy(found) is copy.copy(found) is found, found
for builtin in (posix.kill, posix._exit, pickle.loads):  # as somebody may have taken them before we came
    assert pickle.loads(pickle.dumps(builtin)) is builtin
assert pickle.loads(pickle.dumps(multiprocessing.reduction.ForkingPickler.loads)) is pickle.loads
class Program:  # a builtin is no method of a class that has it as attribute
    kill, loads = os.kill, multiprocessing.reduction.ForkingPickler.loads
assert Program().kill(os.getpid(), 0) is None and Program().loads(pickle.dumps(3)) == 3
if __name__ == "__main__":
    child = multiprocessing.get_context("spawn").Process(target=os._exit, args=(7,))
    child.start()
    child.join()
    print(child.exitcode)
"""


@pytest.fixture(params=pythons(), ids=version_of)
def outcome(request: pytest.FixtureRequest, tmp_path: pytest.TempPathFactory) -> Outcome:
    return trace(PROGRAM, tmp_path, request.param)


def test_a_patched_function_can_be_sent_to_another_process(outcome: Outcome) -> None:
    assert (outcome.status, outcome.out) == (0, "7\n"), outcome.err
