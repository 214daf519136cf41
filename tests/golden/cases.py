"""Runs and findings written by hand: what the formats are shown, without a single process."""

from __future__ import annotations

from dataclasses import dataclass

from mptrace.diagnose.engine import Diagnosis, Unchecked
from mptrace.diagnose.finding import Evidence, Finding, Place, Severity, Step, Verdict
from mptrace.model.completeness import Completeness, Lost
from mptrace.model.event import Event
from mptrace.model.moment import Doing, Hold, Moment, Wait
from mptrace.model.process import Exit, Process, Role, Thread, ThreadRole
from mptrace.model.resource import Resource
from mptrace.model.run import Meta, Run
from mptrace.model.site import Site
from mptrace.wire import resource as families
from mptrace.wire import wait as kinds
from mptrace.wire.events import failures

HOME = "/home/ann/job"
START = 1_000_000_000_000
WALL = 1_767_621_720_000_000_000  # 2026-01-05 14:02:00 UTC


@dataclass
class Case:
    """One run with its diagnosis; ``live``: its first finding is also told as it is while the job hangs."""

    run: Run
    diagnosis: Diagnosis
    live: bool = True


def s(seconds: float) -> int:
    """Return an instant, so many seconds after the start."""
    return START + round(seconds * 1e9)


def at(file: str, line: int, function: str = "work") -> Site:
    return Site(file if file.startswith("/") else f"{HOME}/{file}", line, function)


def process(number: int, name: str, role: Role = Role.CHILD, **fields: object) -> Process:
    """Return a process with its main thread."""
    made = Process(f"p{number}", 4118 + number, 4119, name, role, started_ns=s(0.1 * number))
    for key, value in fields.items():
        setattr(made, key, value)
    made.threads.append(Thread(made, made.pid, "MainThread", ThreadRole.MAIN))
    if made.parent:
        made.parent.children.append(made)
    return made


def main_process(**fields: object) -> Process:
    return process(1, "MainProcess", Role.MAIN, **fields)


def thread(of: Process) -> Thread:
    assert of.main_thread is not None
    return of.main_thread


def run_of(script: str, processes: list[Process], **meta: object) -> Run:
    """Return a run of a script by Ann, on Python 3.11.7, under spawn, ended by Ctrl-C after 41.2 s."""
    fields = {
        "command": ("python", script), "script": f"{HOME}/{script}", "python": "3.11.7 /usr/bin/python3", "host": "host",
        "cwd": HOME, "start_ns": START, "start_wall_ns": WALL, "end_ns": s(41.2), "status": 130, "ended_by": "Ctrl-C",
        "start_method": "spawn", "path": f"{HOME}/.mptrace/{script[:-3]}-1402-4119",
    }  # fmt: skip
    return Run(Meta(**{**fields, **meta}), processes)  # type: ignore[arg-type]


def lock(number: int, name: str, line: int) -> Resource:
    return Resource(f"r{number}", families.SEM, number, "Lock", name, at("train.py", line, "<module>"))


