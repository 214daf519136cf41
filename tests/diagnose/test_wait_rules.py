"""Rules about waits for queues, pipes, events and each other, on runs written by hand."""

from __future__ import annotations

import pytest

from mptrace.diagnose.finding import Severity, Verdict
from mptrace.model.process import Role, Tally, ThreadRole
from mptrace.wire import wait as waits
from mptrace.wire.events import failures, tasks, threads
from tests.support.story import Story, story
from tests.support.verdicts import causes, diagnosed, found, loud, one


def test_a_reader_that_is_joined_instead_of_fed_waits_for_ever() -> None:
    told = story().queue("work", at="job.py:20").process("reader").gets("work", at="job.py:12")
    finding = one(told.main().joins("reader", at="job.py:24").run(), "queue-get-no-producer")
    assert finding.verdict is Verdict.PROVEN
    assert finding.title == "reader waits in work.get(), and MainProcess waits for reader instead of putting anything"
    assert str(finding.fix_at) == "/job/job.py:24"
    assert "`work.put(None)`" in finding.fix


def test_a_service_thread_of_a_pool_that_waits_for_its_own_queue_is_no_reader_of_the_programs() -> None:
    told = (
        story()
        .queue("notifier", "SimpleQueue")
        .main()
        .thread("Thread-3 (_handle_workers)", ThreadRole.POOL_TASKS)
        .gets("notifier")
    )
    assert found(told.run(), "queue-get-no-producer") == []


def test_a_get_whose_producer_has_ended_names_it() -> None:
    told = story().queue("results").process("reader").exits(0).main().gets("results")
    finding = one(told.run(), "queue-get-no-producer")
    assert finding.title == "MainProcess waits in results.get(), and nobody is left to put anything: reader has ended"


def test_a_get_with_a_timeout_is_silent() -> None:
    told = story().queue("work").process("reader").gets("work", timeout=1).main().joins("reader")
    assert loud(told.run()) == []


def test_a_get_while_somebody_computes_is_silent() -> None:
    told = story().queue("work").process("producer").moves().main().gets("work")
    assert loud(told.run()) == []


def test_a_get_whose_producer_nobody_looked_at_is_not_told() -> None:
    told = story().queue("work").process("producer").unseen().main().gets("work")
    assert loud(told.run()) == []


def test_a_get_while_a_process_that_is_not_traced_may_put_is_not_told() -> None:
    told = story().queue("work").process("producer", traced=False).main().gets("work")
    assert loud(told.run()) == []


def test_the_exception_of_the_producer_comes_before_the_get() -> None:
    told = story().queue("results").process("producer").event(failures.UNCAUGHT, error="ValueError", where="process").exits(1)
    assert causes(told.main().gets("results").run()) == ["uncaught-exception"]


def cut_message(size: int) -> Story:
    told = story().queue("results").process("writer")
    told.waits(waits.SEND, told.resource("results._reader"), detail=size)
    return told.dies(15, by="MainProcess", at="job.py:23", call="Process.terminate").main().gets("results", at="job.py:25")


def test_a_message_whose_writer_was_ended_in_the_middle_is_partial_and_no_lack_of_producers() -> None:
    run = cut_message(5_000_000).run()
    finding = one(run, "partial-message")
    assert found(run, "queue-get-no-producer") == []
    assert (finding.verdict, str(finding.fix_at)) == (Verdict.PROVEN, "/job/job.py:23")
    assert "5,000,000 bytes" in finding.title


def test_a_message_that_may_not_have_been_begun_is_only_likely_partial() -> None:
    told = cut_message(5_000_000)
    told.main_process.tallies.append(Tally(told.resource("results._reader"), sent=3))
    assert one(told.run(), "partial-message").verdict is Verdict.LIKELY


@pytest.mark.parametrize(("size", "verdict"), [("0x4b5000", Verdict.PROVEN), ("0x4", Verdict.LIKELY)])
def test_a_reader_that_asks_for_more_than_a_head_is_inside_of_a_message(size: str, verdict: Verdict) -> None:
    told = cut_message(5_000_000)
    told.main_process.tallies.append(Tally(told.resource("results._reader"), sent=3))
    run = told.run()
    run.moments[0].looks[told.main_process.threads[0]].syscall = f"0 0x3 0x7f7a41aab030 {size} 0x22"
    assert one(run, "partial-message").verdict is verdict


