"""``mptrace doctor``: what works on this machine."""

from __future__ import annotations

import shutil
import sys

import click

from mptrace.errors import BadUse
from mptrace.launch.rehearsal import rehearse
from mptrace.observe.abilities import Ability, abilities


@click.command()
@click.option("--python", default="", metavar="PYTHON", help="The interpreter of the job, if it is another one.")
def command(python: str) -> int:
    """Say what works on this machine, and what mptrace cannot tell without the rest."""
    program = shutil.which(python) if python else sys.executable
    if not program:
        raise BadUse(f"--python {python}: there is no such program")
    works, says = rehearse(program)
    found = [Ability("agent", works, says, "anything from inside the job's processes"), *abilities()]
    width = max(len(each.name) for each in found)
    for each in found:
        print(f"{'ok' if each.works else 'no':2}  {each.name:{width}}  {each.says}")
        if not each.works and each.without:
            print(f"    {'':{width}}  without it mptrace cannot tell: {each.without}")
    return 0 if works else 1
