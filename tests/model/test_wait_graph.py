"""Who waits for whom: exact circles, who is live and why, and the closed group of the stuck."""

from __future__ import annotations

from dataclasses import replace

from mptrace.model.moment import Look
from mptrace.model.process import Process, Role, Thread, ThreadRole
from mptrace.model.wait_graph import build_wait_graph
from mptrace.wire import wait as kinds
from mptrace.wire.events import tasks
from tests.support.story import story


def graph_of(told):
    run = told.run() if not told.told.moments else told.told
    return build_wait_graph(run.moments[0], run)


def names(threads):
    return {thread.process.name if thread.role is ThreadRole.MAIN else thread.name for thread in threads}


def two_in_a_circle(told=None):
    told = (told or story()).lock("stats").lock("cache")
    told.process("a").takes("stats").process("b").takes("cache").waits_for("stats")
    return told.process("a").waits_for("cache")


def why(graph, name):
    return next((text for thread, text in graph.live.items() if name in (thread.name, thread.process.name)), "")


def test_two_processes_that_want_each_others_lock_are_a_circle_and_stuck_with_whoever_joins_them():
    graph = graph_of(two_in_a_circle().main().joins("a"))
    assert [[link.wait.thread.process.name for link in circle] for circle in graph.cycles()] == [["b", "a"]]
    assert [link.holds.resource.name for link in graph.cycles()[0]] == ["stats", "cache"]
    assert names(graph.stuck) == {"MainProcess", "a", "b"}
    assert graph.is_still(graph.stuck)


def test_a_bystander_that_sleeps_does_not_break_a_circle_of_locks_that_only_their_holders_release():
    told = two_in_a_circle()
    told.told.sources = {"/job/job.py": ["with stats:", "    with cache:", "        pass"]}
    graph = graph_of(told)
    assert len(graph.cycles()) == 1
    assert names(graph.stuck) == {"a", "b"}
    assert why(graph, "MainProcess")


def test_where_locks_are_used_as_signals_a_live_process_that_knows_them_may_release_them():
    told = two_in_a_circle()
    told.told.sources = {"/job/job.py": ["def go():", "    stats.release()"]}
    graph = graph_of(told)
    assert graph.stuck == set()
    assert graph.cycles() == []
    assert "MainProcess" in why(graph, "a")


def test_a_release_of_something_that_is_no_lock_does_not_make_locks_signals():
    told = two_in_a_circle().lock("places", "Semaphore")
    told.told.sources = {"/job/job.py": ["def go():", "    places.release()"]}
    assert names(graph_of(told).stuck) == {"a", "b"}


def test_a_release_in_the_function_that_acquires_is_no_signal():
    told = two_in_a_circle()
    told.told.sources = {"/job/job.py": ["def go():", "    stats.acquire()", "    stats.release()"]}
    assert names(graph_of(told).stuck) == {"a", "b"}


def test_without_the_sources_a_lock_may_be_released_by_anybody_who_is_live():
    assert graph_of(two_in_a_circle()).cycles() == []


def test_a_thread_that_waits_for_its_own_lock_is_a_circle_of_one():
    graph = graph_of(story().lock("stats").main().takes("stats").waits_for("stats"))
    assert [len(circle) for circle in graph.cycles()] == [1]
    assert names(graph.stuck) == {"MainProcess"}


def test_a_circle_with_a_timeout_in_it_is_none():
    told = story().lock("stats").lock("cache").process("a").takes("stats").process("b").takes("cache")
    told.waits_for("stats", timeout=2.5).process("a").waits_for("cache").main().joins("a")
    graph = graph_of(told)
    assert graph.cycles() == []
    assert graph.stuck == set()
    assert why(graph, "b") == "waits with a timeout of 2.5 s"
    assert why(graph, "a") == "b, which waits with a timeout of 2.5 s, may still end it"


def test_a_lock_whose_only_holder_is_dead_can_be_released_by_nobody():
    told = story().queue("jobs").process("dead").takes("jobs._rlock").dies().process("b").waits_for("jobs._rlock")
    graph = graph_of(told)
    assert names(graph.stuck) == {"b"}
    assert graph.exact == {}


def test_a_queue_is_open_as_long_as_anybody_who_knows_it_is_live():
    told = story().queue("jobs").process("worker").gets("jobs")
    graph = graph_of(told)
    assert graph.stuck == set()
    assert "MainProcess" in why(graph, "worker")
    told = story().queue("jobs").process("worker").gets("jobs").main().joins("worker")
    assert names(graph_of(told).stuck) == {"MainProcess", "worker"}


def test_only_those_with_the_write_end_open_can_wake_a_reader():
    told = story().pipe("end").process("reader").waits(kinds.RECV, None)
    run = told.run()
    pipe, reader, main = run.resources[0], told.find_process("reader"), run.main
    wait = run.moments[0].waits[0]
    run.moments[0].waits = [replace(wait, target=pipe)]
    run.moments[0].writers = {pipe: {reader}}
    assert names(graph_of(told).stuck) == {"reader"}
    run.moments[0].writers = {pipe: {reader, main}}
    assert graph_of(told).stuck == set()


