"""The step that repeats on the way down something too deep to be pickled; bounded, and without code of the program."""

from __future__ import annotations

import sys
import types

from tests.support.traced import PACKAGE


def agent() -> types.ModuleType:
    """Load the agent's module as the agent is loaded: by path, under its private name."""
    package = sys.modules.setdefault("_mptrace", types.ModuleType("_mptrace"))
    package.__path__ = [str(PACKAGE)]
    from _mptrace.agent import depth  # type: ignore[import-not-found]

    return depth  # type: ignore[no-any-return]


class Node:
    def __init__(self, value: int, following: Node | None) -> None:
        self.value, self.following = value, following

    def __getattr__(self, name: str) -> object:
        raise AssertionError(name)


def chain(length: int) -> Node | None:
    node = None
    for value in range(length):
        node = Node(value, node)
    return node


def test_the_attribute_that_leads_from_one_to_the_next_is_named() -> None:
    path, step = agent().repeated([("args", (chain(5000),))])
    assert step == ".following"
    assert path == "args[0].following.following.following..."


def test_several_steps_that_repeat_together_are_named() -> None:
    tree: dict[str, object] = {}
    inner = tree
    for _ in range(400):
        branch: dict[str, object] = {}
        inner["branches"] = [branch]
        inner = branch
    assert agent().repeated([("item", tree)])[1] in ("['branches'][0]", "[0]['branches']")


def test_what_is_not_deep_has_no_such_step() -> None:
    assert agent().repeated([("item", [chain(20), list(range(1000))])]) == ("", "")


def test_a_circle_ends() -> None:
    first, second = Node(1, None), Node(2, None)
    first.following, second.following = second, first
    assert agent().repeated([("item", first)]) == ("", "")