def test_a_message_that_goes_through_a_pipe_in_one_piece_is_never_partial() -> None:
    assert [finding.rule for finding in diagnosed(cut_message(100).run()).every()][:1] == ["queue-get-no-producer"]


def full_queue() -> Story:
    told = story().queue("results", at="job.py:16").process("squares")
    told.thread("QueueFeederThread", ThreadRole.FEEDER, "results").waits(waits.SEND, told.resource("results._reader"))
    told.thread("MainThread").waits(waits.THREAD_END, told.find_process("squares").threads[1], call=(waits.EXIT, None))  # type: ignore[union-attr]
    return told


def test_a_join_before_the_queue_was_read_is_proven() -> None:
    finding = one(full_queue().main().joins("squares", at="job.py:19").run(), "join-before-drain")
    assert finding.verdict is Verdict.PROVEN
    assert finding.title == "MainProcess joins squares before it has read what squares put on results"
    assert str(finding.fix_at) == "/job/job.py:19"


def test_a_join_with_a_timeout_before_the_queue_was_read_is_silent() -> None:
    assert loud(full_queue().main().joins("squares", timeout=5).run()) == []


def test_a_queue_that_nobody_reads_keeps_its_process_from_ending() -> None:
    told = story().queue("jobs")
    feeder = told.thread("QueueFeederThread", ThreadRole.FEEDER, "jobs").actor
    told.main().event(threads.STARTED, at="fill.py:12", thread=feeder.tid)
    told.thread("QueueFeederThread").waits(waits.SEND, told.resource("jobs._reader"))
    told.main().waits(waits.THREAD_END, feeder, call=(waits.EXIT, None))
    finding = one(told.run(), "exit-hang")
    assert finding.title.startswith("MainProcess cannot end: what it put on jobs does not fit into the pipe")
    assert ("put", "/job/fill.py:12") in {(place.role, str(place.site)) for place in finding.places}


def test_a_barrier_that_too_few_come_to_counts_them() -> None:
    told = story().lock("meet", "Barrier", number=3)
    for name in ("part-0", "part-1"):
        told.process(name).waits(waits.ACQUIRE, told.resource("meet"), call=(waits.PARTIES, told.resource("meet")))
    finding = one(told.main().joins("part-0").run(), "barrier-short")
    assert "part-0 and part-1 wait in meet.wait(), but only 2 of 3 parties have come" in finding.title


@pytest.mark.parametrize(
    ("kind", "call", "rule"),
    [
        ("Event", waits.FLAG, "event-never-set"),
        ("Condition", waits.NOTIFY, "condition-lost-notify"),
        ("JoinableQueue", waits.TASKS_DONE, "queue-join-unfinished"),
    ],
)
def test_a_wait_that_everybody_has_deserted_is_told_by_its_rule(kind: str, call: int, rule: str) -> None:
    told = story().lock("thing", kind).process("server").exits(0)
    told.main().waits(waits.ACQUIRE, told.resource("thing"), call=(call, told.resource("thing")), at="job.py:28")
    finding = one(told.run(), rule)
    assert (causes(told.told), finding.verdict) == ([rule], Verdict.PROVEN)
    assert "server has ended" in finding.title
    assert str(finding.fix_at) == "/job/job.py:28"


def test_a_wait_for_an_event_that_somebody_may_still_set_is_silent() -> None:
    told = story().lock("ready", "Event").process("server").main()
    assert loud(told.waits(waits.ACQUIRE, told.resource("ready"), call=(waits.FLAG, told.resource("ready"))).run()) == []


def test_a_semaphore_whose_takers_have_ended_is_never_released() -> None:
    told = story().lock("seats", "Semaphore", number=2).process("d1").exits(0).process("d2").waits_for("seats")
    assert one(told.main().joins("d2").run(), "semaphore-never-released").verdict is Verdict.PROVEN


