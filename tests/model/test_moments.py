"""The moments of a Run: waits, holds and stacks at one instant, and the final one, built of a recording."""

from __future__ import annotations

from mptrace.collect import read_run
from mptrace.model.build import build_run
from mptrace.model.process import ThreadRole
from mptrace.wire.events import observations, processes, threads
from mptrace.wire.resource import PIPE, PROCESS, SEM
from mptrace.wire.wait import ACQUIRE, REAP, STALE_SITE
from tests.support.recording import RunWriter


def built(run):
    return build_run(read_run(run.save()))


def writer(tmp_path):
    return RunWriter(tmp_path / "run")


def by_name(run):
    return {process.name: process for process in run.processes}


def test_a_moment_has_the_waits_and_holds_of_the_boards(tmp_path):
    run = writer(tmp_path)
    main = run.process(10)
    main.made("Lock", SEM, 7, "/p/a.py:3 main")
    main.waits(REAP, PROCESS, 11, since_ms=6, site=main.site("/p/a.py:20 main"))
    child = run.process(11, 2, parent=main).runs("worker")
    child.waits(ACQUIRE, SEM, 7, since_ms=5, timeout_ms=1500).holds(8, since_ms=4)
    run.moment(1, 10)
    made = built(run)
    moment = made.moments[0]
    waits = {wait.thread.process.name: wait for wait in moment.waits}
    assert waits["MainProcess"].target is by_name(made)["worker"]
    assert (waits["MainProcess"].site.line, waits["MainProcess"].timed) == (20, False)
    assert waits["worker"].timeout_ns == 1_500_000_000
    assert [(hold.thread.role, hold.resource.key, hold.since_ns) for hold in moment.holds] == [(ThreadRole.MAIN, 8, 4_000_000)]
    assert all(moment.still(wait.thread) for wait in moment.waits)


def test_a_dead_process_still_holds_its_lock_unless_a_living_one_has_it(tmp_path):
    run = writer(tmp_path)
    main = run.process(10)
    run.process(11, 2, parent=main).runs("dead").holds(7).holds(8).does(3, 4, 5, "task(1)")
    run.process(12, 3, parent=main).runs("living").holds(8)
    run.exited(11, -9, 5)
    run.moment(1, 10)
    moment = built(run).moments[0]
    assert {(hold.resource.key, hold.thread.process.name) for hold in moment.holds} == {(7, "dead"), (8, "living")}
    assert [(doing.job, doing.index, doing.text) for doing in moment.doings] == [(4, 5, "task(1)")]
    assert "dead" not in {process.name for process in moment.processes}


def test_a_lock_that_somebody_else_released_is_no_longer_held_by_who_took_it_before(tmp_path):
    run = writer(tmp_path)
    main = run.process(10).holds(7, since_ms=2).holds(8, since_ms=4)
    run.process(11, 2, parent=main).runs("signaller").gave_away(7, 3).gave_away(8, 3)
    run.moment(1, 10)
    moment = built(run).moments[0]
    assert [hold.resource.key for hold in moment.holds] == [8], "lock 8 was taken after it had been given away"


def test_a_thread_that_switched_between_the_looks_did_not_stand_still(tmp_path):
    run = writer(tmp_path)
    run.process(10).waits(ACQUIRE, SEM, 7)
    run.moment(1, 10, still=False)
    moment = built(run).moments[0]
    assert moment.still(moment.waits[0].thread) is False


def test_a_stale_place_is_replaced_by_the_innermost_program_frame_that_the_observer_saw(tmp_path):
    run = writer(tmp_path)
    main = run.process(10)
    main.waits(ACQUIRE, SEM, 7, site=main.site("/p/old.py:1 main"), flags=STALE_SITE)
    for depth, (file, line) in enumerate([("/usr/lib/python3.11/multiprocessing/synchronize.py", 95), ("/p/a.py", 44)]):
        run.saw(observations.FRAME, 9, moment=1, pid=10, thread=10, depth=depth, file=file, line=line, locals="n=3")
    run.moment(1, 10)
    moment = built(run).moments[0]
    assert (moment.waits[0].site.line, moment.waits[0].stale_site) == (44, False)
    assert moment.looks[moment.waits[0].thread].locals == {"n": "3"}


def test_a_stack_without_a_native_id_is_that_of_the_thread_with_this_ident_or_of_nobody(tmp_path):
    run = writer(tmp_path)
    main = run.process(10)
    main.log(threads.STARTED, 2, ident=7001, thread=12, name="loader")
    for ident, name, line in ((7001, "loader", 5), (7000, "MainThread", 6), (7002, "ended long ago", 7)):
        run.saw(observations.FRAME, 9, moment=1, pid=10, thread=-ident, file="/p/a.py", line=line, thread_name=name)
    run.moment(1, 10)
    looks = built(run).moments[0].looks
    assert {thread.tid: look.stack[0].line for thread, look in looks.items()} == {10: 6, 12: 5}


def test_the_ends_of_pipes_are_known_where_descriptors_were_looked_at(tmp_path):
    run = writer(tmp_path)
    main = run.process(10)
    run.process(11, 2, parent=main).runs("child")
    for pid, readable in ((10, 1), (11, 0)):
        run.saw(
            observations.PIPE_END, 9, moment=1, pid=pid, key=99, readable=readable, writable=1 - readable, queued=17 * readable
        )
    run.moment(1, 10)
    made = built(run)
    moment, pipe = made.moments[0], made.resource(PIPE, 99)
    assert moment.readers[pipe] == {made.main}
    assert moment.writers[pipe] == {by_name(made)["child"]}
    assert moment.queued[pipe] == 17


def test_the_final_moment_shows_those_that_were_killed_together_and_not_the_orderly(tmp_path):
    run = writer(tmp_path)
    main = run.process(10).waits(REAP, PROCESS, 11)
    run.process(11, 2, parent=main).runs("stuck").waits(ACQUIRE, SEM, 7)
    run.process(12, 3, parent=main).runs("done").waits(ACQUIRE, SEM, 7).log(processes.RETURNED, 5, code=0)
    run.exited(12, 0, 6).exited(11, -9, 9000).exited(10, -9, 9001)
    final = built(run).moments[-1]
    assert (final.final, final.number) == (True, 0)
    assert {process.name for process in final.processes} == {"MainProcess", "stuck"}
    assert {wait.thread.process.name for wait in final.waits} == {"MainProcess", "stuck"}


def test_a_job_that_goes_on_has_no_final_moment(tmp_path):
    run = writer(tmp_path)
    run.process(10).waits(ACQUIRE, SEM, 7)
    run.moment(1, 10)
    assert [moment.final for moment in build_run(read_run(run.save()), ongoing=True).moments] == [False]
