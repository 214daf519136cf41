"""A Run is built of a recording: processes and their ends, resources and who knows them, threads and losses."""

from __future__ import annotations

from dataclasses import replace

from mptrace.collect import read_run
from mptrace.model.build import build_run
from mptrace.model.process import Role, ThreadRole
from mptrace.model.site import Site
from mptrace.wire import layout
from mptrace.wire.events import agents, observations, processes, resources, sites, tasks, threads
from mptrace.wire.resource import OBJECT, PIPE, SEM
from mptrace.wire.wait import RECV, SEND
from tests.support.recording import RunWriter


def built(run):
    return build_run(read_run(run.save()))


def writer(tmp_path):
    return RunWriter(tmp_path / "run")


def by_name(run):
    return {process.name: process for process in run.processes}


def test_the_launchers_word_decides_which_process_is_the_main_one(tmp_path):
    run = writer(tmp_path)
    run.process(20, 1)
    run.process(21, 2, ppid=20)
    run.meta["main"] = 21
    made = built(run)
    assert made.main.pid == 21
    assert made.main.id == "p1"


def test_a_forked_child_is_named_linked_and_knows_what_was_made_before_the_fork(tmp_path):
    run = writer(tmp_path)
    main = run.process(10)
    main.made("Lock", SEM, 7, "/p/a.py:3 main", at_ms=2)
    main.started(11, "loader", at_ms=6)
    run.process(11, 5, parent=main).runs("loader", at_ms=6)
    main.made("Lock", SEM, 8, "/p/a.py:9 main", at_ms=9)
    made = built(run)
    child = by_name(made)["loader"]
    assert (child.role, child.parent, child.start_method) == (Role.CHILD, made.main, "fork")
    assert made.resource(SEM, 7).knowers == {made.main, child}
    assert made.resource(SEM, 8).knowers == {made.main}


def test_a_forked_child_goes_on_with_its_parents_numbers_of_places_from_before_the_fork(tmp_path):
    run = writer(tmp_path)
    main = run.process(10)
    before = main.site("/p/a.py:3 main")
    child = run.process(11, 5, parent=main)
    child.log(processes.HARD_EXIT, 7, code=1, site=before)
    main.log(processes.BOOTED, 9)
    later = 2
    main.log(sites.SITE, 9, site=later, file="/p/b.py", line=1)
    child.log(processes.HARD_EXIT, 10, code=1, site=later)
    events = list(built(run).of(processes.HARD_EXIT))
    assert [event.site for event in events] == [Site("/p/a.py", 3, "main"), None]


def test_a_forkservers_child_belongs_to_the_process_that_started_it(tmp_path):
    run = writer(tmp_path)
    main = run.process(10)
    server = run.process(12, 3, ppid=10)
    server.log(processes.BOOTED, 3, how="exec", argv="python -c from multiprocessing.forkserver import main; main(4, 5, [])")
    run.process(13, 6, parent=server).runs("worker", at_ms=7)
    main.started(13, "worker", at_ms=8, method="forkserver")
    made = built(run)
    child = by_name(made)["worker"]
    assert by_name(made)["forkserver"].role is Role.FORKSERVER
    assert child.parent is made.main
    assert child.forked_from.pid == 12
    assert child.role is Role.CHILD


def with_a_forkserver(run, server_ends_ms):
    main = run.process(10)
    server = run.process(12, 3, ppid=10)
    server.log(processes.BOOTED, 3, how="exec", argv="python -c from multiprocessing.forkserver import main; main(4, 5, [])")
    run.process(13, 6, parent=server).runs("worker", at_ms=7)
    main.started(13, "worker", at_ms=8, method="forkserver")
    main.log(processes.REAPED, 10, child=13, code=255, how="Process.join")
    return run.exited(12, -9, server_ends_ms)


def test_the_exit_code_that_a_dead_forkserver_leaves_its_children_with_is_made_up(tmp_path):
    assert by_name(built(with_a_forkserver(writer(tmp_path), server_ends_ms=9)))["worker"].exit is None


def test_the_same_exit_code_is_believed_while_the_forkserver_lives(tmp_path):
    assert by_name(built(with_a_forkserver(writer(tmp_path), server_ends_ms=20)))["worker"].exit.code == 255


def test_a_process_had_ended_when_its_parent_knew_it_though_the_observer_was_late(tmp_path):
    run = writer(tmp_path)
    main = run.process(10)
    main.started(11, "loader", at_ms=3)
    run.process(11, 4, parent=main).runs("loader", at_ms=4)
    main.log(processes.REAPED, 7, child=11, code=0, how="Process.join")
    run.exited(11, 0, 9)
    ended = by_name(built(run))["loader"].exit
    assert (ended.at_ns, ended.seen_by) == (7_000_000, "observer")