def lock_cycle_of_two() -> Case:
    main = main_process()
    one, two = process(2, "loader-1", parent=main), process(3, "loader-2", parent=main)
    pool = Resource("r3", families.OBJECT, 3, "Pool", "pool", at("train.py", 40, "<module>"))
    idle = [process(4 + n, f"SpawnPoolWorker-{3 + n}", Role.WORKER, parent=main, pool=pool) for n in range(4)]
    tasks = Resource("r4", families.SEM, 4, "Lock", owner=pool, role="_rlock")
    stats, cache = lock(1, "stats", 31), lock(2, "cache", 32)
    run = run_of("train.py", [main, one, two, *idle])
    run.resources += [stats, cache, pool, tasks]
    run.sources = {f"{HOME}/train.py": [""] * 30 + ["stats = Lock()", "    cache = Lock()"]}
    waits = [
        Wait(thread(main), kinds.REAP, one, s(9.3), site=at("train.py", 88)),
        Wait(
            thread(one),
            kinds.ACQUIRE,
            cache,
            s(9.1),
            site=at("loader.py", 57),
            stack=(at("loader.py", 57), at("loader.py", 12, "run")),
        ),
        Wait(thread(two), kinds.ACQUIRE, stats, s(9.15), site=at("loader.py", 81), stack=(at("loader.py", 81),)),
        *(Wait(thread(each), kinds.ITEM, tasks, s(8.0 + n / 10)) for n, each in enumerate(idle)),
    ]
    holds = [Hold(thread(one), stats, s(9.0)), Hold(thread(two), cache, s(9.02))]
    run.moments = [
        Moment(1, s(18.8), waits=waits, holds=holds, processes=run.processes),
        Moment(0, s(41.2), final=True),
    ]
    for each in run.processes:
        each.ended_ns, each.exit = s(41.1), Exit(signal=2, by="outside")
    cycle = Finding(
        "loader-1 and loader-2 wait for each other's lock",
        steps=(
            Step("took  stats", one, s(9.0), at("loader.py", 55)),
            Step("took  cache", two, s(9.02), at("loader.py", 79)),
            Step("wants cache", one, s(9.1), at("loader.py", 57)),
            Step("wants stats", two, s(9.15), at("loader.py", 81)),
        ),
        why="Neither wait has a timeout, and nobody else holds either lock.",
        also=(Step("in join() of loader-1", main, s(9.3), at("train.py", 88)),),
        fix="take the two locks in the same order everywhere: stats before cache at",
        fix_at=at("loader.py", 79),
        processes=(one, two),
        resources=(stats, cache),
        places=(Place("waiter", at("loader.py", 57), one), Place("waiter", at("loader.py", 81), two)),
        evidence=(Evidence("p2:1042", "loader-1 took stats"), Evidence("p3:wait 4121", "loader-2 waits for stats")),
        moment=1,
        rule="lock-cycle",
    )
    slow = Finding(
        "4 workers spent 61 % of their life importing torch", Verdict.LIKELY, rule="slow-start", severity=Severity.HINT,
        fix="import torch in the function that needs it", fix_at=at("train.py", 3), processes=tuple(idle),
    )  # fmt: skip
    return Case(run, Diagnosis([cycle, slow]))


def lock_cycle_of_three() -> Case:
    main = main_process()
    three = [process(2 + n, f"worker-{n + 1}", parent=main) for n in range(3)]
    locks = [lock(1 + n, name, 10 + n) for n, name in enumerate("abc")]
    run = run_of("ring.py", [main, *three], end_ns=None, status=None, ended_by="", start_method="fork")
    waits = [Wait(thread(each), kinds.ACQUIRE, locks[(n + 1) % 3], s(3), site=at("ring.py", 21)) for n, each in enumerate(three)]
    holds = [Hold(thread(each), locks[n], s(2)) for n, each in enumerate(three)]
    run.moments = [Moment(1, s(4.5), waits=waits, holds=holds, processes=run.processes)]
    run.completeness.ended_watch = False
    finding = Finding(
        "worker-1, worker-2 and worker-3 wait for each other's locks",
        steps=(
            *(Step(f"took  {locks[n].name}", each, s(2 + n / 10), at("ring.py", 19)) for n, each in enumerate(three)),
            *(Step(f"wants {locks[(n + 1) % 3].name}", each, s(3 + n / 10), at("ring.py", 21)) for n, each in enumerate(three)),
        ),
        why="None of the waits has a timeout, and nobody else holds any of the locks.",
        fix="take the locks in the same order everywhere, for instance sorted by their number, at",
        fix_at=at("ring.py", 19),
        processes=tuple(three),
        resources=tuple(locks),
        moment=1,
        rule="lock-cycle",
    )
    return Case(run, Diagnosis([finding]))


