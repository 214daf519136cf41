"""Children that were told to end and do not, while their parent joins them: by the signal that still lies before them, or by the text.

The kernel forgets a signal that is ignored. That it was sent, the program's text says: a ``terminate()`` of the same variable that
stands before the ``join()`` in the same function, and not in a branch that may have been passed by.
"""

from __future__ import annotations

import ast
import linecache
import re
import signal
from collections.abc import Iterator
from functools import lru_cache

from mptrace.attach.recorder_file import program_frame
from mptrace.attach.seen import Frame, SeenProcess, SeenThread
from mptrace.attach.sight import AskedToEnd, Sight
from mptrace.observe import procfs
from mptrace.wire import wait

TEXT, PENDING = "text", "pending"
_ASKING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


def know_terminations(sight: Sight) -> None:
    """Note the children that somebody joins without a timeout, and that ignore, block or handle a signal which was to end them."""
    for process in sight.job.living:
        for thread in process.threads.values():
            awaited = _joined(sight, thread)
            frame = program_frame(thread.frames)
            if awaited is not None and frame is not None:
                sight.asked_to_end.extend(_asked(process, thread, awaited, frame))


def _joined(sight: Sight, thread: SeenThread) -> SeenProcess | None:
    if thread.wait is None or thread.wait.kind != wait.REAP or thread.wait.timeout_ns is not None:
        return None
    found = sight.job.processes.get(thread.wait.key)
    return found if found is not None and not found.zombie else None


def _asked(process: SeenProcess, thread: SeenThread, child: SeenProcess, frame: Frame) -> Iterator[AskedToEnd]:
    withstood, pending = child.signals[0] | child.signals[1] | child.signals[2], _pending(child.pid)
    for number in _ASKING:
        bit = 1 << (number - 1)
        said = next((one for one in _orders(frame) if one[0] == number), None) if withstood & bit else None
        place = Frame(frame.file, said[1], frame.function) if said else None
        if pending & child.signals[0] & bit:
            yield AskedToEnd(process.pid, thread.tid, child.pid, number, PENDING, said[2] if said else "", place)
        elif said is not None:
            yield AskedToEnd(process.pid, thread.tid, child.pid, number, TEXT, said[2], place)


def _pending(pid: int) -> int:
    """Return the signals that were sent and not delivered."""
    found = re.findall(rb"^(?:SigPnd|ShdPnd):\s*([0-9a-f]+)$", procfs.read_bytes(f"/proc/{pid}/status"), re.MULTILINE)
    return int(found[0], 16) | int(found[-1], 16) if found else 0


Order = tuple[int, int, str]
"""Signal, line and call."""


def _orders(frame: Frame) -> tuple[Order, ...]:
    return orders_before(frame.file, frame.line, frame.function.rpartition(".")[2])


@lru_cache(maxsize=64)
def orders_before(file: str, line: int, function: str) -> tuple[Order, ...]:
    """Return the signals that the text sends to what is joined on a line, in the same function and before; the last first."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    paths = [*_paths(_scope(tree, line, function), ())]
    joins = [path for path in paths if _is_call(path, "join") and path[-1][1].lineno <= line <= (path[-1][1].end_lineno or 0)]
    if len(joins) != 1:
        return ()
    found = [order for path in paths if (order := _order(path, joins[0])) and not _is_set_between(paths, order[1], joins[0])]
    return tuple(sorted(found, key=lambda order: -order[1]))


Step = tuple[str, ast.expr | ast.stmt | ast.excepthandler]
Path = tuple[Step, ...]
"""The way from a function down to a node: each node with the field of the one above that it stands in."""


def _scope(tree: ast.Module, line: int, function: str) -> ast.AST:
    """Return the innermost function of that name around a line; the module if there is none."""
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    around = [node for node in functions if node.name == function and node.lineno <= line <= (node.end_lineno or 0)]
    return max(around, key=lambda node: node.lineno, default=tree)


def _paths(node: ast.AST, above: Path) -> Iterator[Path]:
    """Yield the paths to all nodes of a function, but for those of functions and classes that are defined in it."""
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            inner = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda)
            if isinstance(child, ast.expr | ast.stmt | ast.excepthandler) and not inner:
                yield (*above, (name, child))
                yield from _paths(child, (*above, (name, child)))


def _is_call(path: Path, method: str) -> bool:
    call = path[-1][1]
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == method


def _joined_by(join: Path) -> str:
    """Return what is joined, as the text calls it."""
    call = join[-1][1]
    return ast.unparse(call.func.value) if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) else ""


def _order(path: Path, join: Path) -> Order | None:
    """Return the signal that the last node of a path sends to what is joined, if it was certainly passed before."""
    call, target = path[-1][1], _joined_by(join)
    if not isinstance(call, ast.Call) or call.lineno >= join[-1][1].lineno:
        return None
    number = _number(call, target)
    return (number, call.lineno, ast.unparse(call.func)) if number and _is_passed(path, join, target) else None


def _number(call: ast.Call, target: str) -> int:
    """Return the signal that a call sends to the process of that name, 0 if it sends none."""
    said = ast.unparse(call.func)
    if said == f"{target}.terminate":
        return signal.SIGTERM
    words = [ast.unparse(one) for one in call.args]
    if said not in {"os.kill", "kill"} or len(words) != 2 or words[0] != f"{target}.pid":
        return 0
    return next((number for number in _ASKING if words[1] in {f"signal.{number.name}", number.name, str(int(number))}), 0)


def _is_passed(path: Path, join: Path, target: str) -> bool:
    """Is it in no branch, loop or handler that the join is not in, too: but for a loop over the same, or a test that it lives?"""
    around = {id(node): join[at + 1][0] for at, (_, node) in enumerate(join[:-1])}
    for at, (_, node) in enumerate(path[:-1]):
        block = path[at + 1][0]
        if id(node) in around and block == around[id(node)]:
            continue
        if isinstance(node, ast.If) and (ast.unparse(node.test) != f"{target}.is_alive()" or block != "body"):
            return False
        if isinstance(node, ast.For | ast.AsyncFor) and not _loops_alike(node, join):
            return False
        if not isinstance(node, _PLAIN) or (isinstance(node, ast.Try) and block not in {"body", "finalbody"}):
            return False
    return True


_PLAIN = (ast.Expr, ast.With, ast.Try, ast.If, ast.For)


def _loops_alike(loop: ast.For | ast.AsyncFor, join: Path) -> bool:
    """Is the join in this loop, or in another over the same?"""
    heads = {(ast.unparse(node.target), ast.unparse(node.iter)) for _, node in join if isinstance(node, ast.For | ast.AsyncFor)}
    return (ast.unparse(loop.target), ast.unparse(loop.iter)) in heads


def _is_set_between(paths: list[Path], line: int, join: Path) -> bool:
    """May the name stand for another process at the join than on that line: is it assigned, or given by another loop, in between?"""
    name = _joined_by(join).partition(".")[0]
    nodes = [node for node in (path[-1][1] for path in paths) if line < node.lineno < join[-1][1].lineno]
    assigned = any(isinstance(node, ast.Assign) and name in _names(*node.targets) for node in nodes)
    loops = [node for node in nodes if isinstance(node, ast.For) and name in _names(node.target)]
    before = [path for path in paths if path[-1][1].lineno == line and isinstance(path[-1][1], ast.Call)]
    return assigned or any(not _loops_alike(loop, path) for loop in loops for path in before)


def _names(*targets: ast.expr) -> set[str]:
    return {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}
