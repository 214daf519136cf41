"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from mptrace.diagnose.finding import Evidence, Finding, Place, Severity, Step, Verdict
from mptrace.diagnose.rule import rule
from mptrace.diagnose.wording import who
from mptrace.model.event import Event
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.wire import resource as family_of
from mptrace.wire.event import unsigned
from mptrace.wire.events import resources

LOCKS = ("Lock", "RLock")


@dataclass(frozen=True, slots=True)
class Order:
    """A thread took ``second`` while it held ``first``; ``held``: all that it held."""

    first: Resource
    second: Resource
    held: frozenset[Resource]
    event: Event

    @property
    def thread(self) -> tuple[object, int]:
        """Whose order it is."""
        return self.event.process, self.event.tid


@rule(severity=Severity.WARNING, needs=("semlock",), events=(resources.LOCK_ORDER,))
def lock_order_inversion(run: Run) -> Iterator[Finding]:
    """Two locks are taken in both orders; this time nobody had to wait for it.

    Why it is dangerous:
        A process that has the first lock and wants the second, and one that has the second and wants the first, wait for each
        other for ever. Whether that happens is a matter of a moment.

    How we know:
        Which locks a thread held when it took another was recorded: two threads took the same two locks in opposite orders, with
        no third lock around both. Locks that were made on different lines count as one for each line; then it is a hint.

    What to do:
        Take the locks in one order everywhere, or put what both protect behind one lock.
    """
    orders = list(_orders(run))
    told = set[frozenset[object]]()
    for one, other in combinations(orders, 2):
        exact = (one.first, one.second) == (other.second, other.first)
        classes = frozenset((_class(one.first), _class(one.second)))
        if (exact or _contradict(one, other)) and _may_meet(one, other) and classes not in told and not _struck(run, one):
            told.add(classes)
            yield _finding(one, other, exact=exact)


def _orders(run: Run) -> Iterator[Order]:
    for event in run.of(resources.LOCK_ORDER):
        second = run.resource(family_of.SEM, unsigned(event.number("key")))
        found = [run.resource(family_of.SEM, int(key)) for key in event.text("held").split() if key.isdecimal()]
        held = frozenset(lock for lock in found if lock is not None)
        if second is not None and _is_own(second):
            for first in held:
                if _is_own(first):
                    yield Order(first, second, held, event)


def _is_own(lock: Resource) -> bool:
    """Did the program make it, and not the library for a queue?"""
    return lock.owner is None and lock.kind in LOCKS and lock.created_at is not None


def _class(lock: Resource) -> object:
    return lock.created_at


def _contradict(one: Order, other: Order) -> bool:
    """Do locks of the same two lines of the program come in both orders?"""
    first, second = _class(one.first), _class(one.second)
    return first != second and (first, second) == (_class(other.second), _class(other.first))


def _may_meet(one: Order, other: Order) -> bool:
    """Could both happen at once: in two threads, with no third lock that both hold?"""
    return one.thread != other.thread and not (one.held & other.held) - {one.first, one.second, other.first, other.second}


def _struck(run: Run, order: Order) -> bool:
    """Did somebody wait for one of them when the job stood still? Then lock-cycle tells of it, if it is that."""
    locks = {order.first, order.second}
    return any(wait.resource in locks and not wait.timed for moment in run.moments if not moment.final for wait in moment.waits)


def _finding(one: Order, other: Order, *, exact: bool) -> Finding:
    first, second = one.first.label, one.second.label
    return Finding(
        title=f"{_who(one)} takes {first} and then {second}, {_who(other)} takes {other.first.label} and then {other.second.label}",
        verdict=Verdict.POSSIBLE,
        steps=tuple(Step(f"has {each.first.label} and takes {each.second.label}", each.event.process, each.event.at_ns, each.event.site) for each in (one, other)),
        why="If both happen at once, each has the lock that the other wants. Nobody had to wait this time.",
        fix=f"take the two locks in the same order everywhere: {first} before {second} also at",
        fix_at=other.event.site,
        processes=tuple(dict.fromkeys(each.event.process for each in (one, other) if each.event.process)),
        resources=(one.first, one.second),
        places=tuple(Place("taken", each.event.site, each.event.process) for each in (one, other) if each.event.site),
        evidence=tuple(Evidence(each.event.ref, f"{_who(each)} took {each.second.label} with {each.first.label} held") for each in (one, other)),
        at_ns=other.event.at_ns,
        lowered=None if exact else Severity.HINT,
    )  # fmt: skip


def _who(order: Order) -> str:
    return who(order.event.process)
