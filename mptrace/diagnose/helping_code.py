"""Does a function of the program do what a wait is for? By its text: whoever waits for an Event is helped by who calls ``set()``."""

from __future__ import annotations

import ast

from mptrace.diagnose.lock_code import nodes_of
from mptrace.model.moment import Wait
from mptrace.model.run import Run
from mptrace.wire import wait as kinds

HELPS = {
    kinds.FLAG: ("set",),
    kinds.NOTIFY: ("notify", "notify_all"),
    kinds.PARTIES: ("wait",),
    kinds.ITEM: ("put", "put_nowait"),
    kinds.RECV: ("put", "send", "send_bytes"),
    kinds.ROOM: ("get", "get_nowait"),
    kinds.ACQUIRE: ("release", "__exit__"),
    kinds.TASKS_DONE: ("task_done",),
}
"""Kind of the call that waits -> methods that end such a wait."""

ALWAYS = (kinds.RESULT, kinds.FUTURE)
"""Waits for a result, which any task may be the one for."""


def helps(run: Run, function: str, wait: Wait) -> bool | None:
    """Does a function, or one that it calls by name, end waits of this kind? None: its text is not at hand."""
    if wait.call.kind in ALWAYS:
        return True
    bodies = _definitions(run, function.rpartition(".")[2])
    if not bodies:
        return None
    called = {
        call.func.id
        for body in bodies
        for call in ast.walk(body)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
    }
    bodies += [body for name in called for body in _definitions(run, name)]
    methods = HELPS.get(wait.call.kind, ())
    return any(isinstance(node, ast.Attribute) and node.attr in methods for body in bodies for node in ast.walk(body))


def _definitions(run: Run, name: str) -> list[ast.AST]:
    kinds_of = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for file in run.sources for node in nodes_of(run, file) if isinstance(node, kinds_of) and node.name == name]
