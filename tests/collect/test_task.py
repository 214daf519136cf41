"""A task is read from the bytes in which its worker received it: whole, cut off anywhere, or no pickle at all; nothing of it is run."""

from __future__ import annotations

import os.path
import pickle
from concurrent.futures.process import _CallItem, _process_chunk  # type: ignore[attr-defined]
from functools import partial
from multiprocessing.pool import mapstar, starmapstar  # type: ignore[attr-defined]
from multiprocessing.reduction import ForkingPickler

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mptrace.collect.pickled import Cut, read_pickle
from mptrace.collect.task import read_task

HERE = __name__


def page(number: int) -> int:
    """A task's function."""
    return number


class Page:
    """A task's argument; its method is a task's function too."""

    def render(self) -> None:
        """Do nothing."""


def pickled(what: object) -> bytes:
    return bytes(ForkingPickler.dumps(what))


CALLS = [
    (page, (1, "a", b"b"), {}, f"{HERE}.page(1, 'a', b'b')"),
    (page, ([1, (2,), {"k": None}], {1, 2}), {"deep": 2.5}, f"{HERE}.page([1, (2,), {{'k': None}}], <set of 2>, deep=2.5)"),
    (page, (Page(), Page, 1 << 300, True), {}, f"{HERE}.page(<Page object>, {HERE}.Page, <big int>, True)"),
    (Page().render, (), {}, f"{HERE}.Page.render()"),
    (partial(page, 3), (), {}, f"partial({HERE}.page)()"),
    (mapstar, ((page, (7, 8, 9)),), {}, f"{HERE}.page(7  and 2 more)"),
    (mapstar, ((page, (7,)),), {}, f"{HERE}.page(7)"),
    (starmapstar, ((page, ((7, "x"), (8, "y"))),), {}, f"{HERE}.page(7, 'x'  and 1 more)"),
    (os.path.join, ("x" * 99,), {}, f"posixpath.join('{'x' * 60}'...)"),
]


@pytest.mark.parametrize(("function", "args", "kwargs", "text"), CALLS)
def test_a_task_of_a_pool_says_its_number_and_its_call(function: object, args: object, kwargs: object, text: str) -> None:
    task = read_task(pickled((5, 3, function, args, kwargs)))
    assert task is not None
    assert (task.number >> 32, task.number & 0xFFFFFFFF, task.text) == (5, 3, text)


def test_a_call_of_an_executor_too() -> None:
    submitted = read_task(pickled(_CallItem(5, page, (1, Page()), {"deep": 2})))
    mapped = read_task(pickled(_CallItem(6, partial(_process_chunk, page), (((7,), (8,)),), {})))
    assert submitted is not None
    assert (submitted.number >> 32, submitted.text) == (5, f"{HERE}.page(1, <Page object>, deep=2)")
    assert mapped is not None
    assert (mapped.number >> 32, mapped.text) == (6, f"{HERE}.page(7  and 1 more)")


def test_one_that_is_cut_off_says_what_is_there() -> None:
    text = read_task(pickled((5, 3, page, ("x" * 2000,), {}))[:300])
    many = read_task(pickled((5, 3, mapstar, ((page, tuple(range(5000))),), {}))[:300])
    called = read_task(pickled(_CallItem(6, partial(_process_chunk, page), (tuple((n,) for n in range(900)),), {}))[:500])
    assert [found and found.text for found in (text, many, called)] == [
        f"{HERE}.page('{'x' * 60}'...)", f"{HERE}.page(0  and more)", f"{HERE}.page(0  and more)",
    ]  # fmt: skip


def test_a_sentinel_is_no_task() -> None:
    assert read_task(pickled(None)) is None
    assert read_task(b"") is None


WHOLE = [pickled((5, 3, *call[:3])) for call in CALLS] + [pickled(_CallItem(5, partial(_process_chunk, page), (((1,),),), {}))]


@pytest.mark.parametrize("data", WHOLE)
def test_it_can_be_cut_anywhere(data: bytes) -> None:
    for length in range(len(data)):
        read_task(data[:length])


def nothing_is_run() -> None:
    raise AssertionError


class Trap:
    """Its pickle calls a function when it is loaded."""

    def __reduce__(self) -> object:
        return nothing_is_run, ()


def test_nothing_of_it_is_run() -> None:
    task = read_task(pickle.dumps((5, 3, page, (Trap(),), {})))
    assert task is not None
    assert task.text == f"{HERE}.page(<nothing_is_run object>)"


@given(st.one_of(st.binary(max_size=400), st.builds(lambda data, at, byte: data[:at] + bytes([byte]) + data[at + 1 :],
                                                   st.sampled_from(WHOLE), st.integers(0, 200), st.integers(0, 255))))  # fmt: skip
def test_no_bytes_can_make_it_fail(data: bytes) -> None:
    read_task(data)
    assert len(read_pickle(data)) <= len(data) + 1


def test_a_pickle_that_is_cut_ends_in_a_mark_of_that() -> None:
    assert isinstance(read_pickle(pickled([1, 2, 3])[:-2])[-1], Cut)
