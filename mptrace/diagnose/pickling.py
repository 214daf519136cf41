"""What the three rules about things that cannot be pickled have in common."""

from __future__ import annotations

import ast
from collections.abc import Callable

from mptrace.diagnose.deaths import submitted
from mptrace.diagnose.finding import Evidence, Finding, Place, Severity, Step
from mptrace.diagnose.hang import wants
from mptrace.diagnose.standstill import last_waits
from mptrace.diagnose.wording import an, shortened, who
from mptrace.model.event import Event
from mptrace.model.moment import Wait
from mptrace.model.process import Process
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.wire.event import unsigned
from mptrace.wire.events import failures, threads


def offender(run: Run, event: Event) -> str:
    """Return what cannot be pickled, as the program reaches it: ``page.cfg.lock``; its type if the way is not known."""
    return path_of(run, event) or event.text("offender") or event.text("root") or "something"


def path_of(run: Run, event: Event) -> str:
    """Return the way to the offender; an item or message is called as the line that sent it calls it."""
    path = event.text("path")
    word = next((word for word in ("item", "message") if path == word or path.startswith((f"{word}.", f"{word}["))), "")
    sent = _only_argument(run.source_line(event.site.file, event.site.line)) if word and event.site else ""
    return sent + path[len(word) :] if sent else path


def _only_argument(line: str) -> str:
    """Return the variable or attribute that the one call of a line sends; "" if that is not so simple."""
    try:
        calls = [node for node in ast.walk(ast.parse(line)) if isinstance(node, ast.Call)]
    except (SyntaxError, ValueError):
        return ""
    sent = calls[0].args[0] if len(calls) == 1 and calls[0].args else None
    plain = isinstance(sent, (ast.Name, ast.Attribute)) and all(
        isinstance(node, (ast.Name, ast.Attribute, ast.expr_context)) for node in ast.walk(sent)
    )
    return ast.unparse(sent) if sent is not None and plain else ""


def what_it_is(event: Event) -> str:
    """Return `` (a _thread.lock)``, or nothing if the path is not known."""
    kind = event.text("offender")
    return f" ({an(shortened(kind, 40))})" if event.text("path") and kind and kind != event.text("path") else ""


def error_of(event: Event) -> str:
    """Return the exception as Python prints it."""
    return shortened(f"{event.text('error')}: {event.text('message')}".rstrip(": "), 110)


def resource_of(run: Run, event: Event) -> Resource | None:
    """Return the queue, pipe or pool that it was to go through."""
    key = unsigned(event.number("key"))
    found = [resource for resource in run.resources if key and resource.key == key]
    return found[0].outermost if found else None


def steps_of(run: Run, event: Event) -> tuple[Step, ...]:
    """Return the line that sent it, and below it the way to the offender."""
    line = shortened(run.source_line(event.site.file, event.site.line), 70) if event.site else ""
    sent = Step(line or f"sent it with {event.text('call') or 'put()'}", None if line else event.process, event.at_ns, event.site)
    return sent, Step(f"{offender(run, event)}{what_it_is(event)}  <- cannot be pickled", None, event.at_ns)


def places_of(run: Run, event: Event) -> tuple[Place, ...]:
    """Return the line that sent it; of a task or its result, also the line that handed the task in."""
    resource = resource_of(run, event)
    call = submitted(run, resource, event.number("job")) if resource is not None else None
    told = [(("sent", event.site, event.process))] + ([("submitted", call.site, call.process)] if call else [])
    return tuple(dict.fromkeys(Place(role, site, process) for role, site, process in told if site))


def evidence_of(event: Event) -> tuple[Evidence, ...]:
    """Return the recorded failure."""
    return (Evidence(event.ref, f"{who(event.process)}: {error_of(event)}"),)


def is_for(resource: Resource | None) -> Callable[[Wait], bool]:
    """Return whether a wait is for something to come through this queue, pipe or pool."""

    def is_for_it(wait: Wait) -> bool:
        return resource is not None and resource in (wait.resource and wait.resource.outermost, wait.call.resource)

    return is_for_it


def members(event: Event, waits: tuple[Wait, ...]) -> tuple[Process, ...]:
    """Return the sender and the waiters."""
    return tuple(dict.fromkeys([*([event.process] if event.process else []), *(wait.thread.process for wait in waits)]))


def loudness(run: Run, event: Event) -> Severity | None:
    """An error that reached the program, which went on and ended in order, is a hint at most."""
    process = event.process
    if process is None:
        return None
    told = [other for other in run.of(failures.UNCAUGHT, threads.DIED) if other.process is process and other.at_ns >= event.at_ns]
    main = run.main
    well = all(p is None or (p.exit is not None and p.exit.clean) for p in {process, main})
    return Severity.HINT if not told and well else None


def dumped(run: Run, event: Event, *, title: str, why: str, fix: str) -> Finding:
    """Return the finding that something could not be sent, with those who wait for it."""
    resource = resource_of(run, event)
    waits, moment = last_waits(run, is_for(resource))
    return Finding(
        title=title,
        steps=steps_of(run, event),
        why=f"{why}\n{error_of(event)}",
        also=tuple(wants(wait) for wait in waits),
        fix=fix,
        fix_at=event.site,
        processes=members(event, waits),
        resources=(resource,) if resource else (),
        places=places_of(run, event),
        evidence=evidence_of(event),
        at_ns=event.at_ns,
        moment=moment,
        lowered=loudness(run, event),
    )
