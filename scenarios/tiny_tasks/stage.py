"""What the programs here share: the start method and the patience the harness asks for, and a place to meet."""

import multiprocessing
import os
import threading


def context():
    """Return the multiprocessing context of $MPTRACE_SCENARIO_METHOD, or the platform's own."""
    return multiprocessing.get_context(os.environ.get("MPTRACE_SCENARIO_METHOD"))


def use_start_method():
    """Start processes as $MPTRACE_SCENARIO_METHOD says; call it under the main guard."""
    multiprocessing.set_start_method(os.environ.get("MPTRACE_SCENARIO_METHOD"))


def patience():
    """Return for how many seconds a healthy program keeps its processes waiting."""
    return float(os.environ.get("MPTRACE_SCENARIO_PATIENCE", "3"))


def meet(everybody, seconds=1):
    """Wait until everybody is here, but never longer than one second.

    A plain wait on the barrier inside the first of two locks would make the repaired program hang as well: there the other
    process cannot come before the first lock is free.
    """
    try:
        everybody.wait(seconds)
    except threading.BrokenBarrierError:
        pass
