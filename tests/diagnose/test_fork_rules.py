"""Rules about what a fork does not copy: threads, and whoever would release a lock; and about imports."""

from __future__ import annotations

from dataclasses import replace

from mptrace.diagnose.finding import Verdict
from mptrace.model.moment import Hold, Native
from mptrace.model.resource import Resource
from mptrace.model.site import Site
from mptrace.wire import resource as families
from mptrace.wire import wait as waits
from mptrace.wire.events import processes
from tests.support.story import Story, story
from tests.support.verdicts import causes, found, loud, one

CACHE = """\
def fill():
    with cache_lock:
        load()

def read():
    with cache_lock:
        return cache

def read_safely():
    with cache_lock:
        read()
"""


def private_lock(told: Story, kind: str = "thread lock") -> Resource:
    return told._make("", kind, families.MUTEX)


def forked(source: str = CACHE, at_fork: str = "cache.py:3") -> Story:
    """Begin with a reader that was forked while the thread filler was at a line."""
    told = story()
    told.told.sources = {"/job/cache.py": source.splitlines()}
    told.process("reader").event(processes.FORK_THREADS, threads="4012 filler")
    return told.event(processes.FORK_THREAD, at=at_fork, thread=4012, name="filler")


def blocked(told: Story, at: str = "cache.py:6") -> Story:
    return told.process("reader").waits(waits.MUTEX_WAIT, private_lock(told), at=at).main().joins("reader")


def test_a_child_that_wants_a_lock_which_a_thread_held_at_the_fork_is_proven() -> None:
    finding = one(blocked(forked()).run(), "fork-with-held-lock")
    assert finding.verdict is Verdict.PROVEN
    assert finding.title == ("reader waits for cache_lock, which the thread filler of MainProcess held when it was forked")
    places = {(place.role, str(place.site)) for place in finding.places}
    assert {("holder", "/job/cache.py:2"), ("waiter", "/job/cache.py:6")} <= places


def test_a_thread_that_was_elsewhere_at_the_fork_is_only_likely() -> None:
    told = forked(at_fork="cache.py:1")
    assert one(blocked(told).run(), "fork-with-held-lock").verdict is Verdict.LIKELY


def test_a_lock_that_the_child_may_have_taken_itself_is_only_likely() -> None:
    told = forked(CACHE + "\ndef begin():\n    cache_lock.acquire()\n")
    assert one(blocked(told).run(), "fork-with-held-lock").verdict is Verdict.LIKELY


def test_a_thread_that_only_wants_the_lock_itself_at_the_fork_does_not_hold_it() -> None:
    assert one(blocked(forked(at_fork="cache.py:2")).run(), "fork-with-held-lock").verdict is Verdict.LIKELY


def test_a_thread_that_waits_on_the_condition_has_given_its_lock_back() -> None:
    told = forked(CACHE.replace("load()", "cache_lock.wait()"))
    wait = Site("/usr/lib/python3.11/threading.py", 327, "Condition.wait")
    told.told.events[-1] = replace(told.told.events[-1], stack=(wait, Site("/job/cache.py", 3, "fill")))
    assert one(blocked(told).run(), "fork-with-held-lock").verdict is Verdict.LIKELY


def test_two_threads_in_blocks_of_locks_of_one_name_are_not_told_apart() -> None:
    told = forked(CACHE.replace("cache_lock", "self.lock"))
    told.event(processes.FORK_THREADS, threads="4013 other")
    told.event(processes.FORK_THREAD, at="cache.py:3", thread=4013, name="other")
    assert one(blocked(told).run(), "fork-with-held-lock").verdict is Verdict.LIKELY


def test_children_that_want_copies_of_one_lock_are_one_finding() -> None:
    told = blocked(forked())
    told.process("second").event(processes.FORK_THREADS, threads="4012 filler")
    told.event(processes.FORK_THREAD, at="cache.py:3", thread=4012, name="filler")
    told.waits(waits.MUTEX_WAIT, private_lock(told), at="cache.py:6")
    finding = one(told.run(), "fork-with-held-lock")
    assert finding.title.startswith("reader and second wait for cache_lock")
    assert finding.verdict is Verdict.PROVEN


