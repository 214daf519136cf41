"""What costs time is counted by line: large messages, calls of a manager, questions answered with no, time in tasks."""

from __future__ import annotations

from pathlib import Path

import pytest

from mptrace.wire.events import agents, shared
from tests.support.traced import Logged, Outcome, line_of, pythons, trace, version_of

everywhere = pytest.mark.parametrize("python", pythons(), ids=version_of)

HEAD = """
import multiprocessing
multiprocessing.set_start_method("fork")
"""

LARGE = (
    HEAD
    + """
def length(text):
    return "-" * len(text)

if __name__ == "__main__":
    with multiprocessing.Pool(1) as pool:
        for answer in pool.imap(length, ["x" * 100_000] * 5):  # imap
            pass
    queue = multiprocessing.Queue()
    for _ in range(3):
        queue.put("y" * 70_000)
        queue.get()  # get
    queue.put("small")
    queue.get()
"""
)


def last(told: Outcome, **wanted: object) -> Logged:
    """Return the last total with these fields."""
    found = [record for record in told.of(shared.HEAVY) if all(record[name] == value for name, value in wanted.items())]
    return found[-1]


@everywhere
def test_large_messages_are_counted_by_the_line_that_sent_or_received_them(tmp_path: Path, python: str) -> None:
    told = trace(LARGE, tmp_path, python)
    assert told.quiet()
    assert told.of(agents.PROBE_OFF) == []
    handed_in = last(told, call="Pool.imap")
    assert (handed_in["count"], handed_in["received"], handed_in["root"]) == (4, 0, "length")  # told again at a quarter more
    assert told.line(handed_in) == line_of(LARGE, "imap")
    assert last(told, call="result of length")["count"] == 4
    taken = last(told, call="Queue.get")
    assert (taken["count"], taken["received"]) == (3, 1)
    assert 3 * 70_000 < int(taken["bytes"]) < 3 * 71_000


@everywhere
def test_the_clock_is_read_from_the_first_large_message_on(tmp_path: Path, python: str) -> None:
    told = trace(LARGE, tmp_path, python)
    total = last(told, call="Pool.imap")
    assert total["timed"] == int(total["count"]) - 1
    assert int(total["took_ns"]) > 0


CALLS = (
    HEAD
    + """
if __name__ == "__main__":
    with multiprocessing.Manager() as manager:
        shared = manager.dict()
        for number in range(40):
            shared[number] = number  # store
        len(shared)
"""
)


@everywhere
def test_calls_through_a_manager_are_counted_by_method(tmp_path: Path, python: str) -> None:
    told = trace(CALLS, tmp_path, python)
    assert told.quiet()
    calls = {str(record["method"]): record for record in told.of(shared.PROXY_CALLS)}
    assert 32 <= int(calls["dict.__setitem__"]["count"]) <= 40
    assert told.line(calls["dict.__setitem__"]) == line_of(CALLS, "store")
    assert calls["dict.__len__"]["count"] == 1


POLLING = (
    HEAD
    + """
if __name__ == "__main__":
    queue = multiprocessing.SimpleQueue()
    for number in range(2000):
        queue.empty()  # ask
    queue.put(1)
    for number in range(2000):
        queue.empty()
"""
)


@everywhere
def test_questions_in_vain_are_counted_and_those_answered_with_yes_are_not(tmp_path: Path, python: str) -> None:
    told = trace(POLLING, tmp_path, python)
    assert told.quiet()
    last_told = told.of(shared.POLLS)[-1]
    assert last_told["count"] == 1024  # the first window of 512 began before anybody looked at the clock; the fourth is not full
    assert 0 < int(last_told["cpu_ns"]) <= int(last_told["took_ns"]) * 2
    assert told.line(last_told) == line_of(POLLING, "ask")


FORKED = (
    HEAD
    + """
def child(queue):
    for _ in range(2):
        queue.put("z" * 80_000)
        queue.get()

if __name__ == "__main__":
    queue = multiprocessing.SimpleQueue()
    for _ in range(5):
        queue.put("z" * 50_000 + "z" * 20_000)
        queue.get()
    process = multiprocessing.Process(target=child, args=(queue,))
    process.start()
    process.join()
"""
)


@everywhere
def test_a_forked_child_counts_from_nothing(tmp_path: Path, python: str) -> None:
    program = FORKED.replace("queue.put(", "send(queue, ").replace("queue.get()", "take(queue)").replace(
        "def child", "import threading\n\ndef send(queue, what):\n    threading.Thread(target=queue.put, args=(what,)).start()\n\ndef take(queue):\n    queue.get()\n\ndef child"
    )  # fmt: skip
    told = trace(program, tmp_path, python)
    assert told.quiet()
    by_pid: dict[int, int] = {}
    for record in told.of(shared.HEAVY):
        if record["received"]:
            by_pid[record.pid] = int(record["count"])
    assert sorted(by_pid.values()) == [2, 4]
