"""``mptrace explain RULE``: what a diagnosis means, how it is proven, and the repair as a difference of two programs."""

from __future__ import annotations

import click


@click.command()
@click.argument("rule")
def command(rule: str) -> int:
    """Explain a diagnosis: why it happens, how mptrace knows, what to do."""
    from mptrace.diagnose.catalogue import explain_text

    print(explain_text(rule), end="")
    return 0
