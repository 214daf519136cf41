"""Rules about values that processes share, or believe to share, on runs written by hand."""

from __future__ import annotations

import pytest

from mptrace.diagnose.finding import Severity, Verdict
from mptrace.model.site import Site
from mptrace.wire.events import shared
from tests.support.story import Story, story
from tests.support.verdicts import found, one

PLAIN = ["def count(visits):", "    visits.value += 1"]
GUARDED = ["def count(visits):", "    with visits.get_lock(): visits.value += 1"]
ACQUIRED = ["def count(visits):", "    visits.value += 1", "    other.acquire()"]
READING = ["def count(visits):", "    print(visits.value)"]


def counters(source: list[str], processes: int = 2) -> Story:
    """Processes that took the lock of the Value ``visits`` last in line 2 of /job/work.py."""
    told = story().lock("visits", "Value")
    lock = told.part("visits", "_lock", "RLock")
    told.told.sources = {"/job/work.py": source}
    for number in range(processes):
        told.process(f"door-{number}").actor.process.last_takes[lock] = Site("/job/work.py", 2, "count")
    return told


def test_processes_that_add_without_the_lock_are_a_possible_loss() -> None:
    finding = one(counters(PLAIN).run(live=False), "unlocked-read-modify-write")
    assert (finding.verdict, finding.severity) == (Verdict.POSSIBLE, Severity.WARNING)
    assert finding.title == "door-0 and door-1 change visits without holding its lock: updates may be lost"
    assert finding.fix.startswith("write `with visits.get_lock():`")


@pytest.mark.parametrize("source", [GUARDED, ACQUIRED, READING, []])
def test_a_line_that_a_lock_guards_or_that_only_reads_is_in_order(source: list[str]) -> None:
    assert found(counters(source).run(live=False), "unlocked-read-modify-write") == []


def test_one_process_alone_loses_nothing() -> None:
    assert found(counters(PLAIN, processes=1).run(live=False), "unlocked-read-modify-write") == []


def test_with_another_lock_that_a_caller_may_hold_it_is_a_hint() -> None:
    assert one(counters(PLAIN).lock("table").run(live=False), "unlocked-read-modify-write").severity is Severity.HINT


def copies(line: str) -> Story:
    told = story().process("w")
    told.told.sources = {"/job/work.py": [line]}
    return told.event(shared.COPY_TAKEN, at="work.py:1", proxy="dict", method="__getitem__", container="list")


@pytest.mark.parametrize("line", ["courses['logic'].append(name)", "d['a']['b'] = 1", "d['a'][0] += 1", "del d['a'][0]", "ns.names.sort()", "d.get('a').add(1)"])  # fmt: skip
def test_a_change_of_what_a_proxy_returned_is_lost(line: str) -> None:
    finding = one(copies(line).run(live=False), "managed-value-mutated")
    assert (finding.verdict, finding.severity) == (Verdict.LIKELY, Severity.WARNING)
    assert line in finding.why


@pytest.mark.parametrize("line", ["names = courses['logic']", "d['a'] = d['a'] + [1]", "print(d['a'])", "out.append(d['a'])", "d['a'] = 1"])  # fmt: skip
def test_what_is_only_read_or_stored_back_is_in_order(line: str) -> None:
    assert found(copies(line).run(live=False), "managed-value-mutated") == []


def drawers(*keys: int, before: int = 1) -> Story:
    told = story()
    for number, key in enumerate(keys):
        told.process(f"w-{number}").event(shared.RANDOM_USED, name="generator", before=before, keys=key, position=3, file="/job/work.py", line=14, function="draw")  # fmt: skip
    return told


def test_siblings_that_drew_from_the_same_stream_are_told_with_the_line() -> None:
    finding = one(drawers(5, 5).run(live=False), "same-random-stream")
    assert (finding.verdict, finding.severity) == (Verdict.LIKELY, Severity.WARNING)
    assert [str(place.site) for place in finding.places] == ["/job/work.py:14"] * 2


@pytest.mark.parametrize("keys", [(5, 6), (5,)])
def test_generators_that_were_seeded_anew_are_in_order(keys: tuple[int, ...]) -> None:
    assert found(drawers(*keys).run(live=False), "same-random-stream") == []


def test_items_of_which_each_process_may_have_its_own_are_a_hint() -> None:
    own = ["def count(visits, index):", "    visits[index] += 1"]
    assert one(counters(own).run(live=False), "unlocked-read-modify-write").severity is Severity.HINT


def stores(line: str, *, one_after_another: bool = False) -> Story:
    told = story().process("w-1").process("w-2")
    told.told.sources = {"/job/work.py": ["def count(totals):", f"    {line}"]}
    for name in ("w-1", "w-2"):
        told.process(name).event(shared.WRITTEN, at="work.py:2", key=9, object="7f", proxy="dict", method="__setitem__")
        if one_after_another:
            told.exits(0)
    return told


@pytest.mark.parametrize("line", ["totals['seen'] += 1", "totals['seen'] = totals['seen'] + 1", "seen.set(seen.get() + 1)", "space.seen += 1"])  # fmt: skip
def test_what_a_manager_holds_is_changed_without_a_lock(line: str) -> None:
    finding = one(stores(line).run(live=False), "unlocked-read-modify-write")
    assert (finding.verdict, finding.severity) == (Verdict.POSSIBLE, Severity.WARNING)
    assert line in finding.why


@pytest.mark.parametrize("line", ["totals['seen'] = 1", "totals['seen'] = other['seen'] + 1", "with lock: totals['seen'] += 1", "seen.set(1)"])  # fmt: skip
def test_a_plain_store_and_one_in_a_lock_are_in_order(line: str) -> None:
    assert found(stores(line).run(live=False), "unlocked-read-modify-write") == []


def test_workers_that_ran_one_after_another_lose_nothing() -> None:
    told = stores("totals['seen'] += 1", one_after_another=True)
    assert found(told.run(live=False), "unlocked-read-modify-write") == []