def test_a_process_that_is_not_traced_may_hold_what_its_parent_gave_it():
    told = story().queue("jobs").process("worker").gets("jobs").main().joins("worker")
    told.process("isolated", traced=False)
    told.told.resources[0].knowers.discard(told.find_process("isolated"))
    for part in told.told.resources[0].parts.values():
        part.knowers.discard(told.find_process("isolated"))
    told.find_process("isolated").command = "python -I"
    graph = graph_of(told)
    assert graph.stuck == set()
    assert any("is not traced" in text for text in graph.open_ended.values())
    assert "is not traced" in graph.explain_open(next(iter(graph.open_ended)))


def test_a_service_of_the_library_wakes_nobody_of_its_own_accord():
    told = story().queue("jobs").process("tracker", Role.TRACKER).process("worker").gets("jobs").main().joins("worker")
    told.main().thread("QueueFeederThread", ThreadRole.FEEDER, serves="jobs")
    assert names(graph_of(told).stuck) == {"MainProcess", "worker"}


def test_a_feeder_that_is_at_work_may_still_deliver():
    told = story().queue("jobs").process("worker").gets("jobs").main().joins("worker")
    told.main().thread("QueueFeederThread", ThreadRole.FEEDER, serves="jobs").moves()
    assert graph_of(told).stuck == set()


def test_a_child_waits_for_its_feeder_and_the_feeder_for_the_parent_that_joins_the_child():
    told = story().queue("jobs").process("child")
    told.thread("QueueFeederThread", ThreadRole.FEEDER, serves="jobs")
    told.waits(kinds.SEND, told.resource("jobs._reader"))
    told.process("child").waits(kinds.FEEDER_END, told.resource("jobs")).main().joins("child")
    run = told.run()
    pipe, child = told.resource("jobs._reader"), told.find_process("child")
    run.moments[0].readers = {pipe: {run.main, child}}
    graph = graph_of(told)
    assert names(graph.stuck) == {"MainProcess", "child", "QueueFeederThread"}
    through = {wait.thread.process.name: link.through.name for wait, link in graph.exact.items()}
    assert through == {"MainProcess": "MainThread", "child": "QueueFeederThread"}


def test_a_result_is_waited_for_in_vain_if_all_workers_are_idle_and_their_giver_waits_for_them():
    told = story().pool("pool", workers=2)
    queue = told.resource("pool").parts["_inqueue"]
    for number in range(2):
        told.process(f"worker-{number}", Role.WORKER).waits(kinds.RECV, queue.parts["_reader"])
        told.find_process(f"worker-{number}").pool = told.resource("pool")
    told.main().waits(kinds.RESULT, told.resource("pool"))
    told.thread("Thread-1", ThreadRole.POOL_WORKERS, serves="pool").moves()
    assert names(graph_of(told).stuck) == {"MainProcess", "worker-0", "worker-1"}


def test_a_result_may_still_come_from_a_worker_that_computes_and_from_one_that_is_to_be_started():
    for idle, expected in ((1, "worker-1"), (0, "the pool is starting workers")):
        told = story().pool("pool", workers=2)
        queue = told.resource("pool").parts["_inqueue"]
        told.process("worker-0", Role.WORKER).waits(kinds.RECV, queue.parts["_reader"])
        if idle:
            told.process("worker-1", Role.WORKER)
        for process in told.told.processes[1:]:
            process.pool = told.resource("pool")
        graph = graph_of(told.main().waits(kinds.RESULT, told.resource("pool")))
        assert graph.stuck == set()
        assert expected in why(graph, "MainProcess")


def test_a_call_through_a_manager_may_always_be_answered():
    told = story().pipe("end").lock("manager", "Manager")
    told.main().waits(kinds.RECV, told.resource("end"), call=(kinds.CALL, told.resource("manager")))
    graph = graph_of(told)
    assert graph.stuck == set()
    assert "manager" in why(graph, "MainProcess")


def test_a_main_thread_with_a_handler_for_a_timer_may_wake_itself():
    told = story().lock("e", "Event").main().waits(kinds.FLAG, story().resource("e"))
    run = told.run()
    wait = run.moments[0].waits[0]
    run.moments[0].waits = [replace(wait, target=told.resource("e"))]
    assert names(graph_of(told).stuck) == {"MainProcess"}
    run.moments[0].caught = {run.main: 1 << 13}
    assert graph_of(told).stuck == set()


def test_a_handler_for_a_timer_that_was_put_out_or_for_sigusr1_is_only_a_doubt_once_nobody_of_the_job_runs():
    told = story().lock("e", "Event").main().waits(kinds.FLAG, story().resource("e"))
    run = told.run()
    run.moments[0].waits = [replace(run.moments[0].waits[0], target=told.resource("e"))]
    run.moments[0].caught, run.main.timers = {run.main: 1 << 13}, {14: 0}
    graph = graph_of(told)
    assert names(graph.stuck) == {"MainProcess"}
    assert "SIGALRM" in graph.doubted[run.main.main_thread]
    run.main.timers = {14: run.moments[0].at_ns + 1}
    assert graph_of(told).stuck == set()
    run.moments[0].caught = {run.main: 1 << 9}
    assert names(graph_of(told).stuck) == {"MainProcess"}


