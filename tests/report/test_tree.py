"""The process tree: what is merged, what stands alone, what is left out."""

from __future__ import annotations

from mptrace.diagnose.finding import Finding
from mptrace.model.moment import Hold, Look, Moment, Wait
from mptrace.model.process import Exit, Process, Role
from mptrace.model.resource import Resource
from mptrace.model.run import Run
from mptrace.report.clock import Clock
from mptrace.report.overview import moment_of
from mptrace.report.page import Page
from mptrace.report.tree import branches_of, tree_lines
from mptrace.wire import resource as families
from mptrace.wire import wait as kinds
from tests.golden.cases import at, main_process, process, run_of, s, thread


def told(run: Run, moment: Moment | None = None, *, apart: tuple[str, ...] = (), page: Page | None = None) -> list[str]:
    page = page or Page(cwd="/home/ann/job")
    branches = branches_of(run, moment, apart=apart, whole=page.verbose)
    return [line.plain for line in tree_lines(branches, page, Clock(run.meta, s(10)))]


def workers(main: Process, count: int) -> list[Process]:
    return [process(2 + n, f"ForkPoolWorker-{n + 1}", Role.WORKER, parent=main) for n in range(count)]


def gone(each: Process, **how: int) -> None:
    each.ended_ns, each.exit = s(5), Exit(**how)


def test_like_workers_are_one_line_and_the_odd_one_has_its_own() -> None:
    main = main_process()
    eight = workers(main, 8)
    for each in eight:
        gone(each, code=0)
    gone(eight[3], signal=9)
    lines = told(run_of("a.py", [main, *eight]))
    assert len(lines) == 3
    assert "7 × ForkPoolWorker" in lines[1]
    assert "ForkPoolWorker-4" in lines[2]
    assert lines[2].endswith("killed by SIGKILL")


def test_two_alike_are_no_crowd() -> None:
    main = main_process()
    two = workers(main, 2)
    for each in two:
        gone(each, code=0)
    assert len(told(run_of("a.py", [main, *two]))) == 3


def test_process_named_in_the_finding_is_never_merged() -> None:
    main = main_process()
    four = workers(main, 4)
    for each in four:
        gone(each, code=1)
    lines = told(run_of("a.py", [main, *four]), apart=("ForkPoolWorker-2",))
    assert [line.split("  ")[1].strip() for line in lines[1:]] == ["├─ 3 × ForkPoolWorker", "└─ ForkPoolWorker-2"]


def test_process_with_children_is_never_merged() -> None:
    main = main_process()
    two = workers(main, 2)
    inner = process(9, "Process-1:1", parent=two[0])
    for each in (*two, inner):
        gone(each, code=0)
    assert len(told(run_of("a.py", [main, *two, inner]))) == 4


def test_service_processes_are_left_out_unless_asked_for_and_their_children_move_up() -> None:
    main = main_process()
    server = process(2, "forkserver", Role.FORKSERVER, parent=main)
    child = process(3, "Process-1", parent=server)
    run = run_of("a.py", [main, server, child])
    assert [line.split()[-0 if n == 0 else 1] for n, line in enumerate(told(run))] == ["MainProcess", "Process-1"]
    assert len(told(run, page=Page(verbose=True))) == 3


def test_waiter_is_told_with_the_holder_and_for_how_long() -> None:
    main = main_process()
    one, two = workers(main, 2)
    cache = Resource("r1", families.SEM, 1, "Lock", "cache")
    moment = Moment(
        1, s(10), waits=[Wait(thread(one), kinds.ACQUIRE, cache, s(4), site=at("a.py", 3))], holds=[Hold(thread(two), cache)]
    )
    line = told(run_of("a.py", [main, one, two]), moment, page=Page(width=100, cwd="/home/ann/job"))[1]
    assert "wants cache, held by ForkPoolWorker-2, for 6.0 s" in line
    assert line.endswith("a.py:3")


def test_where_a_line_is_short_of_room_the_duration_goes_first() -> None:
    main = main_process()
    one, two = workers(main, 2)
    cache = Resource("r1", families.SEM, 1, "Lock", "cache")
    waits, holds = [Wait(thread(one), kinds.ACQUIRE, cache, s(4), site=at("a.py", 3))], [Hold(thread(two), cache)]
    line = told(run_of("a.py", [main, one, two]), Moment(1, s(10), waits=waits, holds=holds))[1]
    assert "wants cache, held by ForkPoolWorker-2  " in line


def test_worker_that_waits_for_its_pool_is_idle() -> None:
    main = main_process()
    (one,) = workers(main, 1)
    one.pool = Resource("r1", families.OBJECT, 1, "Pool", "pool", at("a.py", 7))
    part = Resource("r2", families.SEM, 2, "Lock", owner=one.pool, role="_rlock")
    line = told(run_of("a.py", [main, one]), Moment(1, s(10), waits=[Wait(thread(one), kinds.ACQUIRE, part, s(4))]))[1]
    assert "idle for 6.0 s" in line


def test_running_thread_is_told_with_where_it_runs() -> None:
    main = main_process()
    moment = Moment(1, s(10), looks={thread(main): Look(thread(main), "R", still=False, stack=(at("a.py", 77),))})
    (line,) = told(run_of("a.py", [main]), moment)
    assert "running" in line
    assert line.endswith("a.py:77")


def test_process_that_had_ended_before_the_moment_tells_its_end() -> None:
    main = main_process()
    (one,) = workers(main, 1)
    gone(one, code=3)
    assert told(run_of("a.py", [main, one]), Moment(1, s(10)))[1].endswith("exit 3")


def test_untraced_process_tells_why() -> None:
    main = main_process()
    other = process(2, "python3", Role.PROGRAM, parent=main, traced=False, why_untraced="started with -I")
    assert told(run_of("a.py", [main, other]))[1].endswith("not traced: started with -I")


def test_more_lines_than_a_screen_holds_are_counted() -> None:
    main = main_process()
    many = [process(2 + n, f"{chr(97 + n % 26)}{n}x", parent=main) for n in range(60)]
    lines = told(run_of("a.py", [main, *many]))
    assert len(lines) == 25
    assert "37 more lines" in lines[-1]


def test_circle_of_parents_ends() -> None:
    one, two = process(2, "a", Role.TRACKER), process(3, "b", Role.TRACKER)
    one.parent, two.parent = two, one
    child = process(4, "c", parent=one)
    assert len(told(run_of("a.py", [one, two, child]))) == 1


def test_job_that_was_killed_while_it_hung_is_shown_as_it_hung() -> None:
    main = main_process()
    run = run_of("a.py", [main], ended_by="--on-hang kill")
    run.moments = [Moment(1, s(5)), Moment(2, s(9)), Moment(0, s(41), final=True)]
    hang = Finding("a", moment=0)
    found = [moment_of(run, finding) for finding in (hang, None, Finding("a", moment=1))]
    assert [moment.number for moment in found if moment] == [2, 2, 1]
