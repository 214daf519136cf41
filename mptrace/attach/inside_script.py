"""What a process of Python 3.14 or later is asked to run by ``attach --inside``: it tells what its objects are, and leaves no trace.

The text of this file, and a line that calls `tell`, is what `sys.remote_exec` is given. It imports nothing (a finder of the
program's would see it), starts nothing, calls no method of the program's objects, and ends after LONGEST_NS. It writes a tuple a
line, as repr() does: (kind, thread's native id, text, file, line, function). A signal handler of the program's that raises while it
runs would raise into it, and not into the program: the caller lets that signal be handled once more, when the script has ended.
"""
# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201, ANN202 - its text is run as it stands, in processes of the program

import sys

LONGEST_NS, MOST_BLOCKS, MOST_LINES = 300_000_000, 4_000_000, 4000
"""How long it may hold up the process; how many blocks of memory it may have, for its objects to be looked through; lines."""

LIBRARY = ("/asyncio/", "<frozen", "/threading.py", "/multiprocessing/", "/concurrent/futures/")


def tell(path, until_ns):
    """Write what there is to tell to ``path``, if it is not too late: who asked has gone on after ``until_ns``.

    Return the signals whose handlers raised meanwhile; nothing is raised, nor told on the program's stderr.
    """
    try:
        if not _late(until_ns):
            _write(path, _lines())
    except BaseException as raised:
        return _signals_behind(raised)
    return []


def _signals_behind(raised):
    """Return the signal whose handler raised this, if one did: the first function outside of this script was called with its number."""
    trace = raised.__traceback__
    while trace is not None and trace.tb_frame.f_globals is globals():
        trace = trace.tb_next
    if trace is None:  # the handler of SIGINT that Python has by itself is no Python function
        return [2] if isinstance(raised, KeyboardInterrupt) else []
    return [value for value in _arguments(trace.tb_frame) if type(value) is int and 0 < value < 65 and _handled(value)][:1]


def _arguments(frame):
    code, found = frame.f_code, []
    for name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + (code.co_flags & 4 == 4)]:
        value = frame.f_locals.get(name)
        found += value if type(value) is tuple else [value]
    return found


def _handled(number):
    return callable(sys.modules["_signal"].getsignal(number))


def _lines():
    begun_ns, lines = sys.modules["time"].monotonic_ns(), []
    for part in (_frames, _tasks, _objects):
        try:
            for line in part(begun_ns + LONGEST_NS):
                lines.append(repr(line))
                if len(lines) >= MOST_LINES:
                    break
        except Exception as trouble:
            if _signals_behind(trouble):
                raise
            lines.append(repr(("trouble", 0, f"{part.__name__}: {type(trouble).__name__}", "", 0, "")))
    return [*lines, repr(("end", 0, str(sys.modules["time"].monotonic_ns() - begun_ns), "", 0, ""))]


def _write(path, lines):
    posix = sys.modules["posix"]
    number = posix.open(path + ".part", posix.O_WRONLY | posix.O_CREAT | posix.O_EXCL | posix.O_CLOEXEC, 0o600)
    data, at = "\n".join(lines).encode("utf-8", "backslashreplace"), 0
    try:
        while at < len(data):
            at += posix.write(number, data[at : at + 65536])
    finally:
        posix.close(number)
    posix.rename(path + ".part", path)


def _late(until_ns):
    return sys.modules["time"].monotonic_ns() > until_ns


# -- threads


def _frames(until_ns):
    """Yield the frames of all threads, innermost first, with what their variables hold."""
    threading = sys.modules.get("threading")
    threads = dict(threading._active) if threading else {}
    here = sys._getframe()
    for ident, innermost in sys._current_frames().items():
        thread, frame = threads.get(ident), innermost
        native = getattr(thread, "_native_id", None) or 0
        while frame is not None and not _late(until_ns):
            if frame.f_globals is not here.f_globals:
                code = frame.f_code
                yield "frame", native, _locals(frame), code.co_filename, frame.f_lineno or 0, code.co_qualname
            frame = frame.f_back


def _locals(frame):
    shown = [f"{name}={_short(value)}" for name, value in list(frame.f_locals.items())[:20] if name != "__builtins__"]
    return ", ".join(shown)[:500] if frame.f_code.co_name != "<module>" else ""


def _short(value):
    """Return a value as a text, without calling anything of the program's."""
    kind = type(value)
    if kind is int and value.bit_length() > 128:  # it may be too long for repr()
        return f"int of {value.bit_length()} bits"
    if kind in (int, float, bool, type(None)):
        return repr(value)[:40]
    if kind in (str, bytes):
        return repr(value[:40])
    if kind in (list, tuple, dict, set, frozenset, bytearray):
        return f"{kind.__name__} of {len(value)}"
    return f"<{kind.__name__}>"


