"""Resources are called by the variable that their creation was assigned to."""

from __future__ import annotations

import pytest

from mptrace.model.naming import Names
from mptrace.model.site import Site

NAMED = [
    ("stats = Lock()", "Lock", "stats"),
    ("self.q = ctx.Queue()", "Queue", "self.q"),
    ("a, b = Pipe()", "Pipe", "a / b"),
    ("first = second = Lock()", "Lock", "first"),
    ("locks = [Lock() for _ in range(3)]", "Lock", "locks[...]"),
    ("locks = {name: Lock() for name in names}", "Lock", "locks[...]"),
    ("locks = {'a': Lock()}", "Lock", "locks['a']"),
    ("lock: Lock = Lock()", "Lock", "lock"),
    ("lock = lock or Lock()", "Lock", "lock"),
    ("pipes = [(Pipe(), Lock()) for _ in x]", "Lock", "pipes[...][1]"),
    ("with Pool(4) as pool: pass", "Pool", "pool"),
    ("if (q := Queue()): pass", "Queue", "q"),
    ("q = MyQueue(3)", "Queue", "q"),
    ("p = Process(target=work, args=(Queue(),))", "Queue", ""),
    ("work(Lock())", "Lock", ""),
    ("this is no python", "Lock", ""),
]


@pytest.mark.parametrize(("line", "kind", "name"), NAMED)
def test_the_name_is_that_of_the_assignment_and_none_for_arguments(line, kind, name):
    assert Names({"/a.py": ["", line]}).name_at(Site("/a.py", 2), kind) == name


def test_two_of_a_kind_on_one_line_are_told_apart_by_their_order():
    names = Names({"/a.py": ["a, b = Lock(), Lock()"]})
    assert [names.name_at(Site("/a.py", 1), "Lock", nth) for nth in range(3)] == ["a", "b", "a"]


def test_a_statement_over_several_lines_is_found_from_any_of_them():
    names = Names({"/a.py": ["queue = ctx.Queue(", "    maxsize=3,", ")", "other = 1"]})
    assert [names.name_at(Site("/a.py", line), "Queue") for line in (1, 2, 3, 4)] == ["queue", "queue", "queue", ""]


def test_a_file_that_is_not_at_hand_gives_no_names():
    assert Names({}).name_at(Site("/a.py", 1), "Lock") == ""