def test_a_spawned_child_that_only_the_observer_saw_is_untraced_with_the_reason(tmp_path):
    run = writer(tmp_path)
    run.process(10).started(11, "isolated", at_ms=4, method="spawn")
    run.saw(observations.SEEN, 5, pid=11, ppid=10, start=3, command="python -I -c ...", why_untraced="it was started with -I")
    child = by_name(built(run))["isolated"]
    assert (child.traced, child.why_untraced, child.role) == (False, "it was started with -I", Role.CHILD)


def test_a_pid_that_was_used_twice_gives_two_processes(tmp_path):
    run = writer(tmp_path)
    main = run.process(10)
    run.process(11, 2, parent=main).runs("first", at_ms=2)
    run.exited(11, 0, 5)
    run.process(11, 8, parent=main).runs("second", at_ms=8)
    made = built(run)
    names = by_name(made)
    assert names["first"].exit.code == 0
    assert names["second"].exit is None
    assert made.process(11, 3_000_000) is names["first"]


def test_an_exec_in_the_same_pid_is_a_new_incarnation_and_not_a_death(tmp_path):
    run = writer(tmp_path)
    main = run.process(9, 1).started(10, "becomer", at_ms=4)
    run.process(10, 3, parent=main).runs("becomer").log(processes.EXEC, 4, path="/usr/bin/python3")
    run.process(10, 5)
    run.exited(10, 3, 9)
    first, second = sorted(built(run).processes[1:], key=lambda process: process.started_ns)
    assert first.became is second
    assert (second.role, second.parent.pid) == (Role.PROGRAM, 9)
    assert first.exit.call == "exec"
    assert second.exit.code == 3


def test_the_sender_of_a_deadly_signal_is_named_with_its_line(tmp_path):
    run = writer(tmp_path)
    main = run.process(10)
    main.started(11, "worker", at_ms=3)
    run.process(11, 2, parent=main).runs("worker", at_ms=3)
    main.log(processes.SIGNALLED, 5, child=11, signal=15, call="Process.terminate", site=main.site("/p/a.py:8 main"))
    run.exited(11, -15, 6)
    end = by_name(built(run))["worker"].exit
    assert (end.signal, end.by, end.call, end.by_site.line) == (15, "MainProcess", "Process.terminate", 8)


def test_a_process_ended_when_sigkill_was_sent_though_the_observer_was_late(tmp_path):
    run = writer(tmp_path)
    main = run.process(10)
    main.started(11, "loader", at_ms=3)
    run.process(11, 4, parent=main).runs("loader", at_ms=4)
    main.log(processes.SIGNALLED, 6, child=11, signal=9, call="os.kill")
    run.exited(11, -9, 30)
    assert by_name(built(run))["loader"].ended_ns == 6_000_000


def test_a_signal_that_nobody_in_the_job_sent_came_from_outside_but_a_crash_did_not(tmp_path):
    run = writer(tmp_path)
    main = run.process(10)
    for pid in (11, 12):
        run.process(pid, pid, parent=main).runs(f"w{pid}")
    run.exited(11, -9, 30).exited(12, -11, 30)
    names = by_name(built(run))
    assert names["w11"].exit.by == "outside"
    assert names["w12"].exit.by == ""


def test_a_signal_is_not_said_to_come_from_outside_while_an_unrecorded_process_of_the_job_lived(tmp_path):
    run = writer(tmp_path)
    main = run.process(10)
    run.process(11, 2, parent=main).runs("w11")
    run.saw(observations.SEEN, 1, pid=12, ppid=10, start=1, command="bash", why_untraced="another program")
    run.exited(11, -15, 5)
    assert next(process for process in built(run).processes if process.name == "w11").exit.by == ""


def test_without_an_observer_the_parent_and_the_process_itself_are_believed(tmp_path):
    run = writer(tmp_path)
    main = run.process(10)
    run.process(11, 2, parent=main).runs("reaped")
    run.process(12, 3, parent=main).runs("returned").log(processes.RETURNED, 8, code=1)
    main.log(processes.REAPED, 9, child=11, code=-9).ends(20)
    path = run.save()
    (run.path / "observer.log").unlink()
    made = build_run(read_run(path))
    names = by_name(made)
    assert (names["reaped"].exit.signal, names["reaped"].exit.seen_by) == (9, "parent")
    assert (names["returned"].exit.code, names["returned"].orderly) == (1, True)
    assert made.main.orderly
    assert not made.completeness.observed