def self_deadlock() -> Case:
    main = main_process()
    child = process(2, "Process-1", parent=main)
    guard = Resource("r1", families.SEM, 1, "Lock", "guard", at("count.py", 4, "<module>"))
    run = run_of("count.py", [main, child], start_method="fork")
    run.moments = [
        Moment(
            1, s(3), waits=[Wait(thread(child), kinds.ACQUIRE, guard, s(1.5), site=at("count.py", 9)),
                            Wait(thread(main), kinds.REAP, child, s(1.2), site=at("count.py", 20))],
            holds=[Hold(thread(child), guard, s(1.4), at("count.py", 14))], processes=[main, child],
        )
    ]  # fmt: skip
    finding = Finding(
        "Process-1 waits for guard, which it holds itself",
        steps=(
            Step("took guard", child, s(1.4), at("count.py", 14, "add")),
            Step("wants guard again", child, s(1.5), at("count.py", 9, "bump")),
        ),
        why="A Lock is not recursive: whoever holds it waits for itself, and the wait has no timeout.",
        also=(Step("in join() of Process-1", main, s(1.2), at("count.py", 20)),),
        fix="make guard an RLock, or take it in add() only, at",
        fix_at=at("count.py", 4),
        processes=(child,),
        resources=(guard,),
        moment=1,
        rule="self-deadlock",
    )
    return Case(run, Diagnosis([finding]))


def dead_pool_worker() -> Case:
    main = main_process()
    pool = Resource("r1", families.OBJECT, 1, "Pool", "pool", at("main.py", 12, "main"))
    workers = [process(2 + n, f"ForkPoolWorker-{n + 1}", Role.WORKER, parent=main, pool=pool) for n in range(8)]
    dead = workers[2]
    dead.ended_ns, dead.exit = s(31.8), Exit(signal=9, by="outside", at_ns=s(31.8), seen_by="observer")
    tasks = Resource("r2", families.SEM, 2, "Lock", owner=pool, role="_rlock")
    run = run_of("main.py", [main, *workers], start_method="fork", status=137, ended_by="")
    waits = [
        Wait(thread(main), kinds.RESULT, pool, s(1), site=at("main.py", 14), method="map"),
        *(Wait(thread(each), kinds.ITEM, tasks, s(32 + n / 4)) for n, each in enumerate(workers) if each is not dead),
    ]
    doings = [Doing(thread(dead), pool, 1, 17, "resize('img/0172.png')", s(31.4))]
    run.moments = [Moment(1, s(40), waits=waits, doings=doings, processes=[main, *workers])]
    killed = Finding(
        "ForkPoolWorker-3 was killed by SIGKILL from outside the job", Verdict.PROVEN, rule="killed-by-signal",
        processes=(dead,), explained_by="pool-worker-died",
    )  # fmt: skip
    finding = Finding(
        "resize('img/0172.png') will never finish",
        steps=(
            Step("was killed by SIGKILL, 0.4 s into that task", dead, s(31.8), at("images.py", 22)),
            Step("waits in pool.map() for its result", main, s(31.8), at("main.py", 14)),
        ),
        why="A Pool starts a new worker, but never hands a lost task out again.",
        fix="ProcessPoolExecutor raises BrokenProcessPool instead of waiting; use it, or fewer workers than Pool(16) at",
        fix_at=at("main.py", 12),
        processes=(dead, main),
        resources=(pool,),
        details=('Traceback (most recent call last):\n  File "images.py", line 22, in resize\n    tiles = load(path)\nMemoryError',
                 "80 MB ▁▁▂▃▅▇█ 1.9 GB"),
        evidence=(Evidence("o:17", "pid 4122 ended by SIGKILL"),),
        moment=1,
        rule="pool-worker-died",
        children=[killed],
    )  # fmt: skip
    return Case(run, Diagnosis([finding]))