def test_a_block_that_suspends_may_be_the_childs_own() -> None:
    told = forked(CACHE + "\ndef each():\n    with cache_lock:\n        yield 1\n")
    assert one(blocked(told).run(), "fork-with-held-lock").verdict is Verdict.LIKELY


def test_a_child_inside_the_block_itself_is_only_likely() -> None:
    told = blocked(forked())
    (wait,) = [wait for wait in told.waits_list if wait.kind == waits.MUTEX_WAIT]
    wait.stack = (Site("/job/cache.py", 6, "read"), Site("/job/cache.py", 11, "read_safely"))
    assert one(told.run(), "fork-with-held-lock").verdict is Verdict.LIKELY


def test_a_child_that_ran_between_the_looks_is_silent() -> None:
    told = blocked(forked())
    told.process("reader").moves()
    assert loud(told.run()) == []


def test_a_wait_that_is_not_at_a_lock_is_not_told_as_one() -> None:
    assert found(blocked(forked(), at="cache.py:7").run(), "fork-with-held-lock") == []


def test_a_lock_of_logging_is_likely() -> None:
    told = blocked(forked())
    (wait,) = [wait for wait in told.waits_list if wait.kind == waits.MUTEX_WAIT]
    inner = Site("/usr/lib/python3.11/logging/__init__.py", 927, "Handler.acquire")
    wait.stack = (inner, replace(inner, function="Handler.handle"), Site("/job/cache.py", 7, "read"))
    finding = one(told.run(), "fork-with-held-lock")
    assert (finding.verdict, "a lock of logging" in finding.title) == (Verdict.LIKELY, True)


# -- threads


def future_of_the_parent(told: Story) -> Story:
    blocked(told)
    (wait,) = [wait for wait in told.waits_list if wait.kind == waits.MUTEX_WAIT]
    lib = "/usr/lib/python3.11/"
    wait.stack = (
        Site(f"{lib}threading.py", 327, "Condition.wait"),
        Site(f"{lib}concurrent/futures/_base.py", 451, "Future.result"),
        Site("/job/cache.py", 7, "read"),
    )
    return told


def test_a_future_of_an_executor_whose_threads_were_not_copied_is_proven() -> None:
    told = future_of_the_parent(forked(at_fork="cache.py:1"))
    event = told.told.events[-1]
    worker = Site("/usr/lib/python3.11/concurrent/futures/thread.py", 81, "_worker")
    told.told.events[-1] = replace(event, stack=(worker,))
    finding = one(told.run(), "thread-missing-after-fork")
    assert finding.verdict is Verdict.PROVEN
    assert "which the thread filler would do: only MainProcess, which forked it, has that thread" in finding.title


def test_a_future_without_a_thread_that_was_seen_to_serve_it_is_only_likely() -> None:
    assert one(future_of_the_parent(forked()).run(), "thread-missing-after-fork").verdict is Verdict.LIKELY


def test_a_result_of_the_parents_pool_is_waited_for_in_vain() -> None:
    told = story().pool("pool").process("child")
    child = told.find_process("child")
    assert child is not None
    child.forked_from, child.parent = told.main_process, told.main_process
    told.waits(waits.RESULT, told.resource("pool"), call=(waits.RESULT, told.resource("pool")))
    assert found(told.run(), "thread-missing-after-fork")


def test_a_result_of_ones_own_pool_is_no_finding() -> None:
    told = story().pool("pool").main()
    told.waits(waits.RESULT, told.resource("pool"), call=(waits.RESULT, told.resource("pool")))
    assert found(told.run(), "thread-missing-after-fork") == []


# -- imports


def importing(told: Story, *, wants: bool = True) -> Story:
    lock = private_lock(told, "import lock")
    told.thread("loader")
    if wants:
        told.waits(waits.MUTEX_WAIT, lock)
    told.thread("MainThread").joins_thread("loader", at="prices.py:3")
    told.holds.append(Hold(told.actor, lock, None, Site("/job/main.py", 1, "<module>"), "p1:1"))
    return told