# -- tasks of asyncio


def _tasks(until_ns):
    """Yield the tasks of the loop that runs here, each with the innermost line that it waits at, and for what."""
    asyncio = sys.modules.get("asyncio")
    loop = asyncio._get_running_loop() if asyncio and hasattr(asyncio, "_get_running_loop") else None
    for task in list(asyncio.all_tasks(loop)) if loop is not None else ():
        if _late(until_ns):
            return
        if type(task).__module__ in ("_asyncio", "asyncio.tasks"):
            yield _task(task)


def _task(task):
    where, what, at = None, task.get_coro(), None
    for _ in range(100):
        frame, behind = _suspended(what)
        if frame is None:
            break
        at = frame if at is None or not any(part in frame.f_code.co_filename for part in LIBRARY) else at
        where, what = frame, behind
    said = f"{task.get_name()} waits in {where.f_code.co_qualname}()" if where is not None else task.get_name()
    if at is None:
        return "task", 0, said, "", 0, ""
    return "task", 0, said, at.f_code.co_filename, at.f_lineno or 0, at.f_code.co_qualname


def _suspended(what):
    """Return the frame of a coroutine or generator and what that waits for; an object of the program's own is not asked."""
    types = sys.modules["types"]
    if type(what) is types.CoroutineType:
        return what.cr_frame, what.cr_await
    if type(what) is types.GeneratorType:
        return what.gi_frame, what.gi_yieldfrom
    return None, None


# -- objects of multiprocessing and threading


def _objects(until_ns):
    """Yield the state of locks, queues, pools and executors."""
    if sys.getallocatedblocks() > MOST_BLOCKS:
        yield "trouble", 0, f"more than {MOST_BLOCKS} objects: they were not looked through", "", 0, ""
        return
    tellers = [(kind, teller) for module, name, teller in _TELLERS if (kind := _class(module, name)) is not None]
    names = _global_names()
    for number, one in enumerate(_gc().get_objects() if tellers else ()):
        if number % 1000 == 0 and _late(until_ns):
            yield "trouble", 0, "the time was up before all objects were looked through", "", 0, ""
            return
        for kind, teller in tellers:
            said = teller(one, names.get(id(one), "")) if type(one) is kind else ""
            if said:
                yield "object", 0, said, "", 0, ""


def _gc():
    """Return the module gc, without making it one of the program's."""
    if "gc" in sys.modules:
        return sys.modules["gc"]
    importer, imp = sys.modules["_frozen_importlib"], sys.modules["_imp"]
    made = imp.create_builtin(importer.ModuleSpec("gc", importer.BuiltinImporter))
    imp.exec_builtin(made)
    return made


def _class(module, name):
    return getattr(sys.modules.get(module), name, None)


def _global_names():
    main = sys.modules.get("__mp_main__") or sys.modules.get("__main__")
    return {id(value): name for name, value in vars(main).items() if not name.startswith("__")} if main else {}


def _named(one, name):
    return f"{type(one).__name__} {name}".strip()


def _lock(one, name):
    """Say who has a lock; nothing of one that is free and has no name."""
    lock = one._semlock
    if not name and lock._count() <= 0:
        return ""
    holder = f"taken {lock._count()} times here" if lock._count() > 0 else "not held here"
    mine = ", by the main thread" if lock._count() > 0 and lock._is_mine() else ""
    return f"{_named(one, name)}: value {lock._get_value()} of {lock.maxvalue}, {holder}{mine}"


def _queue(one, name):
    return f"{_named(one, name)}: {len(one._buffer)} items not yet written, room for {one._maxsize}"


def _pool(one, name):
    return f"{_named(one, name)}: {one._state}, {len(one._pool)} workers, {len(one._cache)} jobs without a result"


def _executor(one, name):
    workers, broken = one._processes, ", broken" if one._broken else ""
    count = len(workers) if workers is not None else 0
    return f"{_named(one, name)}: {count} workers, {len(one._pending_work_items)} calls not done{broken}"


def _rlock(one, name):
    if not repr(one).startswith("<locked"):
        return ""
    return f"{_named(one, name)}: {repr(one)[1:].partition(' at ')[0].replace('_thread.RLock object ', '')}"


_SYNC = "multiprocessing.synchronize"
_TELLERS = (
    (_SYNC, "Lock", _lock),
    (_SYNC, "RLock", _lock),
    (_SYNC, "Semaphore", _lock),
    (_SYNC, "BoundedSemaphore", _lock),
    ("multiprocessing.queues", "Queue", _queue),
    ("multiprocessing.queues", "JoinableQueue", _queue),
    ("multiprocessing.pool", "Pool", _pool),
    ("concurrent.futures.process", "ProcessPoolExecutor", _executor),
    ("_thread", "RLock", _rlock),
)
