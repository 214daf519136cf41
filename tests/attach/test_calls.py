"""Tasks that lie in a pool's queue, told from their messages, of which nothing is unpickled."""

from __future__ import annotations

import struct
from multiprocessing.pool import mapstar
from multiprocessing.reduction import ForkingPickler

from mptrace.attach.calls import tasks_in


def message(job, function, arguments):
    data = bytes(ForkingPickler.dumps((job, 0, function, arguments, {})))
    return struct.pack("!i", len(data)) + data


def test_a_call_is_told_by_its_function():
    assert list(tasks_in(message(7, struct.calcsize, ("i",)))) == [(7, "calcsize")]


def test_a_chunk_of_map_is_told_by_the_function_of_the_program():
    assert list(tasks_in(message(3, mapstar, ((struct.calcsize, ("i", "q")),)))) == [(3, "calcsize")]


def test_every_message_of_a_pipe_is_told():
    lies_there = message(1, struct.calcsize, ("i",)) + message(2, struct.pack, ("i", 1))
    assert list(tasks_in(lies_there)) == [(1, "calcsize"), (2, "pack")]


def test_a_message_that_is_cut_off_is_told_as_far_as_it_goes_and_never_fails():
    whole = message(1, struct.calcsize, ("i",)) + message(2, mapstar, ((struct.pack, ("i", 1)),))
    for size in range(len(whole)):
        assert list(tasks_in(whole[:size])) in ([], [(1, "calcsize")], [(1, "calcsize"), (2, "pack")])


def test_a_large_job_number_and_rubbish_are_no_trouble():
    assert list(tasks_in(message(70_000, struct.calcsize, ("i",)))) == [(70_000, "calcsize")]
    assert list(tasks_in(b"\x00\x00\x00\x05hello" + b"\xff" * 3)) == []
