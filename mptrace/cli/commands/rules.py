"""``mptrace rules``: all diagnoses, a line each."""

from __future__ import annotations

import click


@click.command()
def command() -> int:
    """List what mptrace can find."""
    from mptrace.diagnose.registry import all_rules

    rules = all_rules()
    width = max((len(rule.id) for rule in rules), default=0)
    for rule in rules:
        print(f"{rule.id:{width}}  {rule.severity.value:7}  {rule.doc.strip().splitlines()[0] if rule.doc.strip() else ''}")
    return 0