def pickle_failure() -> Case:
    main = main_process()
    worker = process(2, "worker-2", parent=main)
    results = Resource("r1", families.OBJECT, 1, "Queue", "results", at("crawl.py", 8, "<module>"))
    run = run_of("crawl.py", [main, worker])
    worker.ended_ns, worker.exit = s(29.2), Exit(code=0)
    run.moments = [Moment(1, s(41), waits=[Wait(thread(main), kinds.ITEM, results, s(28.9), site=at("crawl.py", 60))])]
    finding = Finding(
        "worker-2 put a Page on `results` that was dropped",
        steps=(
            Step("results.put(page)", site=at("crawl.py", 41)),
            Step("  page.session.adapters['https://'].lock  <- a _thread.lock cannot be pickled"),
        ),
        why="put() had returned; the queue's feeder thread failed 2 ms later, and the item is gone:\n"
        "TypeError: cannot pickle '_thread.lock' object",
        also=(Step("waits in results.get()", main, s(28.9), at("crawl.py", 60)),),
        fix="put what the parent needs, not the page: page.text at",
        fix_at=at("crawl.py", 41),
        processes=(worker, main),
        resources=(results,),
        moment=1,
        rule="unpicklable-queue-item",
    )
    return Case(run, Diagnosis([finding]))


def seven_alike() -> Case:
    """Seven workers fail in the same way, one in its own."""
    main = main_process()
    workers = [process(2 + n, f"Process-{n + 1}", parent=main) for n in range(8)]
    run = run_of("batch.py", [main, *workers], status=0, ended_by="")
    for number, worker in enumerate(workers):
        worker.ended_ns, worker.exit = s(2 + number), Exit(code=1)
        odd = number == 5
        error = {"error": "OSError" if odd else "KeyError", "message": "[Errno 28] No space left" if odd else f"'row {number}'"}
        line = at("batch.py", 40 if odd else 17)
        run.events.append(Event(f"p{number + 2}:64", failures.UNCAUGHT, s(2 + number), worker, worker.pid, error, line))
    finding = Finding(
        "8 processes died of exceptions that nobody saw",
        steps=tuple(
            Step(
                "died of OSError: [Errno 28] No space left" if n == 5 else "died of a KeyError",
                each,
                s(2 + n),
                at("batch.py", 40 if n == 5 else 17),
            )
            for n, each in enumerate(workers)
        ),
        why="The job ended with 0, and nobody read their exit codes.",
        fix="check exitcode after join() at",
        fix_at=at("batch.py", 61),
        processes=tuple(workers),
        rule="uncaught-exception",
    )
    return Case(run, Diagnosis([finding]))


def untraced_and_lost() -> Case:
    main = main_process()
    isolated = process(2, "python3", Role.PROGRAM, parent=main, traced=False, why_untraced="started with -I")
    ffmpeg = process(3, "", Role.PROGRAM, parent=main, traced=False, why_untraced="", command="/usr/bin/ffmpeg -i a.mp4")
    tracker = process(4, "resource tracker", Role.TRACKER, parent=main)
    run = run_of("mix.py", [main, isolated, ffmpeg, tracker], end_ns=None, status=None, ended_by="")
    run.completeness = Completeness(
        Lost(records=1204, locks=3, torn=1, damaged_files=["4120-1.mpt"], probes_off=[("MainProcess", "queues: TypeError: f() takes no x")]),
        observed=True, ended_watch=False,
    )  # fmt: skip
    finding = Finding(
        "nothing has moved for 10 s", Verdict.LIKELY, rule="stalled", severity=Severity.HINT,
        steps=(Step("waits for data of pid 4120", main, s(3), at("mix.py", 5)),), processes=(main,), moment=1,
    )  # fmt: skip
    skipped = [
        Unchecked("lock-cycle", "recording of semlock was off"),
        Unchecked("queue-get-no-producer", "recording of queues was off"),
    ]
    return Case(run, Diagnosis([finding], skipped, [Unchecked("oom-killed", "KeyError: 'limit'")]))


def wide_names_and_long_paths() -> Case:
    main = main_process()
    long = "/srv/anna/" + "a-directory-with-quite-a-long-name/" * 3 + "module.py"
    one, two = process(2, "読み込み-1", parent=main), process(3, "Übergabe-2", parent=main)
    queue = Resource("r1", families.OBJECT, 1, "Queue", "очередь", at(long, 12, "<module>"))
    run = run_of("wide.py", [main, one, two])
    run.moments = [
        Moment(1, s(20), waits=[Wait(thread(one), kinds.ITEM, queue, s(5), site=at(long, 1234))], processes=[main, one, two])
    ]
    finding = Finding(
        "読み込み-1 waits for an item of очередь that nobody will put \x1b[31mred\x1b[0m",
        steps=(
            Step("waits in очередь.get()", one, s(5), at(long, 1234)),
            Step("put 3 items and ended — 終わり", two, s(6), at("wide.py", 9)),
        ),
        why="Übergabe-2 was the only one to put anything.\nIt has ended.",
        fix="put a sentinel at the end, and leave the loop when it comes, at",
        fix_at=at(long, 1240),
        processes=(one, two),
        resources=(queue,),
        moment=1,
        rule="queue-get-no-producer",
    )
    return Case(run, Diagnosis([finding]))