def test_a_process_whose_exit_handlers_come_after_its_return_has_not_ended_before_them(tmp_path):
    run = writer(tmp_path)
    main = run.process(10)
    run.process(12, 3, parent=main).runs("hangs").log(processes.RETURNED, 4).log(processes.EXITING, 5, code=-1)
    run.process(13, 3, parent=main).runs("ends").log(processes.RETURNED, 4, code=1).log(processes.EXITING, 5, code=-1).ends(6)
    run.process(14, 3, parent=main).runs("old").log(processes.EXITING, 4, code=-1).log(processes.RETURNED, 5, code=1)
    made = by_name(built(run))
    assert (made["hangs"].exit, made["hangs"].orderly) == (None, False)
    assert [(made[name].exit.code, made[name].orderly) for name in ("ends", "old")] == [(1, True), (1, True)]


def test_a_send_that_its_process_did_not_live_to_end_is_known_with_its_size(tmp_path):
    run = writer(tmp_path)
    main = run.process(10).waits(RECV, PIPE, 99)
    run.process(12, 3, parent=main).runs("writer").waits(SEND, PIPE, 99, detail=5000)
    run.exited(12, -15, 5).moment(1, 10)
    moment = built(run).moments[0]
    begun = moment.begun_message(moment.waits[0])
    assert begun is not None
    assert (begun.thread.process.name, begun.detail) == ("writer", 5000)


def test_last_words_become_a_fatal_error_and_a_stack(tmp_path):
    run = writer(tmp_path)
    main = run.process(10)
    main.data += (
        b"Fatal Python error: Segmentation fault\n\nCurrent thread 0x00007f (most recent call first):\n"
        b'  File "/p/ext.py", line 12 in crash\n  File "/x/mptrace/agent/child.py", line 9 in run\n  File "/p/a.py", line 3 in work\n'
        b'  File "/lib/multiprocessing/process.py", line 314 in _bootstrap\n  File "/p/a.py", line 30 in <module>\n\n'
        b"Extension modules: numpy (total: 1)\n"
    )
    run.exited(10, -11, 9)
    process = built(run).main
    assert process.fatal_error == "Segmentation fault"
    assert process.fatal_stack == (
        Site("/p/ext.py", 12, "crash"),
        Site("/p/a.py", 3, "work"),
        Site("/lib/multiprocessing/process.py", 314, "_bootstrap"),
    )
    assert process.last_words[-1].startswith("Extension modules")


def test_the_last_stack_is_that_of_a_process_that_sigterm_ended_and_the_one_before_a_childs_of_it(tmp_path):
    run = writer(tmp_path)
    run.process(10).data += (
        b'Stack (most recent call first):\n  File "/p/a.py", line 7 in fork\n'
        b'Stack (most recent call first):\n  File "/p/a.py", line 9 in work\n'
    )
    run.exited(10, -15, 9)
    assert built(run).main.fatal_stack == (Site("/p/a.py", 9, "work"),)


def test_a_stack_that_was_written_at_sigterm_says_nothing_of_another_end(tmp_path):
    run = writer(tmp_path)
    run.process(10).data += b'Stack (most recent call first):\n  File "/p/a.py", line 7 in fork\n'
    run.exited(10, -9, 9)
    assert built(run).main.fatal_stack == ()


def test_what_one_line_gave_one_name_to_several_times_is_numbered(tmp_path):
    run = writer(tmp_path)
    bank = tmp_path / "bank.py"
    bank.write_text("self.lock = Lock()\nother = Lock()\n")
    main = run.process(10)
    main.made("Lock", SEM, 7, f"{bank}:1 main", at_ms=2).made("Lock", SEM, 8, f"{bank}:1 main", at_ms=3)
    main.made("Lock", SEM, 9, f"{bank}:2 main", at_ms=4)
    made = built(run)
    assert [made.resource(SEM, key).label for key in (7, 8, 9)] == ["self.lock #1", "self.lock #2", "other"]


