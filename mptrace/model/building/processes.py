"""The processes of a Run: one for each life, with role, name, parent and children."""

from __future__ import annotations

import os

from mptrace.model.building.lives import Life, find_lives
from mptrace.model.building.workshop import Workshop
from mptrace.model.event import Event
from mptrace.model.process import UNSEEN, Process, Role
from mptrace.model.site import Site
from mptrace.wire import layout
from mptrace.wire.events import processes, tasks

_TELLING = (processes.BOOTED, processes.RUNNING, tasks.WORKER, processes.STARTED, processes.SPAWNED, processes.FORKED)
TRACKER_COMMAND = "from multiprocessing.resource_tracker import main"
FORKSERVER_COMMAND = "from multiprocessing.forkserver import main"
SPAWN_COMMAND = "from multiprocessing.spawn import spawn_main"


def build_processes(shop: Workshop) -> None:
    """Make a Process of every life; names, roles and parents follow when the events are there."""
    lives = find_lives(shop.recording)
    main = _first(shop, lives)
    lives.sort(key=lambda life: life is not main)
    made = {life: _process(f"p{number}", life) for number, life in enumerate(lives, 1)}
    for life, process in made.items():
        process.became = made.get(life.became) if life.became else None
        _register(shop, life, process)
    if main is not None:
        made[main].role = Role.MAIN
    for found in shop.by_pid.values():
        found.sort(key=lambda process: process.started_ns)


def _register(shop: Workshop, life: Life, process: Process) -> None:
    shop.run.processes.append(process)
    shop.lives[process] = life
    shop.by_pid.setdefault(process.pid, []).append(process)
    if life.file is not None:
        shop.by_file[process.pid, life.file.opened_ns] = process


def _first(shop: Workshop, lives: list[Life]) -> Life | None:
    """Return the life of the job's first process: the one the launcher names, else the first that began."""
    pid = shop.recording.meta.get("main")
    return next((life for life in lives if life.pid == pid), lives[0] if lives else None)


def _process(number: str, life: Life) -> Process:
    process = Process(number, life.pid, started_ns=life.begun_ns)
    if life.seen is not None:
        process.ppid = int(life.seen.fields["ppid"])
        process.command = str(life.seen.fields["command"])
    if life.exited is not None:
        process.ended_ns = life.exited.at_ns
    head = life.file.head if life.file else None
    if head is not None:
        process.ppid = head.header[layout.H_PPID]
        process.python = _version(head.header[layout.H_PYTHON])
    process.traced = life.file is not None or life.marked
    if not process.traced and life.seen is not None:
        process.why_untraced = str(life.seen.fields["why_untraced"]) or _why_untraced(process.command)
    return process


def _why_untraced(command: str) -> str:
    """Say what may have kept the agent out, by the options of a Python."""
    for word in command.split()[1:]:
        if not word.startswith("-") or word in ("-c", "-m"):
            break
        flags = [flag for flag in "IES" if flag in word and not word.startswith("--")]
        if flags:
            return f"it was started with -{flags[0]}, which keeps the agent out"
    return "the agent did not start in it"


def _version(hexversion: int) -> str:
    return f"{hexversion >> 24 & 0xFF}.{hexversion >> 16 & 0xFF}.{hexversion >> 8 & 0xFF}" if hexversion else ""


def build_family(shop: Workshop) -> None:
    """Find out what each process is: first as it says itself, then as its parent says; parents last."""
    told = [(process, event) for process in list(shop.run.processes) for event in shop.told(process, *_TELLING)]
    for process, event in told:
        _take_own(process, event)
    for process, event in told:
        if event.kind is processes.STARTED:
            _take_started(shop, process, event)
        elif event.kind in (processes.SPAWNED, processes.FORKED):
            _take_program(shop, process, event)
    for process in shop.run.processes:
        if process.became is not None:
            _take_over(process, process.became)
    for process in shop.run.processes:
        _link(shop, process)
    for process in shop.run.processes:
        _settle_role(process)
        process.name = process.name or _name(process)
        process.start_method = process.start_method or _start_method(process)


def _take_own(process: Process, event: Event) -> None:
    if event.kind is processes.BOOTED:
        process.command = event.text("argv") or process.command
        process.python = event.text("version") or process.python
    elif event.kind is processes.RUNNING:
        _take_running(process, event)
    elif event.kind is tasks.WORKER:
        process.name = process.name or event.text("name")
        process.role = Role.WORKER


