"""``mptrace explain RULE``: what a diagnosis means, how it is proven, and the repair as a difference of two programs."""

from __future__ import annotations

import difflib
import inspect
import os
from difflib import get_close_matches

import click

import mptrace
from mptrace.errors import BadUse

SCENARIOS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(mptrace.__file__))), "scenarios")


@click.command()
@click.argument("rule")
def command(rule: str) -> int:
    """Explain a diagnosis: why it happens, how mptrace knows, what to do."""
    from mptrace.diagnose.registry import all_rules, find_rule

    found = find_rule(rule)
    if found is None:
        close = get_close_matches(rule, [each.id for each in all_rules()], 1, 0.5)
        guess = f"did you mean {close[0]}? " if close else ""
        raise BadUse(f"there is no rule {rule}", f"{guess}mptrace rules lists them all")
    print(f"{found.id} ({found.severity.value})\n")
    print(inspect.cleandoc(found.doc))
    repair = _repair(found.id.replace("-", "_"))
    if repair:
        print(f"\nBroken and repaired:\n\n{repair}")
    return 0


def _repair(scenario: str) -> str:
    """Return the difference between the rule's broken program and its fixed twin; "" where they are not installed."""
    broken, fixed = (_lines(os.path.join(SCENARIOS, scenario, name)) for name in ("broken.py", "fixed.py"))
    if not broken or not fixed:
        return ""
    lines = list(difflib.unified_diff(broken, fixed, n=3, lineterm=""))[2:]
    return "\n".join(f"    {line}" for line in lines if not line.startswith("@@"))


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8") as file:
            return [line.partition("# expect:")[0].rstrip() for line in file]
    except OSError:
        return []
