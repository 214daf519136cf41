"""What a rule is: a generator of findings over a run, declared with what it needs and what it explains.

The function's name is the rule's id with underscores, its file and its scenario folder; its docstring is the documentation, with
the headings *Why it hangs* (or crashes, fails), *How we know* and *What to do*. The decorator only marks it; the registry finds
it by its file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mptrace.diagnose.finding import Finding, Severity
from mptrace.model.run import Run
from mptrace.wire.event import Kind

Check = Callable[[Run], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One diagnosis as code. ``needs``: names of probes whose absence makes it *not checked*; ``explains``: ids of rules whose
    findings about the same processes or resources are consequences of this one's."""

    id: str
    check: Check
    severity: Severity
    needs: tuple[str, ...]
    events: tuple[Kind, ...]
    explains: tuple[str, ...]
    doc: str
    last_resort: bool = False
    """Its findings are dropped where another rule's tells of the same waits."""


def rule(
    *,
    severity: Severity = Severity.ERROR,
    needs: tuple[str, ...] = (),
    events: tuple[Kind, ...] = (),
    explains: tuple[str, ...] = (),
    last_resort: bool = False,
) -> Callable[[Check], Rule]:
    """Turn a generator function into a Rule."""

    def declare(check: Check) -> Rule:
        return Rule(check.__name__.replace("_", "-"), check, severity, needs, events, explains, check.__doc__ or "", last_resort)

    return declare
