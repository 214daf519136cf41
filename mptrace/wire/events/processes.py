"""Events of a process's life: 1 to 29."""

from ..event import INT, TEXT, declare

BOOTED = declare(
    1, "process.booted", "the agent began to record in this process",
    how=TEXT,  # exec | fork
    executable=TEXT, version=TEXT, argv=TEXT, cwd=TEXT, main=TEXT, start_method=TEXT, uid=INT,
)  # fmt: skip
RUNNING = declare(
    2, "process.running", "a multiprocessing.Process runs here (in the child)",
    name=TEXT, target=TEXT, daemon=INT, start_method=TEXT, target_file=TEXT, target_line=INT,
)  # fmt: skip
STARTED = declare(
    3, "process.started", "a child process was started (in the parent)",
    child=INT, name=TEXT, target=TEXT, daemon=INT, start_method=TEXT, site=INT, stack=INT, took_ns=INT,
)  # fmt: skip
START_FAILED = declare(
    4, "process.start_failed", "Process.start raised (in the parent)",
    name=TEXT, target=TEXT, start_method=TEXT, error=TEXT, message=TEXT, site=INT, stack=INT,
)  # fmt: skip
RETURNED = declare(5, "process.returned", "Process._bootstrap returned in the child", code=INT)
REAPED = declare(
    6, "process.reaped", "the parent learned how a child ended; code as Process.exitcode (-N: signal)",
    child=INT, code=INT, how=TEXT, site=INT,
)  # fmt: skip
SIGNALLED = declare(7, "process.signalled", "this process sent a signal", child=INT, signal=INT, call=TEXT, site=INT, stack=INT)
HARD_EXIT = declare(8, "process.hard_exit", "os._exit was called by the program", code=INT, site=INT, stack=INT)
EXITING = declare(9, "process.exiting", "the interpreter's exit handlers began", code=INT)
SYSTEM_EXIT = declare(
    10, "process.system_exit", "SystemExit ended a multiprocessing.Process", code=INT, message=TEXT, site=INT, stack=INT
)
EXEC = declare(11, "process.exec", "this process is about to become another program", path=TEXT, site=INT)
EXIT_CODE_READ = declare(12, "process.exit_code_read", "the program looked at a child's exitcode", child=INT, site=INT)
FORKED = declare(13, "process.forked", "this process forked (os.fork, or under it)", child=INT, threads=TEXT, site=INT, stack=INT)
FORK_THREADS = declare(14, "process.fork_threads", "threads of the parent that this forked child does not have", threads=TEXT)
JOINED = declare(15, "process.joined", "Process.join returned; done 0: its timeout ran out", child=INT, done=INT, site=INT)
SPAWNED = declare(
    16, "process.spawned", "subprocess.Popen or os.posix_spawn started a program", child=INT, command=TEXT, site=INT
)
FORK_THREAD = declare(
    18, "process.fork_thread", "where a thread of the parent was just before the fork, which this forked child does not have",
    thread=INT, name=TEXT, site=INT, stack=INT,
)  # fmt: skip
BOOTSTRAP_PHASE = declare(
    17, "process.phase", "a spawned child reached a phase of its start: main imported, or the error that ended it",
    phase=TEXT, error=TEXT,
)  # fmt: skip
IMPORTED = declare(
    20, "process.imported", "modules that a spawned child had imported before it ran, if that took long; packages: of whom the most are; delay: waits for a core",
    modules=INT, packages=TEXT, delay_ms=INT,
)  # fmt: skip
ASKED_TO_END = declare(
    21, "process.asked_to_end", "seen from outside: it has sent a signal to a child and waits for it; how: pending (it lies there still), text (the program says so)",
    child=INT, signal=INT, how=TEXT, call=TEXT, site=INT,
)  # fmt: skip
HANDLER = declare(
    19, "process.handler", "the program set a handler for a signal (none: took it away); wakes 1: it may end somebody's wait",
    signal=INT, handler=TEXT, wakes=INT, site=INT,
)  # fmt: skip
TIMER = declare(
    39, "process.timer", "the program set a timer that sends it a signal: ms until it comes, 0 for one that was put out; every 1: again and again",
    signal=INT, ms=INT, every=INT,
)  # fmt: skip