def test_an_import_that_waits_for_who_needs_the_module_is_a_deadlock() -> None:
    told = importing(story())
    finding = one(told.run(), "import-deadlock")
    assert finding.verdict is Verdict.PROVEN
    assert causes(told.told) == ["import-deadlock"]
    assert str(finding.fix_at) == "/job/main.py:1"


def test_an_import_that_waits_for_who_is_busy_is_silent() -> None:
    assert loud(importing(story(), wants=False).run()) == []


def test_an_import_with_a_timeout_ends() -> None:
    told = importing(story())
    thread = next(thread for thread in told.main_process.threads if thread.name == "loader")
    told.thread("MainThread").waits(waits.THREAD_END, thread, timeout=5)
    assert loud(told.run()) == []


def test_a_child_that_was_forked_in_the_middle_of_an_import_is_told() -> None:
    told = forked()
    event = told.told.events[-1]
    told.told.events[-1] = replace(event, stack=(Site("<frozen importlib._bootstrap>", 1178, "_find_and_load"),))
    told.process("reader").waits(waits.MUTEX_WAIT, private_lock(told, "import lock")).main().joins("reader")
    finding = one(told.run(), "import-deadlock")
    assert (finding.verdict, causes(told.told)) == (Verdict.PROVEN, ["import-deadlock"])


def test_a_lock_that_the_childs_own_thread_has_is_not_told_as_copied() -> None:
    told = blocked(forked())
    told.holds.append(Hold(told.waits_list[0].thread, told.waits_list[0].resource, how="block"))  # type: ignore[arg-type]
    assert loud(told.run()) == ["self-deadlock"]


NATIVE = """\
def transform():
    library.compute()
"""


def native(owner: int) -> Story:
    """A child blocks in a library's mutex that says whose it is; its parent had the thread 4012 at the fork."""
    told = blocked(forked(NATIVE), at="cache.py:2").look()
    (wait,) = (wait for wait in told.waits_list if wait.kind == waits.MUTEX_WAIT)
    told.told.moments[0].native[wait.thread] = Native("libblas.so.3", "dgemm_", owner)
    return told


def test_a_native_mutex_whose_owner_only_the_parent_has_is_proven_to_hang() -> None:
    finding = one(native(4012).run(live=False), "native-lock-after-fork")
    assert finding.verdict is Verdict.PROVEN
    assert finding.title.startswith("reader hangs in dgemm_() of libblas.so.3")
    assert finding.title.endswith("the thread filler of MainProcess held the lock when reader was forked")


def test_a_native_lock_that_does_not_say_whose_it_is_is_only_likely() -> None:
    finding = one(native(0).run(live=False), "native-lock-after-fork")
    assert (finding.verdict, "libblas.so.3" in finding.title) == (Verdict.LIKELY, True)


def test_a_native_mutex_whose_owner_is_no_thread_of_the_parent_is_only_likely() -> None:
    assert one(native(77).run(live=False), "native-lock-after-fork").verdict is Verdict.LIKELY


def polling(told: Story) -> Story:
    """The child's only thread polls in OpenMP's runtime, and its parent waits for it."""
    told.main().joins("reader", at="cache.py:40").look()
    thread = told.find_process("reader").threads[0]  # type: ignore[union-attr]
    told.told.moments[0].spinning[thread] = Native("libgomp.so.1", "GOMP_parallel", 0)
    return told


def test_a_child_that_polls_for_threads_that_it_does_not_have_is_likely_to_do_so_for_ever() -> None:
    finding = one(polling(forked(NATIVE)).run(live=False), "native-lock-after-fork")
    assert finding.verdict is Verdict.LIKELY
    assert finding.title.startswith("reader polls in GOMP_parallel() of libgomp.so.1")
    assert [step.says for step in finding.also] == ["waits in join() of reader"]


def test_a_child_that_polls_but_lost_no_thread_is_not_told() -> None:
    told = story().process("reader")
    assert not found(polling(told).run(live=False), "native-lock-after-fork")
