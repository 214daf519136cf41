"""The compiled recorder's rare records are the bytes that the Python one makes, whatever the values; and nothing is lost between both."""

from __future__ import annotations

from pathlib import Path

import pytest

from mptrace.collect import read_run
from mptrace.wire.events import agents
from tests.support.traced import pythons, trace, version_of
from tests.support.twins import is_built

pytestmark = pytest.mark.skipif(not is_built(), reason="no compiled recorder here")

BEGIN = """
import multiprocessing.process, os, sys
from struct import unpack_from
recorder, native = sys.modules["_mptrace.agent.recorder"], sys.modules["_mptrace.agent.native"]
from _mptrace.wire import layout
from _mptrace.wire.event import encode
from _mptrace.wire.events import agents, processes
assert native.recorder is not None
"""

SAME = (
    BEGIN
    + """
class Number(int): pass
class Text(str): pass

def records():
    at, found = layout.LOG, []
    while length := unpack_from("<I", recorder._bytes, at)[0]:
        end = at + 8 + (length + 7) // 8 * 8
        found.append(bytes(recorder._bytes[at:end]))
        at = end
    return found

def started(*values):
    return processes.STARTED, values

for kind, values in [
    started(1, "a", "", 1, "fork", 2, 3, 4),
    started(-1, "\\u00e9\\u20ac\\U0001f600", "\\udc80 lone", True, "\\0", 1 << 63, -(1 << 63), 1 << 70),
    started(Number(7), Text("t"), None, 2.5, ["x"], None, "3", Number(-3)),
    started(1, "a", "b", 0, "c", 0, 0, 0, "too", "many"),
    started(1, "x" * 6000, "y" * 6001, 0, "z" * 6000, 0, 0, 0),
    (agents.NOTE, ("n" * 7,)),
    (agents.NOTE, ("",)),
]:
    before = len(records())
    recorder.log(kind, *values)
    made = records()[before:]
    assert len(made) == 1, (kind, values, len(made))
    tid, at_ns = unpack_from("<IQ", made[0], 12)
    assert made[0] == encode(kind, tid, at_ns, values), (kind, values)
print("same")
"""
)

MANY = (
    BEGIN
    + """
for number in range(3000):
    recorder.log(agents.NOTE, f"{number} " + "x" * (number % 60) + "\\udc80" * (number % 3 == 0))
if not (pid := os.fork()):
    recorder.log(agents.NOTE, "child")
    os._exit(0)
os.waitpid(pid, 0)
recorder.log(agents.NOTE, "end")
"""
)


@pytest.mark.parametrize("python", pythons(), ids=version_of)
def test_whatever_the_values(tmp_path: Path, python: str) -> None:
    assert trace(SAME, tmp_path, python).out == "same\n"


@pytest.mark.parametrize("python", pythons(), ids=version_of)
def test_through_all_segments_and_a_fork(tmp_path: Path, python: str) -> None:
    told = trace(MANY, tmp_path, python)
    assert (told.status, told.err) == (0, "")
    notes = [
        [str(record.fields["says"]) for record in file.log.records if record.kind is agents.NOTE]
        for file in read_run(str(told.path)).processes
    ]
    one, other = sorted(notes, key=len)
    assert (one, other[-1]) == (["child"], "end")
    assert [text.split()[0] for text in other[:-1]] == [str(number) for number in range(3000)]
