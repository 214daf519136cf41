"""What a program can see of its process and of the library, one fact a line; of its children under every start method too."""

from __future__ import annotations

import atexit
import gc
import inspect
import multiprocessing as mp
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
import trace
import warnings
import zlib
from importlib import import_module

DOCUMENTED = ("PYTHONPATH", "_MPTRACE_RUN", "_MPTRACE_HOME")
"""Variables of the environment that mptrace sets."""

LAST_WORDS = (signal.SIGILL, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGSEGV, signal.SIGTERM)
"""Signals that faulthandler catches below Python, where no handler of the host's can be."""

USUAL = range(900)
"""Descriptors that a program would count (agent/lastwords.py has one above)."""

MODULES = (
    *(f"multiprocessing.{name}" for name in (
        "connection", "context", "forkserver", "heap", "managers", "pool", "popen_fork", "popen_forkserver", "popen_spawn_posix",
        "process", "queues", "reduction", "resource_sharer", "resource_tracker", "shared_memory", "sharedctypes", "spawn",
        "synchronize", "util",
    )),
    "multiprocessing", "concurrent.futures", "concurrent.futures._base", "concurrent.futures.process", "concurrent.futures.thread",
    "atexit", "os", "posix", "queue", "signal", "subprocess", "threading",
)  # fmt: skip


def say(what, value):
    print(what, re.sub(r" at 0x[0-9a-f]+", "", repr(value)), flush=True)


def is_ours(name):
    return name.startswith(("_mptrace", "__mptrace"))


def interpreter(when):
    environment = {name: value for name, value in os.environ.items() if name not in DOCUMENTED}
    say(f"{when} path", sys.path)
    say(f"{when} start", (sys.argv, sys.orig_argv[1:2], sys.flags, sys.warnoptions, sys._xoptions))
    say(f"{when} environment", sorted(environment.items()))
    say(f"{when} main", sorted(vars(sys.modules["__main__"])))
    say(
        f"{when} hooks",
        [sys.excepthook, sys.unraisablehook, sys.displayhook, threading.excepthook, sys.gettrace(), sys.getprofile()],
    )
    say(f"{when} finders", [finder for finder in sys.meta_path if not is_ours(finder.__module__)])
    say(f"{when} limits", (sys.getrecursionlimit(), sys.getswitchinterval()))
    say(f"{when} garbage", (gc.isenabled(), gc.get_threshold(), gc.callbacks, gc.garbage, gc.get_debug()))
    say(f"{when} warnings", warnings.filters)


def process(when):
    with open("/proc/self/status") as file:
        status = dict(line.split(":", 1) for line in file)
    caught = int(status["SigCgt"], 16) & ~sum(1 << (number - 1) for number in LAST_WORDS)
    descriptors = [int(name) for name in os.listdir("/proc/self/fd")]
    kept = [fd for fd in descriptors if os.path.exists(f"/proc/self/fd/{fd}")]
    say(f"{when} threads", ([thread.name for thread in threading.enumerate()], status["Threads"].strip()))
    say(f"{when} descriptors", [fd for fd in descriptors if fd in USUAL])
    say(f"{when} inherited", [fd for fd in kept if os.get_inheritable(fd)])
    say(f"{when} signals", (status["SigBlk"], status["SigIgn"], hex(caught)))
    say(f"{when} handlers", [signal.getsignal(number) for number in signal.valid_signals()])
    say(f"{when} start method", (mp.get_start_method(allow_none=True), mp.context._default_context._actual_context))


def looks(value):
    try:
        signature = str(inspect.signature(value))
    except (ValueError, TypeError):
        signature = "none"
    names = [getattr(value, name, None) for name in ("__name__", "__qualname__", "__module__")]
    return type(value).__name__, *names, signature, zlib.crc32(str(value.__doc__).encode())


def counted_by_trace():
    tracer = trace.Trace(trace=0, count=1, ignoredirs=[sys.prefix, sys.base_prefix])
    tracer.runfunc(__import__, "colorsys")
    say("trace", sorted({file for file, _ in tracer.results().counts}))


def library():
    for name in MODULES:
        module = import_module(name)
        say(name, sorted(filter(lambda known: not is_ours(known), vars(module))))
        for attribute, value in sorted(vars(module).items()):
            if getattr(value, "__module__", None) == name and callable(value):
                say(f"{name}.{attribute}", (looks(value), by_name(value)))
            if inspect.isclass(value) and value.__module__ == name:
                methods(f"{name}.{attribute}", value)


def by_name(value):
    try:
        return pickle.loads(pickle.dumps(value)) is value
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        return type(error).__name__


def methods(name, kind):
    say(f"{name} is a", kind.__mro__)
    for attribute, value in sorted(vars(kind).items()):
        if not is_ours(attribute):
            say(
                f"{name}.{attribute}", (type(value).__name__, looks(getattr(value, "__func__", value)) if callable(value) else "")
            )


def child(when):
    interpreter(when)
    process(when)


def main():
    child("early")
    counted_by_trace()
    library()
    child("late")
    for method in ("fork", "spawn", "forkserver"):
        job = mp.get_context(method).Process(target=child, args=(f"{method}ed",))
        job.start()
        job.join()
    for options in (["-S"], ["-I"], ["-E", "-OO"]):
        code = "import sys, multiprocessing.pool; print(sys.flags, sorted(sys.path)[0] == '', len(sys.argv))"
        subprocess.run([sys.executable, *options, "-c", code], check=True)
    atexit.register(say, "last", "registered first")
    atexit.register(say, "first", "registered last")


if __name__ == "__main__":
    main()
