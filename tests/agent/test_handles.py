"""Open files and sockets that a fork leaves in two processes: who reads through one tells it once, and nothing stays of that."""

from __future__ import annotations

from pathlib import Path

import pytest

from mptrace.wire.events import resources
from tests.support.traced import line_of, pythons, trace, version_of

PROGRAM = """
import os, socket, tempfile
from multiprocessing import Lock, Process, set_start_method

class Reader:
    def __init__(self, file):
        self.file = file

def work(reader, ends, turn):
    next(reader.file)  # child
    with turn:
        ends.recv(1)

if __name__ == "__main__":
    set_start_method("fork")
    file = tempfile.TemporaryFile("w+")
    file.write("line\\n" * 40000)
    file.seek(0)
    untouched = tempfile.TemporaryFile()
    one, other = socket.socketpair()
    listener = socket.create_server(("127.0.0.1", 0))
    other.send(b"xxxx")
    child = Process(target=work, args=(Reader(file), one, Lock()))
    child.start()
    child.join()
    print(len([name for name in vars(file.buffer.raw) if name.startswith("read")]))
    next(file)  # parent
    one.recv_into(bytearray(1), nbytes=1)
    one.send(b"y")
    other.recv(1)
    print("recv" in vars(socket.socket), "readinto" in vars(file.buffer.raw))
    listener.close()
    if os.fork() == 0:
        next(file)
        os.read(one.fileno(), 0)
        os._exit(0)
    os.wait()
"""


@pytest.mark.parametrize("python", pythons(), ids=version_of)
def test_each_process_tells_its_first_read_after_the_fork_and_the_host_is_as_it_was(python: str, tmp_path: Path) -> None:
    told = trace(PROGRAM, tmp_path, python)
    assert told.quiet()
    uses = told.of(resources.HANDLE_USED)
    said = [(use["what"], use["call"], use["guarded"]) for use in uses]
    assert said[:4] == [
        ("file", "readinto", 0),
        ("socket", "recv", 1),
        ("file", "readinto", 0),
        ("socket", "recv_into", 0),
    ]
    assert len({use["key"] for use in uses}) == 3
    assert uses[0].pid != uses[2].pid
    assert [told.line(use) for use in uses[:3:2]] == [line_of(PROGRAM, "child"), line_of(PROGRAM, "parent")]
    assert told.out.splitlines() == ["3", "False False"]


INLINE = """
import dis
from multiprocessing import get_context

class Box:
    def __init__(self):
        self.value = 1

def read(box):
    return box.value

if __name__ == "__main__":
    box = Box()
    child = get_context("fork").Process(target=read, args=(box,))
    child.start()
    child.join()
    for _ in range(100):
        read(box)
    print([one.opname for one in dis.get_instructions(read, adaptive=True) if "ATTR" in one.opname])
"""


@pytest.mark.parametrize("python", [one for one in pythons() if version_of(one) not in ("3.10", "3.14", "3.15")], ids=version_of)
def test_attributes_of_what_a_process_is_given_stay_as_fast_as_they_were(python: str, tmp_path: Path) -> None:
    assert trace(INLINE, tmp_path, python).out.strip() == "['LOAD_ATTR_INSTANCE_VALUE']"
