"""The search for the object that pickle refused: the right path, no code of the program, bounded."""

from __future__ import annotations

import collections
import functools
import multiprocessing
import pickle
import sqlite3
import sys
import threading
import time
import types

import pytest

from tests.support.traced import PACKAGE


def agent() -> types.ModuleType:
    """Load the agent's module as the agent is loaded: by path, under its private name."""
    package = sys.modules.setdefault("_mptrace", types.ModuleType("_mptrace"))
    package.__path__ = [str(PACKAGE)]
    from _mptrace.agent import offender  # type: ignore[import-not-found]

    return offender  # type: ignore[no-any-return]


class Plain:
    def __init__(self, **attributes: object) -> None:
        self.__dict__.update(attributes)

    def method(self) -> None: ...


class Slotted:
    __slots__ = ("first", "second")


class Careful(Plain):
    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "lock"}


class Reduced(Plain):
    def __reduce__(self) -> object:
        CALLS.append(self)
        return Plain, (), {"guard": threading.Lock()}


CALLS: list[object] = []


def local() -> object:
    class Local: ...

    return Local()


def slotted() -> Slotted:
    made = Slotted()
    made.second = threading.Lock()
    return made


def unnamed() -> object:
    return type("Unnamed", (), {})()


CASES = [
    (Plain(meta={"cache": Plain(guard=threading.Lock())}), "item.meta['cache'].guard", "_thread.lock"),
    ([1, lambda: 1], "item[1]", "lambda"),
    ({"key": local()}, "item['key']", "local class Local"),
    (slotted(), "item.second", "_thread.lock"),
    (Plain(call=Plain(base=sqlite3.connect(":memory:")).method), "item.call.__self__.base", "sqlite3.Connection"),
    (functools.partial(max, key=lambda x: x), "item.keywords['key']", "lambda"),
    (Careful(lock=threading.Lock(), rest=(x for x in ())), "item.rest", "generator"),
    (collections.deque([(1, sys)]), "item[0][1]", "module"),
    (collections.defaultdict(lambda: 0), "item.default_factory", "lambda"),
    (ValueError("x", threading.Lock()), "item.args[1]", "_thread.lock"),
    ([unnamed()], "item[0]", f"{__name__}.Unnamed"),
    (Plain(queue=multiprocessing.SimpleQueue()), "item.queue", "multiprocessing.queues.SimpleQueue"),
]


@pytest.mark.parametrize(("root", "path", "blamed"), CASES, ids=[case[1] for case in CASES])
def test_the_path_to_the_offender_is_found(root: object, path: str, blamed: str) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT012 - pickle raises what it likes
        pickle.dumps(root)
        multiprocessing.reduction.ForkingPickler.dumps(root)
    found = agent().find(root, error=caught.value)
    assert found[0] == path
    assert found[1] == blamed or found[1].endswith("Local")


class Trap:
    def __reduce__(self) -> object:
        raise AssertionError("the search ran code of the program")

    __getstate__ = __repr__ = __getattribute__ = __reduce__  # type: ignore[assignment]


def test_no_code_of_the_program_runs() -> None:
    assert agent().find([Trap(), threading.Lock()]) == ("item[1]", "_thread.lock")


def test_what_only_a_reducer_returned_is_told_by_its_name_and_it_is_not_called_again() -> None:
    sent, calls = Plain(page=[1, Reduced()]), len(CALLS)
    with pytest.raises(TypeError) as caught:
        pickle.dumps(sent)
    assert agent().find(sent, error=caught.value) == ("item.page[1].__reduce__()", "lock")
    assert len(CALLS) == calls + 1


def test_of_two_reducers_neither_is_blamed_for_what_the_other_may_have_returned() -> None:
    assert agent().find([Reduced(), Reduced()], error=TypeError("cannot pickle '_thread.lock' object")) == ("", "")


def test_what_pickle_can_send_is_not_blamed() -> None:
    assert agent().find([1, "text", {"a": (2.0, None)}, Plain(x=[1]), len, str.join, collections.Counter("a")]) == ("", "")


def test_a_huge_object_costs_no_more_than_the_budget() -> None:
    huge = [Plain(x=[object()]) for _ in range(200_000)]
    began = time.monotonic()
    agent().find(huge, 0.05)
    assert time.monotonic() - began < 1


def test_a_loop_and_a_deep_nest_end() -> None:
    loop: list[object] = []
    loop.append(loop)
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert agent().find([loop, threading.Lock()]) == ("item[1]", "_thread.lock")
    assert agent().find(deep) == ("", "")
