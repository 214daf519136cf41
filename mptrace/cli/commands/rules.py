"""``mptrace rules``: all diagnoses, a line each."""

from __future__ import annotations

import sys

import click


@click.command()
def command() -> int:
    """List what mptrace can find."""
    from mptrace.diagnose.registry import all_rules
    from mptrace.report.page import page_for

    rules, page = all_rules(), page_for(sys.stdout)
    width = max((len(rule.id) for rule in rules), default=0)
    for rule in rules:
        first = f"{rule.id:{width}}  {rule.severity.value:7}  "
        says = rule.doc.strip().partition("\n")[0]
        if sys.stdout.isatty():
            sys.stdout.write(page.print(page.wrapped(says, first=first, rest=" " * len(first))))
        else:  # a line each, to be searched
            print(first + says)
    return 0