def nothing_found() -> Case:
    main = main_process()
    child = process(2, "Process-1", parent=main)
    for each in (main, child):
        each.ended_ns, each.exit = s(2), Exit(code=0)
    run = run_of("fine.py", [main, child], status=0, ended_by="", end_ns=s(2.1), start_method="fork")
    return Case(run, Diagnosis(), live=False)


def nothing_found_nobody_watched() -> Case:
    main = main_process()
    run = run_of("gone.py", [main], status=None, ended_by="", end_ns=None)
    run.completeness = Completeness(observed=False, ended_watch=False)
    run.moments = [Moment(0, s(12), final=True, processes=[main])]
    skipped = [
        Unchecked(rule, "nobody watched from outside")
        for rule in ("killed-by-signal", "oom-killed", "orphaned", "stalled", "zombie")
    ]
    return Case(run, Diagnosis(not_checked=skipped), live=False)


def only_hints() -> Case:
    """A healthy run that loses time."""
    main = main_process(ended_ns=s(41.2), exit=Exit(0))
    run = run_of("render.py", [main], status=0, ended_by="", start_method="fork")
    heavy = Finding(
        "MainProcess spent 12.4 s, 31 % of its life, on pickling: 412 messages of 8.1 MB through pool", rule="heavy-pickle",
        severity=Severity.HINT, processes=(main,), fix_at=at("render.py", 31),
        steps=(Step("pickled 412 messages, 3.3 GB in 12.4 s in Pool.imap()", main, None, at("render.py", 31)),),
        why="Pickling took 12.4 s in all; sending the bytes comes on top of that.",
        fix="send what all tasks need once, with the pool's initializer, or put it into shared_memory, instead of with each task at",
    )  # fmt: skip
    poll = Finding(
        "MainProcess asked 9,000 times in vain whether there was something to receive", rule="busy-poll", severity=Severity.HINT,
        processes=(main,), fix="wait instead of asking at", fix_at=at("render.py", 40),
    )  # fmt: skip
    return Case(run, Diagnosis([heavy, poll]))


def many_steps() -> Case:
    """A finding that has more to say than 25 lines."""
    main = main_process()
    five = [process(2 + n, f"stage-{n + 1}", parent=main) for n in range(5)]
    run = run_of("pipe.py", [main, *five])
    steps = tuple(
        Step(
            f"{verb} the pipe to stage-{n % 5 + 1}, which has been full for a while now and stays so",
            five[n % 5],
            s(1 + n),
            at("pipe.py", 10 + n),
        )
        for n, verb in enumerate(["wrote to", "waits for room in"] * 12)
    )
    also = tuple(Step("in join() of stage-1", each, s(9), at("pipe.py", 70 + n)) for n, each in enumerate([main, *five]))
    finding = Finding(
        "five stages wait for each other in a circle", steps=steps, also=also, moment=None, rule="pipe-mutual-send",
        why="Every stage writes before it reads. " * 20, fix="read before you write at", fix_at=at("pipe.py", 10), processes=tuple(five),
    )  # fmt: skip
    return Case(run, Diagnosis([finding]))


CASES = {
    case.__name__: case
    for case in (
        lock_cycle_of_two, lock_cycle_of_three, self_deadlock, dead_pool_worker, pickle_failure, seven_alike, untraced_and_lost,
        wide_names_and_long_paths, nothing_found, nothing_found_nobody_watched, many_steps, only_hints,
    )
}  # fmt: skip