def _take_running(process: Process, event: Event) -> None:
    process.name, process.target = event.text("name"), event.text("target")
    process.daemon = bool(event.number("daemon"))
    process.start_method = event.text("start_method")
    if event.text("target_file"):
        process.target_site = Site(event.text("target_file"), event.number("target_line"), process.target)
    if process.role is not Role.WORKER:
        process.role = Role.MANAGER if process.target.endswith("_run_server") else Role.CHILD


def _take_started(shop: Workshop, parent: Process, event: Event) -> None:
    child = _forked(shop, parent, event) or shop.started_by(event.number("child"), event.at_ns, event.number("took_ns"))
    if child is None or child is parent:
        child = _unseen(shop, event)
    child.parent = None if _descends_from(parent, child) else parent
    child.name = child.name or event.text("name")
    child.target = child.target or event.text("target")
    child.start_method = event.text("start_method") or child.start_method
    child.daemon = bool(event.number("daemon"))
    child.start_site = event.program_site
    if child.role is Role.CHILD and child.target.endswith("_run_server"):
        child.role = Role.MANAGER


def _forked(shop: Workshop, parent: Process, event: Event) -> Process | None:
    """Return the child that says itself that it was forked here; on a busy machine it may have ended before its parent told of it."""
    known = shop.by_pid.get(event.number("child"), [])
    mine = (child for child in reversed(known) if child.forked_from is parent and child.parent is None)
    return next((child for child in mine if child.started_ns <= event.at_ns), None)


def _unseen(shop: Workshop, event: Event) -> Process:
    """Make a process that nobody but its parent told of."""
    pid = event.number("child")
    child = Process(f"p{len(shop.run.processes) + 1}", pid, started_ns=event.at_ns, traced=False)
    child.why_untraced = UNSEEN
    _register(shop, Life(pid, event.at_ns), child)
    shop.by_pid[pid].sort(key=lambda process: process.started_ns)
    return child


def _take_program(shop: Workshop, parent: Process, event: Event) -> None:
    child = shop.started_by(event.number("child"), event.at_ns)
    if child is None or child.parent is not None or _descends_from(parent, child):
        return
    child.parent = parent
    child.start_site = event.program_site
    child.command = child.command or event.text("command")
    if not child.target and child.role is Role.CHILD:
        child.role = Role.PROGRAM


def _take_over(before: Process, after: Process) -> None:
    """After an exec, the pid is another program with the same parent."""
    after.parent = None if _descends_from(before.parent, after) else before.parent
    after.start_site = before.start_site
    if after.role is Role.CHILD and not after.target:
        after.role = Role.PROGRAM


def _link(shop: Workshop, process: Process) -> None:
    """Find the parent by its pid where nobody claimed the child, and note the child there."""
    if process.parent is None and process.role is not Role.MAIN:
        known = shop.by_pid.get(process.ppid, [])
        earlier = [parent for parent in known if parent.started_ns <= process.started_ns and parent is not process]
        process.parent = process.forked_from or (earlier[-1] if earlier else None)
    if process.parent is not None and _descends_from(process.parent, process):
        process.parent = None  # only in a damaged recording
    if process.parent is not None:
        process.parent.children.append(process)


def _descends_from(process: Process | None, ancestor: Process) -> bool:
    while process is not None:
        if process is ancestor:
            return True
        process = process.parent
    return False


def _settle_role(process: Process) -> None:
    if process.role is not Role.CHILD or process.target or process.start_method:
        return
    forked = process.forked_from is not None or (process.parent is not None and process.parent.command == process.command)
    if TRACKER_COMMAND in process.command and not forked:
        process.role = Role.TRACKER
    elif FORKSERVER_COMMAND in process.command and not forked:
        process.role = Role.FORKSERVER
    elif SPAWN_COMMAND not in process.command and not (process.parent and process.parent.role is Role.FORKSERVER):
        process.role = Role.PROGRAM


def _name(process: Process) -> str:
    if process.role is Role.MAIN:
        return "MainProcess"
    if process.role.is_service:
        return str(process.role.value)
    if process.role is not Role.PROGRAM:
        return f"{process.role.value} {process.pid}"
    return f"fork of {process.forked_from.name or process.forked_from.pid}" if process.forked_from else _program(process.command)


def _program(command: str) -> str:
    """Return how a command line would be called: the script of a Python, else the program."""
    words = command.split()
    if not words:
        return "program"
    script = next((word for word in words[1:] if word.endswith(".py")), "") if "python" in words[0] else ""
    return os.path.basename(script or words[0])


def _start_method(process: Process) -> str:
    if process.role in (Role.MAIN, Role.PROGRAM) or process.role.is_service:
        return ""
    if process.forked_from is None:
        return "spawn" if process.traced else ""
    return "forkserver" if process.forked_from.role is Role.FORKSERVER else "fork"
