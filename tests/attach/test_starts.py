"""A child that has not begun, or was given something while it was looked at, may still come to know anything."""

from __future__ import annotations

import multiprocessing
import os
from types import SimpleNamespace

import pytest

from mptrace.attach.address_space import AddressSpace
from mptrace.attach.calls import describe
from mptrace.attach.job import read_world, see_process
from mptrace.attach.seen import Frame, SeenThread
from mptrace.attach.starts import know_starts

BOOTSTRAP = Frame("/usr/lib/python3.11/multiprocessing/process.py", 314, "BaseProcess._bootstrap")


@pytest.mark.parametrize(("frames", "begun"), [((), False), ((BOOTSTRAP,), True)], ids=["unpickling", "running"])
def test_a_spawned_child_has_begun_when_its_stack_says_so(frames, begun):
    process = see_process(os.getpid(), read_world())
    process.start_method = "spawn"
    process.threads[process.pid] = SeenThread(process.pid, process.pid, frames=frames)
    know_starts(SimpleNamespace(job=SimpleNamespace(living=[process])))
    assert process.begun is begun


def test_a_child_that_was_given_a_semaphore_after_it_was_seen_has_not_begun():
    lock = multiprocessing.Lock()
    process = see_process(os.getpid(), read_world())
    process.start_method, process.name = "forkserver", "cook"
    process.space = AddressSpace(process.pid, [], [])
    know_starts(SimpleNamespace(job=SimpleNamespace(living=[process])))
    assert not process.begun
    del lock


def test_a_task_that_changes_while_it_is_read_has_no_description():
    def changed(*_):
        raise ValueError("too many values to unpack")

    insight = SimpleNamespace(objects=SimpleNamespace(class_of=changed, sequence=lambda _: ()))
    assert describe(insight, 1, 2) == ""
