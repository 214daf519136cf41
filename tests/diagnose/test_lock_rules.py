"""Rules about locks, on runs written by hand."""

from __future__ import annotations

import signal

import pytest

from mptrace.diagnose.engine import diagnose
from mptrace.diagnose.finding import Verdict
from mptrace.model.moment import Hold
from mptrace.wire import resource as families
from mptrace.wire import wait as waits
from tests.support.story import Story, story
from tests.support.verdicts import found, one


def circle() -> Story:
    told = story().lock("stats", at="train.py:31").lock("cache", at="train.py:32")
    told.process("loader-1").takes("stats", at="loader.py:55").process("loader-2").takes("cache", at="loader.py:79")
    return (
        told.process("loader-1").waits_for("cache", at="loader.py:57").process("loader-2").waits_for("stats", at="loader.py:81")
    )


def test_two_processes_that_want_each_others_lock_are_proven_to_hang() -> None:
    finding = one(circle().main().joins("loader-1", at="train.py:88").run(), "lock-cycle")
    assert finding.verdict is Verdict.PROVEN
    assert finding.title == "loader-1 and loader-2 wait for each other's lock"
    assert [step.says for step in finding.steps] == ["took stats", "took cache", "wants cache", "wants stats"]
    assert (str(finding.fix_at), "stats before cache" in finding.fix) == ("/job/loader.py:79", True)
    assert [step.says for step in finding.also] == ["waits in join() of loader-1"]


def test_of_two_locks_of_one_line_and_name_neither_is_put_before_the_other_by_its_name() -> None:
    told = circle()
    for number, name in enumerate(("stats", "cache"), start=1):
        lock = told.resource(name)
        lock.name, lock.nth, lock.created_at = "self.lock", number, told.here("bank.py:5")
    finding = one(told.main().joins("loader-1").run(), "lock-cycle")
    assert [step.says for step in finding.steps[:2]] == ["took self.lock #1", "took self.lock #2"]
    assert "in an order that no caller decides" in finding.fix


def test_three_in_a_circle_are_one_finding() -> None:
    told = story().lock("a").lock("b").lock("c")
    for number, name in enumerate("abc"):
        told.process(f"p{number}").takes(name)
    for number, name in enumerate("bca"):
        told.process(f"p{number}").waits_for(name)
    assert one(told.main().joins("p0").run(), "lock-cycle").title == "p0, p1 and p2 wait for each other's locks, in a circle"


def test_a_join_with_a_lock_that_the_child_wants_names_lock_and_join() -> None:
    told = story().lock("stats").process("loader").main().takes("stats").process("loader").waits_for("stats")
    finding = one(told.main().joins("loader").run(), "lock-cycle")
    assert finding.title == "MainProcess holds stats in join() of loader, and loader wants it"
    assert "release stats before join() of loader" in finding.fix


def test_a_circle_with_a_timeout_in_it_is_not_told() -> None:
    told = story().lock("a").lock("b").process("x").takes("a").process("y").takes("b")
    assert not found(told.process("x").waits_for("b", timeout=1).process("y").waits_for("a").run(), "lock-cycle")


def test_a_circle_of_which_a_member_ran_is_not_told() -> None:
    assert not found(circle().process("loader-1").moves().run(), "lock-cycle")


def test_a_circle_with_a_member_that_was_not_looked_at_is_likely_and_says_why() -> None:
    finding = one(circle().main().joins("loader-1").process("loader-2").unseen().run(), "lock-cycle")
    assert finding.verdict is Verdict.LIKELY
    assert finding.details == ("loader-2 was not looked at twice",)


def test_a_circle_in_a_recording_with_gaps_is_likely() -> None:
    finding = one(circle().main().joins("loader-1").lost(locks=3).run(), "lock-cycle")
    assert (finding.verdict, finding.details) == (Verdict.LIKELY, ("3 locks could not be recorded",))


def test_a_probe_that_has_nothing_to_do_with_waits_does_not_lower_the_verdict() -> None:
    run = circle().main().joins("loader-1").lost(probes_off=[("MainProcess", "module_state: KeyError")]).run()
    assert one(run, "lock-cycle").verdict is Verdict.PROVEN


def test_a_circle_that_dissolved_by_itself_is_withdrawn() -> None:
    told = circle().main().joins("loader-1")
    told.look()
    for name in ("loader-1", "loader-2"):
        told.process(name).goes_on().exits(0)
    told.main().goes_on().exits(0).ends(0)
    diagnosis = diagnose(told.run(live=False))
    assert [finding.rule for finding in diagnosis.every()] == []
    assert "went on later" in diagnosis.withdrawn[0].why


def test_a_circle_that_a_kill_dissolved_stays() -> None:
    told = circle().main().joins("loader-1")
    told.look()
    told.process("loader-1").dies(9).process("loader-2").goes_on().exits(0)
    told.main().goes_on().exits(0).ends(0)
    assert found(told.run(live=False), "lock-cycle")


