"""Rules about what could have gone wrong and did not this time, on runs written by hand."""

from __future__ import annotations

from mptrace.diagnose.finding import Severity, Verdict
from mptrace.wire.events import resources
from tests.support.story import Story, story
from tests.support.verdicts import causes, found, loud, one


def takes_in_order(told: Story, process: str, *names: str, at: str = "") -> Story:
    *held, last = (told.resource(name) for name in names)
    told.process(process)
    return told.event(resources.LOCK_ORDER, at=at, held=" ".join(str(lock.key) for lock in held), key=last.key)


def two_locks() -> Story:
    return story().lock("savings", at="bank.py:1").lock("checking", at="bank.py:2").lock("bank", at="bank.py:3")


def test_two_locks_in_both_orders_are_a_hazard() -> None:
    told = takes_in_order(two_locks(), "deposit", "savings", "checking", at="bank.py:10")
    finding = one(
        takes_in_order(told, "withdraw", "checking", "savings", at="bank.py:16").run(live=False), "lock-order-inversion"
    )
    assert (finding.verdict, finding.severity) == (Verdict.POSSIBLE, Severity.WARNING)
    assert finding.title == "deposit takes savings and then checking, withdraw takes checking and then savings"
    assert {str(place.site) for place in finding.places} == {"/job/bank.py:10", "/job/bank.py:16"}


def test_two_locks_in_one_order_are_none() -> None:
    told = takes_in_order(two_locks(), "deposit", "savings", "checking")
    assert loud(takes_in_order(told, "withdraw", "savings", "checking").run(live=False)) == []


def test_both_orders_in_one_thread_never_meet() -> None:
    told = takes_in_order(two_locks(), "clerk", "savings", "checking")
    assert loud(takes_in_order(told, "clerk", "checking", "savings").run(live=False)) == []


def test_a_third_lock_around_both_keeps_them_apart() -> None:
    told = takes_in_order(two_locks(), "deposit", "bank", "savings", "checking")
    assert loud(takes_in_order(told, "withdraw", "bank", "checking", "savings").run(live=False)) == []


def test_locks_of_the_same_lines_in_both_orders_are_a_hint() -> None:
    told = two_locks().lock("other_savings", at="bank.py:1").lock("other_checking", at="bank.py:2")
    takes_in_order(told, "deposit", "savings", "checking")
    finding = one(takes_in_order(told, "withdraw", "other_checking", "other_savings").run(live=False), "lock-order-inversion")
    assert finding.severity is Severity.HINT


def test_a_deadlock_that_struck_is_no_mere_hazard() -> None:
    told = takes_in_order(two_locks(), "deposit", "savings", "checking")
    takes_in_order(told, "withdraw", "checking", "savings")
    told.process("deposit").takes("savings").waits_for("checking")
    told.process("withdraw").takes("checking").waits_for("savings")
    assert causes(told.main().joins("deposit").run()) == ["lock-cycle"]
    assert found(told.told, "lock-order-inversion") == []