def test_a_full_queue_whose_consumer_has_ended() -> None:
    told = story().queue("numbers", maxsize=4).process("searcher").exits(0).main()
    told.waits(waits.ACQUIRE, told.part("numbers", "_sem", "BoundedSemaphore"), at="job.py:24")
    assert one(told.run(), "queue-put-no-consumer").title.startswith("MainProcess waits in numbers.put(), which is full")


def test_two_that_send_to_each_other() -> None:
    told = story().pipe("here").pipe("there")
    here, there = told.resource("here"), told.resource("there")
    here.peer, there.peer = there, here
    told.process("sorter").waits(waits.SEND, there).main().waits(waits.SEND, here)
    assert causes(told.run()) == ["pipe-mutual-send"]


def test_two_that_listen_to_each_other_are_all_asleep() -> None:
    told = story().pipe("here").pipe("there")
    here, there = told.resource("here"), told.resource("there")
    here.peer, there.peer = there, here
    told.process("oracle").waits(waits.RECV, there).main().waits(waits.RECV, here)
    run = told.run()
    assert causes(run) == ["all-asleep"]
    assert one(run, "all-asleep").title == "oracle and MainProcess wait for each other: there.recv() and here.recv()"


def test_an_end_of_file_that_the_reader_itself_holds_up() -> None:
    told = story().pipe("reader").process("teller").exits(0).main()
    told.waits(waits.RECV, told.resource("reader"), at="job.py:22")
    run = told.run()
    run.moments[0].writers[told.resource("reader")] = {told.main_process}
    finding = one(run, "pipe-no-eof")
    assert "itself still has the writing end open" in finding.title


def test_a_pool_that_was_terminated_after_the_wait_for_its_result_was_seen_is_no_hang() -> None:
    told = story().pool("pool")
    told.main().waits(waits.RESULT, told.resource("pool")).look().goes_on()
    told.event(tasks.POOL_STATE, pool=told.resource("pool").key, call="__exit__", pending=1)
    assert found(told.ends(130, "Ctrl-C").run(live=False), "result-after-terminate") == []


def test_who_takes_the_task_queue_of_a_pool_without_being_its_worker_terminates_it() -> None:
    told = story().pool("pool")
    told.process("w1", Role.WORKER).in_pool("pool").exits(1).main()
    told.waits(waits.ACQUIRE, told.resource("pool").parts["_inqueue"].parts["_rlock"])
    assert one(told.run(), "all-asleep").title.startswith("MainProcess waits in pool.terminate()")


def test_who_waits_for_a_managers_server_that_is_starting_does_not_wait_for_ever() -> None:
    told = story().process("SyncManager-1", Role.MANAGER).unseen().main().pipe("manager")
    told.resource("manager").knowers.discard(told.find_process("SyncManager-1"))  # type: ignore[arg-type]
    assert loud(told.waits(waits.RECV, told.resource("manager")).run()) == []


def test_a_result_of_a_terminated_pool_never_comes() -> None:
    told = story().pool("pool").main()
    told.event(tasks.POOL_STATE, pool=told.resource("pool").key, call="__exit__", pending=4)
    told.waits(waits.RESULT, told.resource("pool"), at="job.py:20")
    finding = one(told.run(), "result-after-terminate")
    assert finding.title.startswith("MainProcess waits for a result of pool, which is terminated: its `with` block was left")


def test_a_pools_thread_that_died_explains_who_waits() -> None:
    told = story().pool("pool").main()
    key = told.resource("pool").key
    told.event(
        threads.DIED, at="shop.py:19", role="pool result handler", serves=key, error="KeyError", message="'plum'", name="T3"
    )
    told.waits(waits.RESULT, told.resource("pool"), at="shop.py:26")
    finding = one(told.run(), "helper-thread-died")
    assert finding.title == "the thread that hands out the results of pool died of KeyError: 'plum'"
    assert {place.role for place in finding.places} == {"raised", "waiter"}


def _swallowed_key_error() -> Story:
    told = story().pool("pool").main()
    key = told.resource("pool").key
    return told.event(
        failures.CALLBACK_FAILED, at="shop.py:19", pool=key, job=4, function="show", error="KeyError", message="'plum'"
    )