def test_the_same_circle_at_two_moments_is_one_finding() -> None:
    told = circle().main().joins("loader-1")
    told.look()
    told.look()
    assert len(found(told.run(live=False), "lock-cycle")) == 1


def test_what_was_killed_in_a_circle_is_proven_by_the_boards_it_left() -> None:
    told = circle().main().joins("loader-1")
    for name in ("loader-1", "loader-2", "MainProcess"):
        told.process(name).dies(9)
    assert one(told.ends(137, "launcher killed").run(live=False), "lock-cycle").verdict is Verdict.PROVEN


def test_a_lock_taken_twice_by_one_thread_is_proven() -> None:
    told = story().lock("guard", at="count.py:4").process("teller").takes("guard", at="count.py:14")
    finding = one(told.waits_for("guard", at="count.py:9").main().joins("teller").run(), "self-deadlock")
    assert (finding.verdict, finding.title) == (Verdict.PROVEN, "teller waits for guard, which it holds itself")


def test_a_lock_taken_twice_is_only_likely_where_a_handler_may_interrupt_the_thread() -> None:
    run = story().lock("guard").takes("guard").waits_for("guard").run()
    run.moments[0].caught[run.processes[0]] = 1 << (signal.SIGALRM - 1)
    finding = one(run, "self-deadlock")
    assert finding.verdict is Verdict.LIKELY
    assert "may be woken by its handler for SIGALRM" in finding.details[0]


def test_an_objects_own_lock_that_its_user_takes_twice_is_told_as_what_a_handler_does() -> None:
    told = story().queue("stop", "Event")
    lock = told.part("stop", "_cond", "Lock")
    told.holds.append(Hold(told.actor, lock, told.tick(), None, told.ref()))
    finding = one(told.waits(waits.ACQUIRE, lock, at="m.py:5").run(), "self-deadlock")
    assert finding.title == "MainProcess waits for stop, whose own lock it holds itself"
    assert "a signal handler" in finding.fix


def test_a_lock_taken_twice_with_a_timeout_is_silent() -> None:
    told = story().lock("guard").process("teller").takes("guard").waits_for("guard", timeout=5).main().joins("teller")
    assert not found(told.run(), "self-deadlock")


def test_a_lock_that_the_program_releases_elsewhere_may_be_a_signal() -> None:
    told = story().lock("order").process("cook").main().takes("order").waits_for("order")
    told.told.sources = {"/job/job.py": ["def cook(order):", "    order.release()"]}
    assert not found(told.run(), "self-deadlock")


@pytest.mark.parametrize(("by", "at"), [("outside", None), ("MainProcess", "main.py:25")])
def test_a_lock_whose_holder_was_killed_is_lost(by: str, at: str | None) -> None:
    told = story().lock("log_lock").process("writer").takes("log_lock", at="log.py:12").dies(15, by, at or "")
    finding = one(told.main().waits_for("log_lock", at="main.py:27").run(), "lock-holder-died")
    assert (finding.verdict, finding.title) == (
        Verdict.PROVEN, "MainProcess waits for log_lock, whose holder writer was killed by SIGTERM",
    )  # fmt: skip
    assert str(finding.fix_at) == ("/job/main.py:25" if at else "/job/log.py:12")
    assert not found(told.told, "killed-by-signal") or by == "outside"


def test_a_kill_that_cost_a_lock_is_folded_under_the_lock() -> None:
    told = story().lock("log_lock").process("writer").takes("log_lock").dies(9).main().waits_for("log_lock")
    diagnosis = diagnose(told.run())
    assert [finding.rule for finding in diagnosis.findings] == ["lock-holder-died"]
    assert [(child.rule, child.explained_by) for child in diagnosis.findings[0].children] == [
        ("killed-by-signal", "lock-holder-died")
    ]


def test_a_lock_that_a_living_process_holds_too_is_not_lost() -> None:
    told = story().lock("a").process("dead").takes("a").dies(9).process("living").takes("a").main().waits_for("a")
    assert not found(told.run(), "lock-holder-died")


def test_a_timed_wait_for_a_lost_lock_is_silent() -> None:
    told = story().lock("a").process("dead").takes("a").dies(9, "MainProcess").main().waits_for("a", timeout=1)
    assert not found(told.run(), "lock-holder-died")


def test_a_worker_killed_inside_get_takes_the_queues_lock_along() -> None:
    told = story().queue("jobs").queue("results").process("worker").takes("jobs._rlock").dies(15, "MainProcess", "main.py:24")
    told.process("successor").waits_for_part("jobs._rlock", at="main.py:12").main().gets("results")
    diagnosis = diagnose(told.run())
    (finding,) = diagnosis.findings
    assert (finding.rule, finding.verdict, finding.children) == ("queue-lock-lost", Verdict.PROVEN, [])
    assert finding.title == "worker was killed by SIGTERM inside get() of jobs, and successor waits for the lock it took along"
    assert [step.says for step in finding.also] == ["waits in results.get()"]


