"""A lock that a forked child has a copy of: what its only thread waits for, by the innermost frames of its stack."""

from __future__ import annotations

from mptrace.diagnose.deaths import is_library
from mptrace.diagnose.lock_code import wanted_at
from mptrace.model.liveness import threads_at
from mptrace.model.moment import Moment, Wait
from mptrace.model.process import Thread
from mptrace.model.run import Run
from mptrace.model.site import Site
from mptrace.wire import resource as family_of
from mptrace.wire import wait as kinds

INNER = ("__enter__", "acquire", "_acquire", "acquireLock", "_acquireLock")
"""Functions of the library that do nothing but take a lock."""

STREAMS = ("print(", ".write(", ".flush(", ".writelines(", ".read(", ".readline(")
"""Calls that take the lock of a buffered file."""

WITH_LOCKS = ("logging", "queue", "weakref", "tempfile", "random", "warnings", "socket", "threading", "concurrent.futures")
"""Modules of the library whose functions take locks of their own."""

IMPORT_LOCK = "import lock"


def is_copied(wait: Wait) -> bool:
    """Is it for a lock of the process's own, which the child's only thread wants?"""
    lock = wait.resource
    return wait.kind == kinds.MUTEX_WAIT and lock is not None and lock.family == family_of.MUTEX and lock.kind != IMPORT_LOCK


def is_alone(moment: Moment, thread: Thread) -> bool:
    """Is it the one thread of its process that runs Python? Another one could release what it waits for."""
    return all(other is thread for other in threads_at(thread.process, moment))


def wanted_copy(run: Run, wait: Wait) -> str:
    """Return which lock it wants: the program's text for it, or whose of the library's; "" if it waits for something else."""
    inner = next((site for site in wait.stack if _function(site) not in INNER), None)
    if inner is None:
        return ""
    if not is_library(inner.file):
        line = run.source_line(inner.file, inner.line)
        return wanted_at(run, inner) or ("the lock of a stream" if any(call in line for call in STREAMS) else "")
    if _function(wait.stack[0]) in ("wait", "_wait", "join") or module_of(inner) not in WITH_LOCKS:
        return ""
    return f"a lock of {module_of(inner)}"


def is_native(run: Run, wait: Wait) -> bool:
    """Does it block in code that is not Python's: neither at a lock that the text shows, nor in a wait of `threading`?"""
    if not wait.stack or wanted_copy(run, wait):
        return False
    inner = wait.stack[0]
    own = not is_library(inner.file) and bool(run.source_line(inner.file, inner.line))
    return own or (is_library(inner.file) and module_of(inner) not in (*WITH_LOCKS, "") and not inner.file.startswith("<"))


def module_of(site: Site) -> str:
    """Return the module of the standard library that a place is in, "" for another place."""
    path = site.file.rpartition("/lib/python3")[2].partition("/")[2].removesuffix(".py").removesuffix("/__init__")
    return "concurrent.futures" if path.startswith("concurrent/futures") else path.replace("/", ".")


def _function(site: Site) -> str:
    return site.function.rpartition(".")[2]