def test_a_key_error_that_the_pool_swallows_explains_who_waits_for_that_result() -> None:
    told = _swallowed_key_error()
    told.waits(waits.RESULT, told.resource("pool"), at="shop.py:26", detail=4)
    finding = one(told.run(), "helper-thread-died")
    assert finding.title == "the callback show() raised KeyError: 'plum', which the pool swallows: that result never comes"
    assert [(place.role, place.site.line) for place in finding.places] == [("raised", 19), ("waiter", 26)]
    assert finding.severity is Severity.ERROR


def test_a_key_error_that_the_pool_swallows_is_a_warning_while_nobody_waits_for_that_result() -> None:
    told = _swallowed_key_error()
    told.waits(waits.RESULT, told.resource("pool"), at="shop.py:26", detail=5)
    finding = one(told.run(), "helper-thread-died")
    assert finding.severity is Severity.WARNING
    assert [place.role for place in finding.places] == ["raised"]


def test_an_initializer_that_raises_is_one_finding_for_all_workers() -> None:
    told = story().pool("pool").main().waits(waits.RESULT, story().resource("x"))
    key = told.resource("pool").key
    for number in (1, 2, 3):
        told.process(f"w{number}", Role.WORKER).in_pool("pool").event(failures.UNCAUGHT, error="KeyError", where="process")
        told.event(tasks.INITIALIZER_FAILED, at="p.py:16", pool=key, error="KeyError", message="'port'").exits(1)
    finding = one(told.run(), "initializer-failed")
    assert "raises KeyError: 'port' in every worker" in finding.title
    assert "3 workers ended of it" in finding.why
    assert causes(told.told)[0] == "initializer-failed"


def test_a_pool_that_replaces_failing_workers_for_ever_is_told_with_their_cause() -> None:
    told = story().pool("pool", workers=2).main()
    key = told.resource("pool").key
    told.waits(waits.RESULT, told.resource("pool"), at="job.py:19")
    for number in range(4):
        told.process(f"w{number}", Role.WORKER).in_pool("pool")
        told.event(failures.UNCAUGHT, error="AttributeError", message="no double", where="process").exits(1)
        told.main().event(tasks.WORKER_JOINED, pool=key, child=told.find_process(f"w{number}").pid, code=1)  # type: ignore[union-attr]
    run = told.run()
    assert causes(run) == ["worker-respawn-loop"]
    assert "die as fast as they are replaced, of AttributeError: no double" in one(run, "worker-respawn-loop").title


def stalled_on_a_socket() -> Story:
    told = story().queue("questions").process("answers").gets("questions", at="job.py:12").main()
    told.waits_outside("accept", at="job.py:23")
    return told


def test_a_wait_for_the_world_is_a_hint_and_names_the_line() -> None:
    finding = one(stalled_on_a_socket().run(), "stalled")
    assert (finding.verdict, finding.severity) == (Verdict.POSSIBLE, Severity.HINT)
    assert "/job/job.py:23" in {str(place.site) for place in finding.places}


def test_a_stall_that_was_over_when_the_job_ended_is_silent() -> None:
    told = stalled_on_a_socket().look().process("answers").goes_on().exits(0).main().exits(0).ends(0)
    assert found(told.run(live=False), "stalled") == []


def test_a_child_that_came_after_the_look_may_have_the_other_end_of_the_pipe() -> None:
    told = story().pipe("answer").main()
    told.waits(waits.RECV, told.resource("answer"))
    told.process("server", traced=False).unseen()
    told.actor.process.command = "python -c spawn_main"
    run = told.run()
    run.moments[0].readers[run.resources[0]] = {told.main_process}
    run.moments[0].writers[run.resources[0]] = set()
    assert found(run, "all-asleep") == []


def test_a_pipe_of_which_nobody_has_the_other_end_is_no_news() -> None:
    told = story().pipe("answer").main()
    told.waits(waits.RECV, told.resource("answer"))
    run = told.run()
    run.moments[0].readers[run.resources[0]] = {told.main_process}
    run.moments[0].writers[run.resources[0]] = set()
    assert found(run, "all-asleep")
