"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.finding import Finding
from mptrace.diagnose.folding import ANY_WAIT
from mptrace.diagnose.hang import hang
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import Group, Standstill, standstills
from mptrace.diagnose.wording import call_of, counted, listed, who
from mptrace.model.moment import Hold, Wait
from mptrace.model.run import Run
from mptrace.model.wait_graph import Link

TOLD = 6
"""Most waits of a group that are told as steps of the circle; of a larger group the shortest circle is."""


@rule(needs=("semlock", "process"), explains=(ANY_WAIT,))
def lock_cycle(run: Run) -> Iterator[Finding]:
    """Processes or threads wait for each other's locks in a circle.

    Why it hangs:
        Each of them holds the lock that the one before it wants, and wants one that the next holds. None can go on, so none
        lets go of what it has.

    How we know:
        Every wait of the circle is for a lock with a known holder, or a join, or something that only members of the circle could
        bring about (a get() of a queue); has no timeout; and looked the same at two instants between which no member ran. If a member could not be looked at twice, or something was lost from the
        recording, it is only likely.

    What to do:
        Take the locks in one order everywhere, or put what both protect behind one lock. Never join a process while holding a
        lock that it may want.
    """
    for standstill in standstills(run):
        for cycle in standstill.cycles():
            holds = [link.holds for link in cycle if link.holds]
            if len(cycle) > 1 and holds:
                yield _finding(standstill, [link.wait for link in cycle], holds, cycle)
        for group, waits in standstill.mixed_cycles():
            yield _mixed(standstill, group, waits)


def _mixed(standstill: Standstill, group: Group, waits: list[Wait]) -> Finding:
    """Return the finding of a circle over a lock and over waits that any of several could end, all of whom wait in it."""
    held = [link.holds for wait in waits if (link := standstill.graph.exact.get(wait)) and link.holds]
    holds = [hold for hold in held if hold.resource.owner is None]
    keeper = _joiner(waits, holds)
    own = next(wait for wait in waits if wait.thread is keeper.thread)
    others = [wait for wait in group.waits if wait not in waits and not wait.thread.role.is_service]
    doubts = list(standstill.verdict(group.waits)[1])
    if any(wait.thread.role.is_service for wait in group.waits):
        doubts.append("threads of the library take part")
    return hang(
        standstill,
        waits + (others if len(waits) + len(others) <= TOLD else []),
        title=_title(waits, holds),
        why=f"{who(keeper.thread)} keeps {keeper.resource.label} until {call_of(own)} returns, and whoever could bring that about "
        "waits for it, or for somebody who does. None of the waits has a timeout.",
        fix=f"release {keeper.resource.label} before {call_of(own)}; it is taken at",
        fix_at=keeper.site,
        holds=holds,
        resources=[hold.resource for hold in holds] + [wait.resource.outermost for wait in waits if wait.resource],
        doubts=doubts,
    )


def _finding(standstill: Standstill, waits: list[Wait], holds: list[Hold], cycle: list[Link]) -> Finding:
    fix, at = _fix(holds, waits)
    return hang(
        standstill,
        waits,
        title=_title(waits, holds),
        why=f"{'Neither' if len(waits) == 2 else 'None of these'} {'wait has' if len(waits) == 2 else 'waits has'} a timeout, "
        f"and nobody else holds {'either lock' if len(holds) == 2 else 'the lock' if len(holds) == 1 else 'any of the locks'}.",
        fix=fix,
        fix_at=at.site if at else None,
        holds=holds,
        resources=[hold.resource for hold in holds],
        processes=[link.through.process for link in cycle],
    )


def _title(waits: list[Wait], holds: list[Hold]) -> str:
    if len(holds) == len(waits):
        names = listed(who(wait.thread) for wait in waits)
        return f"{names} wait for each other's {'lock' if len(waits) == 2 else 'locks, in a circle'}"
    keeper = _joiner(waits, holds)
    wanter = next(wait for wait in waits if wait.resource is keeper.resource)
    own = next((wait for wait in waits if wait.thread is keeper.thread), waits[0])
    return f"{who(keeper.thread)} holds {keeper.resource.label} in {call_of(own)}, and {who(wanter.thread)} wants it"


def _joiner(waits: list[Wait], holds: list[Hold]) -> Hold:
    """Return the lock whose holder waits for something else than a lock."""
    joining = {wait.thread for wait in waits if wait.resource not in [hold.resource for hold in holds]}
    return next((hold for hold in holds if hold.thread in joining), holds[0])


def _fix(holds: list[Hold], waits: list[Wait]) -> tuple[str, Hold | None]:
    """Return what to write: the order in which the longest waiter takes its locks, at the line where another one does not."""
    if len(holds) < len(waits):
        keeper = _joiner(waits, holds)
        own = next((wait for wait in waits if wait.thread is keeper.thread), waits[0])
        return f"release {keeper.resource.label} before {call_of(own)}; it is taken at", keeper
    first = waits[0]
    mine = next((hold for hold in holds if hold.thread is first.thread), holds[0])
    other = next((hold for hold in holds if hold.resource is first.resource), holds[-1])
    if mine.resource.nth and mine.resource.created_at == other.resource.created_at:
        return "take such locks in an order that no caller decides, sorted by a name or number of their owners, at", other
    return (
        f"take the {counted(len(holds), 'lock').replace('2 ', 'two ')} in the same order everywhere: "
        f"{mine.resource.label} before {other.resource.label} at"
    ), other
