"""What is to be started: a script, a module, a piece of code or any command, with exactly the arguments the user gave."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import MAGIC_NUMBER, find_spec

from mptrace.errors import BadUse
from mptrace.launch.interpreter import own_options


@dataclass(frozen=True, slots=True)
class Job:
    """``argv`` as the system gets it; ``script``: what the user would call it; ``label``: a short name for its directory."""

    argv: tuple[str, ...]
    script: str
    label: str
    python: bool = True


def script_job(path: str, args: Sequence[str]) -> Job:
    """Return the job that ``python path args`` would be; BadUse if that cannot be a Python program."""
    if path != "-":
        _check_script(path)
    label = os.path.basename(os.path.abspath(path)).removesuffix(".py") if path != "-" else "stdin"
    return Job(_python(path, *args), path, label)


def module_job(module: str, args: Sequence[str]) -> Job:
    """Return the job that ``python -m module args`` would be; BadUse if there is no such module."""
    if not module:
        raise BadUse("-m needs the name of a module", "python -m mptrace -m package.module ARGS")
    _check_module(module)
    return Job(_python("-m", module, *args), module, module)


def code_job(code: str, args: Sequence[str]) -> Job:
    """Return the job that ``python -c code args`` would be."""
    return Job(_python("-c", code, *args), "-c", "code")


def command_job(argv: Sequence[str]) -> Job:
    """Return the job that the command is; BadUse if there is no such program."""
    program = argv[0]
    _check_program(program)
    return Job(tuple(argv), program, os.path.basename(program) or "command", python=False)


def _python(*argv: str) -> tuple[str, ...]:
    return (sys.executable, *own_options(sys.orig_argv), *argv)


def _check_script(path: str) -> None:
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        raise BadUse(f"{path}: there is no such file", "mptrace [OPTIONS] script.py ARGS; see mptrace --help") from None
    except OSError as trouble:
        raise BadUse(f"{path}: {trouble.strerror}") from None
    if stat.S_ISDIR(mode):
        if not os.path.isfile(os.path.join(path, "__main__.py")):
            raise BadUse(f"{path}: this directory has no __main__.py, so Python cannot run it")
    elif stat.S_ISREG(mode):  # a pipe or terminal must not be read by anybody but the job
        _check_content(path)


def _check_content(path: str) -> None:
    try:
        with open(path, "rb") as file:
            start = file.read(512)
    except OSError as trouble:
        raise BadUse(f"{path}: {trouble.strerror}", "mptrace must be able to read the script, as Python must") from None
    other_shebang = start.startswith(b"#!") and b"python" not in start.split(b"\n", 1)[0]
    binary = b"\0" in start and not start.startswith((b"PK", MAGIC_NUMBER))
    if other_shebang or binary:
        raise BadUse(f"{path}: this is not a Python program", f"to run any other program: mptrace run -- {path} ...")


def _check_module(module: str) -> None:
    """Refuse a module that Python would not find either; a package is not imported to find that out."""
    top, before = module.partition(".")[0], sys.path[:]
    sys.path.insert(0, os.getcwd())
    try:
        missing = find_spec(top) is None
    except (ImportError, ValueError, AttributeError):
        missing = False  # let Python say what it thinks of it
    finally:
        sys.path[:] = before
    if missing:
        raise BadUse(f"there is no module named {top}", "python -m mptrace -m package.module ARGS")


def _check_program(program: str) -> None:
    paths = [program] if os.sep in program else [os.path.join(entry, program) for entry in os.get_exec_path()]
    if any(os.access(path, os.X_OK) and not os.path.isdir(path) for path in paths):
        return
    if any(os.path.isfile(path) for path in paths):
        raise BadUse(f"{program}: this file may not be executed", f"a Python script needs no x bit: mptrace {program} ...")
    raise BadUse(f"{program}: there is no such command", "mptrace run [OPTIONS] -- COMMAND ARGS")