def thread_locks(how: str, source: str = "with a:\n    with b:\n        pass") -> Story:
    """Two threads of a server want each other's locks of `threading`; its main thread sleeps."""
    told = story().lock("a").lock("b")
    told.told.sources = {"/job/job.py": source.splitlines()}
    for name in "ab":
        told.resource(name).family, told.resource(name).kind = families.MUTEX, "thread Lock"
    told.process("server").waits_outside("hrtimer_nanosleep").thread("left").takes("a").thread("right").takes("b")
    for hold in told.holds:
        hold.how = how
    told.thread("left").waits(waits.MUTEX_WAIT, told.resource("b"))
    told.thread("right").waits(waits.MUTEX_WAIT, told.resource("a"))
    return told


def test_threads_whose_frames_are_inside_of_the_blocks_are_proven_to_hang_beside_one_that_sleeps() -> None:
    finding = one(thread_locks("block").run(), "lock-cycle")
    assert finding.verdict is Verdict.PROVEN
    assert finding.title == "left of server and right of server wait for each other's lock"


def test_what_only_the_text_says_of_a_lock_is_not_told_while_a_thread_of_the_process_may_release_it() -> None:
    assert not found(thread_locks("text").run(), "lock-cycle")


def test_what_only_the_text_says_of_a_lock_is_proven_where_nobody_else_is_left() -> None:
    told = thread_locks("text")
    told.outside.clear()
    told.process("server").joins_thread("left")
    assert one(told.run(), "lock-cycle").verdict is Verdict.PROVEN


def test_a_block_of_a_lock_that_the_program_also_releases_by_hand_is_no_certain_holder() -> None:
    assert not found(thread_locks("block", "with a:\n    a.release()").run(), "lock-cycle")


def test_a_block_whose_text_is_not_at_hand_is_no_certain_holder() -> None:
    told = thread_locks("block")
    for hold in told.holds:
        hold.site = None
    assert not found(told.run(), "lock-cycle")


def test_threads_that_wait_for_a_word_of_one_another_are_not_told() -> None:
    told = thread_locks("block")
    told.holds.clear()
    told.outside.clear()
    assert not found(told.process("server").joins_thread("left").run(), "all-asleep")


def ledger() -> Story:
    """The main process waits for a reply with the ledger locked; the clerk joins a thread that wants the ledger."""
    told = story().lock("ledger").queue("replies").takes("ledger", at="shop.py:32").process("clerk").thread("writer")
    told.waits_for("ledger", at="shop.py:13").process("clerk").joins_thread("writer", at="shop.py:21")
    return told.main().gets("replies", at="shop.py:34")


def test_a_circle_over_a_lock_a_queue_and_a_join_is_one_finding() -> None:
    finding = one(ledger().run(), "lock-cycle")
    assert finding.verdict is Verdict.PROVEN
    assert finding.title == "MainProcess holds ledger in replies.get(), and writer of clerk wants it"
    assert {str(place.site) for place in finding.places if place.role == "waiter"} == {
        "/job/shop.py:13",
        "/job/shop.py:21",
        "/job/shop.py:34",
    }
    assert [finding.rule for finding in diagnose(ledger().run()).findings] == ["lock-cycle"]


def test_a_circle_over_a_queue_that_a_live_process_may_fill_is_not_told() -> None:
    assert not found(ledger().process("helper").waits_outside("hrtimer_nanosleep").run(), "lock-cycle")


def test_a_circle_over_a_queue_in_a_recording_with_gaps_is_likely() -> None:
    assert one(ledger().lost(locks=1).run(), "lock-cycle").verdict is Verdict.LIKELY


def leftover(kind: int = waits.EXIT) -> Story:
    """A server whose main thread has ended, and a thread of it that waits for work."""
    told = story().lock("work")
    told.resource("work").family, told.resource("work").kind = families.MUTEX, "thread Lock"
    told.process("server").waits(kind).thread("drain").waits(waits.MUTEX_WAIT, told.resource("work"), at="shop.py:8")
    return told.main().joins("server")


def test_a_thread_that_waits_for_work_when_its_main_thread_has_ended_keeps_the_process_from_ending() -> None:
    finding = one(leftover().run(), "exit-hang")
    assert finding.verdict is Verdict.PROVEN
    assert finding.title.startswith("server cannot end: its thread drain still waits in ")


def test_it_is_not_told_while_another_thread_of_the_process_runs() -> None:
    assert not found(leftover().process("server").thread("timer").waits_outside("hrtimer_nanosleep").run(), "exit-hang")
