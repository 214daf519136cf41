"""``mptrace``: a command if the first word is one (the files of commands/), else a Python program to run.

A word with a slash or ending in ``.py`` is always a program: ``mptrace report`` reports, ``mptrace ./report`` runs that script.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, NoReturn

import click

import mptrace
from mptrace.cli import commands
from mptrace.cli.options import project_defaults, run_options
from mptrace.errors import MptraceError

PROGRAM = "run_program"  # the file of commands/ that runs what is no command


def command_names() -> list[str]:
    """Return the commands, by their files."""
    return sorted(found.name for found in iter_modules(commands.__path__) if found.name != PROGRAM)


class Mptrace(click.Group):
    """The group of all commands, which takes anything else for a program and its arguments."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names for ``--help``."""
        return command_names()

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command when it is asked for."""
        if name not in command_names():
            return None
        found = import_module(f"{commands.__name__}.{name}").command
        return found if isinstance(found, click.Command) else None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first word names, or the one that runs programs, with all the words."""
        if args[0] in command_names():
            return super().resolve_command(ctx, args)
        return PROGRAM, import_module(f"{commands.__name__}.{PROGRAM}").command, ["--", *args]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse our own options only: the first word that is none of them begins what belongs to the program."""
        own = self._count_own(args)
        if own < len(args) and args[own] != "--":
            args = [*args[:own], "--", *args[own:]]
        return super().parse_args(ctx, args)

    def _count_own(self, args: list[str]) -> int:
        takes_value = {
            name: isinstance(option, click.Option) and not option.is_flag for option in self.params for name in option.opts
        }
        at = 0
        while at < len(args):
            word = args[at]
            if not word.startswith("-") or word in ("-", "--") or word[:2] in ("-m", "-c"):
                break
            at += 2 if takes_value.get(word) else 1
        return min(at, len(args))


@click.command(cls=Mptrace, context_settings={"help_option_names": ["-h", "--help"], "allow_interspersed_args": False})
@click.version_option(mptrace.__version__, prog_name="mptrace")
@run_options
def cli(**_: Any) -> None:
    """Say why a multi-process Python job hung or died.

    \b
    mptrace [OPTIONS] script.py ARGS     run a script under the tracer
    mptrace [OPTIONS] -m MODULE ARGS     run a module (or code: -c CODE)
    mptrace run [OPTIONS] -- COMMAND     run any command: pytest, gunicorn, a shell script

    What follows the script belongs to the script. A name with a slash or ending in .py is always a script, never a
    command. Every option can be given as MPTRACE_HANG_AFTER, ... and in
    [tool.mptrace] of pyproject.toml too. The exit status is the job's own, 128+N for a signal; 2: bad use of
    mptrace; 124: ended by --on-hang kill; 1: an error was found under --strict.
    """  # noqa: D301 - click's mark for a paragraph that is not to be wrapped


def main(args: list[str] | None = None) -> NoReturn:
    """Run mptrace with these words (default: the command line's) and exit."""
    sys.exit(_status(sys.argv[1:] if args is None else args))


def _status(args: list[str]) -> int:
    try:
        defaults = project_defaults(os.getcwd())
        result = cli.main(args or ["--help"], "mptrace", standalone_mode=False, default_map={**defaults, "run": defaults})
        return result if isinstance(result, int) else 0
    except MptraceError as trouble:
        return _say(trouble.message, trouble.hint, trouble.exit_code)
    except click.ClickException as trouble:
        return _say(trouble.format_message().rstrip("."), "see mptrace --help", 2)
    except (click.Abort, KeyboardInterrupt):
        return 130
    except Exception as trouble:
        if os.environ.get("MPTRACE_DEBUG"):
            raise
        return _say(f"a fault of mptrace's own: {type(trouble).__name__}: {trouble}", "MPTRACE_DEBUG=1 shows where", 70)


def _say(message: str, hint: str, status: int) -> int:
    print(f"mptrace: {message}", file=sys.stderr)
    if hint:
        print(f"  {hint}", file=sys.stderr)
    return status
