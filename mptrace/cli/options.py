"""The options of a run, once: on the command line, as MPTRACE_*, and in [tool.mptrace] of pyproject.toml, in that order."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from mptrace.errors import BadUse
from mptrace.launch.settings import KILL, REPORT, Settings

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def _seconds(_: click.Context, __: click.Parameter, value: Any) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise click.BadParameter(f"{value} is no number of seconds above 0")
    return seconds


_OPTIONS = (
    click.option(
        "--hang-after", type=click.UNPROCESSED, callback=_seconds, default=10.0, show_default=True, metavar="SECONDS",
        envvar="MPTRACE_HANG_AFTER", help="How long nothing may move before that is reported; a proven deadlock is at once.",
    ),
    click.option(
        "--on-hang", type=click.Choice([REPORT, KILL]), default=REPORT, show_default=True, envvar="MPTRACE_ON_HANG",
        help="Explain a hang and keep waiting, or explain it and end the job with status 124.",
    ),
    click.option("--output", default="", metavar="DIR", envvar="MPTRACE_OUTPUT", help="Record to this directory."),
    click.option("--json", default="", metavar="FILE", envvar="MPTRACE_JSON", help="Write the report as JSON at the end."),
    click.option("--quiet", is_flag=True, envvar="MPTRACE_QUIET", help="Print nothing; record all the same."),
    click.option("--strict", is_flag=True, envvar="MPTRACE_STRICT", help="Exit 1 if an error was found although the job ended with 0."),
)  # fmt: skip
NAMES = ("hang_after", "on_hang", "output", "json", "quiet", "strict")


def run_options(command: Decorated) -> Decorated:
    """Give a click command the options of a run."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def settings(*contexts: click.Context) -> Settings:
    """Return the settings; an option given on the command line counts before all others, and of those the innermost."""
    found: dict[str, Any] = {}
    asked = False
    for context in contexts:
        for name in NAMES:
            source = context.get_parameter_source(name)
            if name not in found or source is ParameterSource.COMMANDLINE:
                found[name] = context.params[name]
            asked |= name == "hang_after" and source is not ParameterSource.DEFAULT
    return Settings(hang_after_s=found.pop("hang_after"), hang_after_asked=asked, **found)


def project_defaults(directory: str) -> dict[str, Any]:
    """Return [tool.mptrace] of the pyproject.toml in ``directory``, with underscores; BadUse if it names an unknown option."""
    path = os.path.join(directory, "pyproject.toml")
    if not os.path.isfile(path):
        return {}
    table = _read_table(path)
    defaults = {name.replace("-", "_"): value for name, value in table.items()}
    unknown = sorted(set(defaults) - set(NAMES))
    if unknown:
        known = ", ".join(name.replace("_", "-") for name in NAMES)
        raise BadUse(f"pyproject.toml: [tool.mptrace] has no option {unknown[0]}", f"it knows {known}")
    return defaults


def _read_table(path: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        with open(path, "rb") as file:
            table = tomllib.load(file).get("tool", {}).get("mptrace", {})
    except OSError:
        return {}
    except tomllib.TOMLDecodeError:  # not ours to complain about
        return {}
    return table if isinstance(table, dict) else {}