def test_who_runs_elsewhere_may_send_the_signal_that_a_handler_is_for():
    told = story().lock("e", "Event").process("busy", Role.PROGRAM).main()
    told.resource("e").knowers = {told.told.main}
    told.waits(kinds.FLAG, told.resource("e"))
    run = told.run()
    assert names(graph_of(told).stuck) == {"MainProcess"}
    run.moments[0].caught = {run.main: 1 << 9}
    assert graph_of(told).stuck == set()


def test_a_main_thread_whose_handler_for_sigterm_may_put_something_is_not_stuck():
    told = story().queue("jobs").process("worker").gets("jobs").main().joins("worker")
    run = told.run()
    assert names(graph_of(told).stuck) == {"worker", "MainProcess"}
    run.main.handlers = {17: "reap"}
    assert names(graph_of(told).stuck) == {"worker", "MainProcess"}, "the end of a child is news to nobody here"
    run.main.handlers = {15: "stop"}
    assert graph_of(told).stuck == set()


def test_threads_of_native_libraries_wake_nobody_once_the_python_stacks_are_known():
    told = story().queue("jobs").process("worker").gets("jobs").main().joins("worker")
    native = Thread(told.told.main, 999, runs_python=False)
    told.told.main.threads.append(native)
    run = told.run()
    assert graph_of(told).stuck == set()
    main = run.main.main_thread
    run.moments[0].looks[main] = replace(run.moments[0].looks[main], stack=run.moments[0].waits[0].stack)
    assert names(graph_of(told).stuck) == {"MainProcess", "worker"}


def test_what_a_live_thread_does_is_said_in_plain_words():
    told = story()
    run = told.run()
    main = run.main.main_thread
    for channel, says in (
        ("hrtimer_nanosleep", "sleeps"),
        ("inet_csk_accept", "waits for a connection on a socket"),
        ("n_tty_read", "reads from the terminal"),
    ):
        run.moments[0].looks[main] = Look(main, "S", True, "", channel)
        assert graph_of(told).live[main] == says


def test_a_child_that_nobody_saw_since_its_start_long_ago_does_not_count():
    told = story().queue("jobs").process("worker").gets("jobs").main().joins("worker")
    ghost = Process("p9", 99, name="ghost", parent=told.told.main, traced=False, started_ns=told.now)
    told.told.processes.append(ghost)
    run = told.run()
    assert graph_of(told).stuck == set()
    run.moments[0].at_ns += 60_000_000_000
    assert names(graph_of(told).stuck) == {"MainProcess", "worker"}


def test_a_socket_whose_other_end_is_not_known_may_be_written_to_by_anybody():
    told = story().pipe("client").process("reader")
    told.waits(kinds.RECV, told.resource("client"))
    run = told.run()
    socket, reader = told.resource("client"), told.find_process("reader")
    moment = run.moments[0]
    moment.writers, moment.readers = {socket: {reader}}, {socket: {reader}}
    assert names(graph_of(told).stuck) == {"reader"}
    moment.sockets = {socket}
    assert "other end" in why(graph_of(told), "reader")


def test_a_connection_that_was_not_made_in_the_job_may_be_written_to_by_anybody():
    told = story().pipe("client").process("reader")
    told.waits(kinds.RECV, told.resource("client"))
    told.resource("client").knowers = {told.find_process("reader")}
    assert names(graph_of(told).stuck) == {"reader"}
    told.resource("client").made_by = None
    told.told.moments.clear()
    assert graph_of(told).stuck == set()


def test_a_child_that_is_newer_than_the_looks_may_have_what_its_parent_has():
    told = story().queue("jobs").main().gets("jobs")
    run = told.run()
    assert names(graph_of(told).stuck) == {"MainProcess"}
    run.moments[0].processes.append(Process("p9", 99, name="newborn", parent=run.main, command="fork"))
    assert "is starting" in why(graph_of(told), "MainProcess")


def test_a_main_thread_in_its_exit_waits_for_the_other_threads_of_its_process():
    told = story().queue("jobs").process("child").thread("listener").gets("jobs")
    told.process("child").waits(kinds.EXIT).main().joins("child")
    assert names(graph_of(told).stuck) == {"MainProcess", "child", "listener"}


def test_a_result_of_a_terminated_pool_can_come_from_nobody():
    told = story().pool("pool").event(tasks.POOL_STATE, pool=0, call="__exit__")
    pool = told.resource("pool")
    told.waits(kinds.RESULT, pool)
    assert graph_of(told).stuck == set()
    told.told.moments.clear()
    told.told.events.clear()
    told.event(tasks.POOL_STATE, pool=pool.key, call="__exit__").main().waits(kinds.RESULT, pool)
    assert names(graph_of(told).stuck) == {"MainProcess"}
