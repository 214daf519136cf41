"""What was seen from outside, by the launcher or by attach: 200 to 229. Written to observer.log."""

from ..event import INT, TEXT, declare

SEEN = declare(
    200, "seen.process", "a process of the job was first seen; start: its start time in clock ticks since boot",
    pid=INT, ppid=INT, start=INT, command=TEXT, executable=TEXT, why_untraced=TEXT,
)  # fmt: skip
EXITED = declare(
    201, "seen.exit", "a process ended; status: -N for signal N, or -1000 if unknown; how: who told us",
    pid=INT, status=INT, how=TEXT, core=INT,
)  # fmt: skip
MEMORY = declare(202, "seen.memory", "memory of a process", pid=INT, rss=INT, shm_free=INT, files=INT)
OOM = declare(203, "seen.oom", "the out-of-memory counter of the job's cgroup", kills=INT, limit=INT, usage=INT, cgroup=TEXT)
THREAD = declare(
    204, "seen.thread", "one look at one thread: what /proc says; switches: context switches, both kinds",
    moment=INT, pid=INT, thread=INT, state=TEXT, switches=INT, syscall=TEXT, wchan=TEXT, cpu_ticks=INT,
)  # fmt: skip
FRAME = declare(
    205, "seen.frame", "one frame of a thread's stack, innermost first (depth 0); thread: its native id, or minus its ident if only that is known",
    moment=INT, pid=INT, thread=INT, depth=INT, file=TEXT, line=INT, function=TEXT, locals=TEXT, thread_name=TEXT,
)  # fmt: skip
MOMENT = declare(206, "seen.moment", "heads of all recorder files were copied to moments/NNNN", moment=INT, why=TEXT)
PIPE_END = declare(
    207, "seen.pipe_end", "a process has an end of a pipe or socket open", moment=INT, pid=INT, fd=INT, key=INT, readable=INT,
    writable=INT, queued=INT, peer=INT,
)  # fmt: skip
SEMAPHORE = declare(
    208, "seen.semaphore", "value of a semaphore, and of the process's own copy", moment=INT, pid=INT, key=INT, value=INT,
    count=INT, owner=INT, maximum=INT, kind=INT,
)  # fmt: skip
SIGNAL = declare(209, "seen.signal", "a signal that the launcher got and passed on", signal=INT, sender=INT)
TOLD = declare(210, "seen.told", "a finding was explained while the job ran", moment=INT, rule=TEXT, verdict=TEXT, title=TEXT)
ENDED = declare(211, "seen.end", "the job's first process ended and the launcher stopped watching", status=INT, left=TEXT)
PAUSED = declare(212, "seen.pause", "how long reading stopped a process", pid=INT, took_ns=INT)
NOT_SEEN = declare(213, "seen.not", "something could not be looked at", pid=INT, what=TEXT, why=TEXT)
LOCK_OWNER = declare(
    214, "seen.mutex", "a threading lock as read from memory", moment=INT, pid=INT, key=INT, owner=INT, locked=INT
)
NATIVE = declare(215, "seen.signals", "signal masks of a process", moment=INT, pid=INT, blocked=INT, ignored=INT, caught=INT)
POLLED = declare(
    216, "seen.polled", "one of the several things that a thread waits for at once", moment=INT, pid=INT, thread=INT, fd=INT,
    family=INT, key=INT,
)  # fmt: skip
OUTSIDER = declare(
    217, "seen.outsider", "a process that is not of the job can end waits for a pipe or semaphore of it",
    moment=INT, pid=INT, family=INT, key=INT, command=TEXT,
)  # fmt: skip
LOCK_LOST = declare(
    218, "seen.lock_lost", "a lock is taken, and none of the living processes that have it counts it as its own; pid: of the dead",
    moment=INT, pid=INT, key=INT, processes=INT, unread=INT,
)  # fmt: skip
LOCK_HOLDER = declare(
    219, "seen.lock_holder", "a thread (thread: its native id, 0 if it has none here) has a threading lock: the lock says so, or a frame, or only the text",
    moment=INT, pid=INT, key=INT, ident=INT, thread=INT, how=TEXT, file=TEXT, line=INT, function=TEXT,
)  # fmt: skip
LOCK_WAIT = declare(
    220, "seen.lock_wait", "a thread waits, without a timeout, for a threading lock that was found in memory",
    moment=INT, pid=INT, thread=INT, key=INT, since=INT, lock=TEXT, name=TEXT,
)  # fmt: skip
EFFORT = declare(
    221, "seen.effort", "what a process has worked so far; runnable: its threads that ran or would have, over all rounds at which it was busy; delay: how long its main thread waited for a core, -1000 if not known",
    pid=INT, cpu_ms=INT, delay_ms=INT, threads=INT, rounds=INT, runnable=INT,
)  # fmt: skip
COPIED = declare(
    222, "seen.copied", "memory of a forked process: resident, its own (written to since the fork), shared with others",
    pid=INT, rss=INT, own=INT, shared=INT,
)  # fmt: skip
SPINNING = declare(
    230, "seen.spinning", "a thread polls in native code for other threads of a library (library: of which), at two looks; polling: the innermost function",
    moment=INT, pid=INT, thread=INT, library=TEXT, function=TEXT, polling=TEXT,
)  # fmt: skip
INSIDE = declare(
    224, "seen.inside", "a process told of itself, by a script that it ran (attach --inside); what: frame, task, object, trouble",
    moment=INT, pid=INT, thread=INT, what=TEXT, text=TEXT, file=TEXT, line=INT, function=TEXT,
)  # fmt: skip
NATIVE_WAIT = declare(
    223, "seen.native_wait", "a thread blocks in native code; owner: whose its mutex is, by native id, 0 if it does not say",
    moment=INT, pid=INT, thread=INT, key=INT, owner=INT, library=TEXT, function=TEXT,
)  # fmt: skip
