"""Who the processes are, by the Process objects of their parents and their own: names, targets, sentinels, and how the dead ended."""

from __future__ import annotations

import struct

from mptrace.attach.channels import peek
from mptrace.attach.cpython.walk import Found
from mptrace.attach.insight import Insight
from mptrace.attach.memory import Unreadable
from mptrace.attach.seen import Frame
from mptrace.attach.sight import Birth, Sight
from mptrace.observe import procfs

_METHODS = {"ForkProcess": "fork", "SpawnProcess": "spawn", "ForkServerProcess": "forkserver"}


def know_children(sight: Sight, insights: dict[int, Insight]) -> None:
    """Name every process, learn the sentinels, and note the children that have ended."""
    for insight in insights.values():
        _know_itself(insight)
    for insight in insights.values():
        for found in insight.walk.of("process"):
            _know_child(sight, insight, found)
        sight.forgotten += _forgotten(insight)


def _know_itself(insight: Insight) -> None:
    current = insight.interpreter.module("multiprocessing.process").get("_current_process", 0)
    found = insight.found(current)
    process = insight.process
    if found is not None and found.name == "_MainProcess" and process.forked:
        process.start_method = ""  # os.fork, not multiprocessing
    if found is None or found.name == "_MainProcess":
        return
    process.name = insight.text(found.attributes.get("_name", 0))
    process.target = target_name(insight, found.attributes.get("_target", 0))
    process.daemon = _daemon(insight, found)
    process.start_method = _METHODS.get(found.name, process.start_method)


def _know_child(sight: Sight, insight: Insight, found: Found) -> None:
    """A Process object with a _popen is a child's, in its parent; a forked sibling has copies of those of its elders."""
    popen = insight.attributes(found.attributes.get("_popen", 0))
    inner = insight.number(popen.get("pid", 0))
    parent = insight.number(found.attributes.get("_parent_pid", 0))
    if inner <= 0 or parent != insight.process.inner_pid:
        return
    pid = sight.names.outer_pid(insight.process, inner)
    sentinel = insight.number(popen.get("sentinel", 0), -1)
    if sentinel >= 0:
        sight.names.sentinels[insight.process.pid, sentinel] = pid
    status = _status(sight, insight, pid, popen, sentinel)
    sight.births.append(
        Birth(
            parent=insight.process.pid,
            pid=pid,
            name=insight.text(found.attributes.get("_name", 0)),
            target=target_name(insight, found.attributes.get("_target", 0)),
            daemon=_daemon(insight, found),
            start_method=_METHODS.get(found.name, ""),
            status=status,
            ended=status is not None or (pid not in sight.job.processes and procfs.stat(pid) is None),
        )
    )


def _forgotten(insight: Insight) -> int:
    """Return how many Process objects were made here that the walk did not find: the library numbers them from 1 on."""
    counter = insight.interpreter.module("multiprocessing.process").get("_process_counter", 0)
    try:
        made = insight.objects.memory.u64(counter + 16) - 1 if counter else 0
    except Unreadable:
        return 0
    parents = [insight.number(found.attributes.get("_parent_pid", 0)) for found in insight.walk.of("process")]
    return max(made - parents.count(insight.process.inner_pid), 0) if made < 1 << 32 else 0


def _status(sight: Sight, insight: Insight, pid: int, popen: dict[str, int], sentinel: int) -> int | None:
    """Return how a child ended: as its Popen was told, or as the forkserver has written it into the sentinel; None: unknown."""
    code = popen.get("returncode", 0)
    try:
        if code and insight.objects.class_of(code) == ("builtins", "int"):
            return insight.number(code)
    except Unreadable:
        return None
    if pid in sight.job.processes or sentinel < 0:
        return None
    data = peek(insight.process.pid, sentinel)
    return int(struct.unpack("<q", data)[0]) if len(data) == 8 else None


def target_name(insight: Insight, target: int) -> str:
    """Return the name of a target: a function's, or Class.method of a bound method."""
    try:
        module, name = insight.objects.class_of(target) if target else ("", "")
        if (module, name) == ("builtins", "method"):
            owner = insight.objects.class_of(insight.objects.memory.u64(target + 24))[1]
            return f"{owner}.{_function(insight, insight.objects.memory.u64(target + 16))}"
        return _function(insight, target) if (module, name) == ("builtins", "function") else name if target else ""
    except Unreadable:
        return ""


def _function(insight: Insight, function: int) -> str:
    """Return a function's name: behind its globals and builtins, from 3.10 on."""
    return insight.text(insight.objects.memory.u64(function + 32))


def definition(insight: Insight, target: int) -> Frame | None:
    """Return where a function, or that of a bound method, is defined; None for anything else."""
    objects = insight.objects
    try:
        function = objects.memory.u64(target + 16) if objects.class_of(target) == ("builtins", "method") else target
        if objects.class_of(function) != ("builtins", "function"):
            return None
        code = objects.memory.u64(function + 48)
        file = objects.text(objects.memory.u64(code + objects.layout.code_file))
        return Frame(file, objects.memory.i32(code + objects.layout.code_line), target_name(insight, target))
    except Unreadable:
        return None


def _daemon(insight: Insight, found: Found) -> bool:
    try:
        config = insight.objects.named(found.attributes["_config"])
    except (Unreadable, KeyError):
        return False
    return bool(insight.number(config.get("daemon", 0)))
