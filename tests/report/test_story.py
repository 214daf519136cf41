"""Steps as columns or as a list."""

from __future__ import annotations

from mptrace.diagnose.finding import Step
from mptrace.model.process import Process, Thread
from mptrace.model.run import Meta
from mptrace.report.clock import Clock
from mptrace.report.page import Page
from mptrace.report.story import picture
from tests.golden.cases import at, process, s, thread

PAGE = Page(cwd="/home/ann/job")
CLOCK = Clock(Meta(start_ns=s(0)), s(10), live=True)


def actors(count: int) -> list[Process]:
    return [process(2 + n, f"worker-{n + 1}") for n in range(count)]


def drawn(steps: list[Step], page: Page = PAGE, **options: int) -> list[str]:
    return [line.plain for line in picture(steps, page, CLOCK, **options)]


def test_two_actors_stand_in_columns_with_time_downwards() -> None:
    one, two = actors(2)
    assert drawn([Step("took a", one, s(1), at("x.py", 5)), Step("wants a", two, s(2), at("x.py", 9))]) == [
        "      worker-1, pid 4120    worker-2, pid 4121",
        "-9.0  took a   x.py:5",
        "-8.0                        wants a   x.py:9",
    ]


def test_places_too_wide_for_their_columns_go_to_the_edge_of_the_page() -> None:
    one, two = actors(2)
    long = at("some/package/with/names.py", 5)
    _, first, second = drawn([Step("took a", one, s(1), long), Step("wants a", two, s(2), long)])
    assert first.endswith("names.py:5")
    assert len(first) == len(second) == PAGE.width


def test_four_actors_make_a_list() -> None:
    lines = drawn([Step(f"took {n}", each, s(1), at("x.py", n + 1)) for n, each in enumerate(actors(4))])
    assert [line.split("  ")[2] for line in lines] == [f"worker-{n} (pid {4119 + n}) took {n - 1}" for n in range(1, 5)]


def test_one_actor_makes_a_list_and_tells_its_pid_once() -> None:
    (one,) = actors(1)
    first, second = drawn([Step("took a", one, s(1)), Step("wants a", one, s(2))])
    assert (first, second) == ("  -9.0  worker-1 (pid 4120) took a", "  -8.0  worker-1 wants a")


def test_columns_that_do_not_fit_make_a_list() -> None:
    one, two = actors(2)
    lines = drawn([Step("waits in " + "very " * 8 + "long call", one, s(1)), Step("wants a", two, s(2))])
    assert lines[0].startswith("  -9.0  worker-1 (pid 4120) waits in")


def test_steps_without_times_need_no_room_for_them() -> None:
    assert drawn([Step("results.put(page)")]) == ["  results.put(page)"]


def test_alike_steps_in_a_row_are_told_once_with_their_number() -> None:
    four = actors(4)
    steps = [Step("died of KeyError", each, s(1), at("x.py", 3)) for each in four]
    (line,) = drawn(steps)
    assert line.startswith("  -9.0  4 × worker died of KeyError")


def test_two_alike_steps_are_told_once_with_both_names() -> None:
    one, two = actors(2)
    long = "died of " + "a rather long story that fits no column " * 2
    lines = drawn([Step(long, each, s(1)) for each in (one, two)])
    assert lines[0].startswith("  -9.0  worker-1 and worker-2 died of")


def test_several_actors_have_their_verb_in_the_plural() -> None:
    lines = drawn([Step("waits in q.get()", each, s(1), at("x.py", 3)) for each in actors(4)])
    assert lines[0].startswith("  -9.0  4 × worker wait in q.get()")


def test_middle_of_too_many_steps_is_counted() -> None:
    (one,) = actors(1)
    lines = drawn([Step(f"step {n}", one, s(n)) for n in range(9)], most=4)
    assert [line.split()[-1] for line in lines] == ["0", "1", "(-v)", "7", "8"]
    assert "5 more steps" in lines[2]


def test_thread_is_told_from_its_process() -> None:
    (one,) = actors(1)
    other = Thread(one, 99, "Thread-1")
    head = drawn([Step("took a", thread(one), s(1)), Step("wants a", other, s(2))])[0]
    assert head.split("    ")[1:] == ["  worker-1, pid 4120", "Thread-1 of worker-1, pid 4120"]
