"""Rule file; see mptrace/diagnose/rule.py for what a rule is."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mptrace.diagnose.finding import Evidence, Finding, Place, Severity, Step, Verdict
from mptrace.diagnose.rule import rule
from mptrace.diagnose.standstill import losses
from mptrace.diagnose.statements import tree_of
from mptrace.diagnose.wording import listed, shortened, who
from mptrace.model.event import Event
from mptrace.model.run import Run
from mptrace.model.site import Site
from mptrace.wire.events import shared


@rule(needs=("module_state",))
def global_lost_update(run: Run) -> Iterator[Finding]:
    """A child changes a variable of a module, and the parent reads it and does not see the change.

    Why it fails:
        Processes do not share variables. A forked child has a copy of all its parent's, a spawned one imports the module anew;
        what it stores there stays there, and is gone when it ends.

    How we know:
        The code that ran in the child stores to the variable; its value there at the end (or after a worker's first tasks)
        differs from the parent's, which has not changed it since, and whose code reads it. Of a list, dict, set or object that
        was only added to it is likely: each process may have meant its own. What is called a cache is never told of.

    What to do:
        Return the value (Pool, executor), send it through a Queue, or share it in a Value or a Manager.
    """
    changed: dict[tuple[str, str], list[Event]] = {}
    for event in run.of(shared.GLOBAL_CHANGED):
        changed.setdefault((event.text("module"), event.text("name")), []).append(event)
    for name, events in changed.items():
        reads = [event for event in run.of(shared.GLOBAL_READ) if (event.text("module"), event.text("name")) == name]
        unseen = [event for event in events if any(read.text("value") != event.text("after") for read in reads)]
        if reads and unseen and not _is_imported(run, unseen[0]):
            yield _finding(run, unseen, reads[-1])


def _is_imported(run: Run, event: Event) -> bool:
    """Does the module have this name from another one (``from library import REGISTRY``), whose own business it is?"""
    imports = (node for node in tree_of(run, event.text("file")).body if isinstance(node, ast.ImportFrom))
    return any(event.text("name").partition(".")[0] in (name.asname, name.name) for node in imports for name in node.names)


def _finding(run: Run, events: list[Event], read: Event) -> Finding:
    added = events[0].text("how") == "change"
    name, unsure = read.text("name"), losses(run, of=frozenset(("module_state",)))
    children = tuple(dict.fromkeys(event.process for event in events if event.process))
    values = listed(shortened(event.text("after"), 30) for event in events)
    parent = who(read.process)
    return Finding(
        title=f"{name} is {values} in {listed(who(child) for child in children)}, but stays {shortened(read.text('value'), 30)} in {parent}",
        verdict=Verdict.LIKELY if unsure or added else Verdict.PROVEN,
        steps=(
            *(
                Step(
                    f"changed {name} from {shortened(e.text('before'), 30)} to {shortened(e.text('after'), 30)}",
                    e.process,
                    e.at_ns,
                    _at(e),
                )
                for e in events[:4]
            ),
            Step(f"reads {name}: {shortened(read.text('value'), 30)}", read.process, read.at_ns, _at(read)),
        ),
        why="Each process has its own copy of a module's variables; a change in a child ends with it.",
        fix=f"return the change of {name} (Pool, executor), send it through a Queue, or make {name} {'an object of a Manager' if added else 'a multiprocessing.Value'}, at",
        fix_at=_at(events[0]),
        processes=tuple(dict.fromkeys([*children, *([read.process] if read.process else [])])),
        places=(*(Place("store", _at(event), event.process) for event in events), Place("read", _at(read), read.process)),
        evidence=(
            *(Evidence(event.ref, f"{name} was {event.text('after')} in {who(event.process)} at its end") for event in events),
            Evidence(read.ref, f"{name} was {read.text('value')} in {parent}"),
        ),
        details=tuple(unsure),
        lowered=Severity.WARNING if added else None,
        at_ns=events[0].at_ns,
    )


def _at(event: Event) -> Site:
    return Site(event.text("file"), event.number("line"), event.text("function"))