def test_parts_know_what_their_owner_knows_and_a_pools_worker_does_not_know_the_pool(tmp_path):
    run = writer(tmp_path)
    main = run.process(10)
    main.made("Queue", OBJECT, 5, "/p/a.py:3 main").made("Pool", OBJECT, 6, "/p/a.py:4 main", number=1)
    main.log(resources.PART, family=SEM, key=7, owner_family=OBJECT, owner_key=5, role="_rlock")
    main.log(resources.PART, family=SEM, key=8, owner_family=OBJECT, owner_key=6, role="_inlock")
    child = run.process(11, 4)
    child.runs("child", at_ms=5).log(resources.KNOWN, 5, family=OBJECT, key=5, kind="Queue")
    child.log(resources.KNOWN, 5, family=SEM, key=8, kind="Lock").log(tasks.WORKER, 5, pool=6, name="PoolWorker-1")
    made = built(run)
    worker = by_name(made)["child"]
    assert made.resource(SEM, 7).owner is made.resource(OBJECT, 5)
    assert worker in made.resource(SEM, 7).knowers
    assert made.resource(SEM, 7).label == "the read lock of a Queue"
    assert worker not in made.resource(OBJECT, 6).knowers
    assert (worker.role, worker.pool) == (Role.WORKER, made.resource(OBJECT, 6))


def test_threads_have_their_roles_and_whom_they_serve(tmp_path):
    run = writer(tmp_path)
    main = run.process(10).made("Queue", OBJECT, 5, "/p/a.py:3 main")
    main.log(threads.STARTED, ident=555, thread=14, name="QueueFeederThread", role="queue feeder", serves=5)
    main.holds(8, ident=555)
    run.moment(1, 10)
    made = built(run)
    feeder = next(thread for thread in made.main.threads if thread.role is ThreadRole.FEEDER)
    assert feeder.serves is made.resource(OBJECT, 5)
    assert made.moments[0].holds[0].thread is feeder


def test_losses_are_counted_from_headers_and_events(tmp_path):
    run = writer(tmp_path)
    main = run.process(10)
    main.header(layout.H_LOST_LOG, 3)
    main.header(layout.H_LOST_LOCKS, 2)
    main.log(agents.PROBE_OFF, probe="queues", error="ValueError")
    made = built(run)
    assert (made.completeness.lost.records, made.completeness.lost.locks) == (3, 2)
    assert made.main.lost == {"records": 3, "locks": 2}
    assert made.completeness.lost.probes_off == [("MainProcess", "queues: ValueError")]


def test_tallies_say_what_went_through_each_connection(tmp_path):
    run = writer(tmp_path)
    run.process(10).tally(99, 5, 2, ends=1)
    tally = built(run).main.tallies[0]
    assert (tally.resource.key, tally.sent, tally.received, tally.readable, tally.writable) == (99, 5, 2, True, False)


def test_what_could_not_be_looked_at_is_noted_unless_it_was_just_ending(tmp_path):
    run = writer(tmp_path)
    main = run.process(10)
    run.process(11, 2, parent=main).runs("ending")
    for pid in (10, 11):
        run.saw(observations.NOT_SEEN, 9, pid=pid, what="stacks", why="Error: no permission\nCaused by: ...")
    run.exited(11, 0, 12)
    assert built(run).completeness.not_seen == [("MainProcess", "stacks", "Error: no permission")]


def test_the_first_events_of_a_kind_are_at_most_so_many_of_each_process(tmp_path):
    run = writer(tmp_path)
    for pid in (10, 11):
        process = run.process(pid)
        for number in range(5):
            process.log(tasks.SUBMITTED, 10 * number + pid, job=number)
    made = built(run)
    first = [(event.process.pid, event.number("job")) for event in made.first(2, tasks.SUBMITTED)]
    assert first == [(10, 0), (11, 0), (10, 1), (11, 1)]


def test_a_forked_child_that_ended_before_its_parent_told_of_it_is_one_process(tmp_path):
    run = writer(tmp_path)
    main = run.process(10)
    run.process(11, 5, parent=main).runs("quick", at_ms=6)
    run.exited(11, 0, 20)
    main.started(11, "quick", at_ms=45)
    made = built(run)
    assert [(process.pid, process.traced) for process in made.processes] == [(10, True), (11, True)]
    assert by_name(made)["quick"].parent is made.main


def test_observations_that_were_lost_are_told(tmp_path):
    run = writer(tmp_path)
    run.process(10)
    run.meta["lost"] = 7
    assert "7 observations from outside could not be written" in built(run).completeness.notes[0]


def test_events_about_a_child_are_found_by_its_pid_also_when_more_are_added(tmp_path):
    run = writer(tmp_path)
    run.process(10).started(11, "one").started(12, "two")
    made = built(run)
    told = [event.text("name") for event in made.about(12, processes.STARTED)]
    assert (told, made.about(13, processes.STARTED)) == (["two"], [])
    made.events.append(replace(made.about(12, processes.STARTED)[0], fields={"child": 13}))
    assert len(made.about(13, processes.STARTED)) == 1
