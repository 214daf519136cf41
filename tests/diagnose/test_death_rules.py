"""Rules about deaths, on runs written by hand; and the deaths that are nobody's fault."""

from __future__ import annotations

import pytest

from mptrace.diagnose.finding import Severity, Verdict
from mptrace.model.process import Role
from mptrace.model.site import Site
from mptrace.wire import wait as waits
from mptrace.wire.events import failures, observations, processes, tasks
from tests.support.story import Story, story
from tests.support.verdicts import causes, found, loud, one


def test_a_kill_by_a_sibling_names_both_and_the_line() -> None:
    run = story().process("encoder").dies(9, "janitor", "tidy.py:18", "os.kill").main().exits(0).ends(0).run(live=False)
    finding = one(run, "killed-by-signal")
    assert (finding.severity, finding.title) == (Severity.ERROR, "encoder was killed by SIGKILL, sent by janitor")
    assert str(finding.fix_at) == "/job/tidy.py:18"


def of_a_forkserver(*names: str) -> Story:
    told = story().process("forkserver", Role.FORKSERVER)
    for name in names:
        told.process(name).told.processes[-1].forked_from = told.find_process("forkserver")
    return told


def test_a_killed_forkserver_is_told_with_the_children_that_it_can_no_longer_tell_of() -> None:
    told = of_a_forkserver("a", "b").process("b").exits(0).process("forkserver").dies(9, "janitor", "tidy.py:18", "os.kill")
    finding = one(told.main().exits(0).ends(0).run(live=False), "forkserver-died")
    assert finding.title == "the forkserver was killed by SIGKILL, sent by janitor, and a lost its way to report"
    assert str(finding.fix_at) == "/job/tidy.py:18"


def test_a_forkserver_that_is_killed_when_its_children_have_ended_is_not_told() -> None:
    told = of_a_forkserver("a").process("a").exits(0).process("forkserver").dies(9)
    assert not found(told.main().exits(0).ends(0).run(live=False), "forkserver-died")


def test_a_forkserver_that_ctrl_c_ended_is_not_told() -> None:
    told = of_a_forkserver("a").main().event(observations.SIGNAL, signal=2).process("forkserver").dies(2)
    assert not found(told.main().dies(2).ends(130, "Ctrl-C").run(live=False), "forkserver-died")


def test_a_process_that_its_parent_terminated_is_silent() -> None:
    run = (
        story().process("heart").dies(15, "MainProcess", "job.py:30", "Process.terminate").main().exits(0).ends(0).run(live=False)
    )
    assert loud(run) == []


def test_a_killed_process_whose_exit_code_was_read_is_silent() -> None:
    told = story().process("worker").dies(9)
    pid = told.find_process("worker").pid  # type: ignore[union-attr]
    assert loud(told.main().event(processes.EXIT_CODE_READ, child=pid).exits(0).ends(0).run(live=False)) == []


def read_by(file: str, *, fails: bool) -> Story:
    told = story().process("worker").dies(9)
    pid = told.find_process("worker").pid  # type: ignore[union-attr]
    told.main().event(processes.EXIT_CODE_READ, at=f"{file}:9", child=pid)
    return told.event(failures.UNCAUGHT, error="TerminatedWorkerError", where="main").exits(1) if fails else told.exits(0)


def test_an_exit_code_that_a_library_read_to_fail_the_program_with_it_was_not_coped_with() -> None:
    run = read_by("/v/lib/python3.11/site-packages/loky/utils.py", fails=True).ends(1).run(live=False)
    assert "its exit code is all" in one(run, "killed-by-signal").why.lower()


@pytest.mark.parametrize(("file", "fails"), [("/v/lib/python3.11/site-packages/loky/utils.py", False), ("job.py", True)])
def test_an_exit_code_that_the_program_read_or_a_library_coped_with_is_silent(file: str, *, fails: bool) -> None:
    assert "killed-by-signal" not in loud(read_by(file, fails=fails).ends(int(fails)).run(live=False))


def test_what_happens_between_processes_that_were_not_traced_is_nobodys_fault_that_we_know_of() -> None:
    told = story().process("script", traced=False).exits(0).process("worker", parent="script", traced=False).dies(15)
    assert loud(told.main().exits(0).ends(0).run(live=False)) == []


def test_what_ctrl_c_ended_is_no_death_to_report() -> None:
    told = story().process("worker").main().event(observations.SIGNAL, signal=2).process("worker").dies(2)
    assert loud(told.main().dies(2).ends(130, "Ctrl-C").run(live=False)) == []


def test_what_died_before_ctrl_c_is_reported() -> None:
    told = story().process("worker").dies(9).main().event(observations.SIGNAL, signal=2).dies(2)
    assert "killed-by-signal" in loud(told.ends(130, "Ctrl-C").run(live=False))


def test_what_a_signal_to_the_whole_group_ended_before_it_was_noted_is_no_death_to_report() -> None:
    told = story().process("worker").dies(15).main().event(observations.SIGNAL, signal=15).dies(15)
    assert loud(told.ends(143, "SIGTERM").run(live=False)) == []


def test_a_program_whose_reader_has_gone_is_silent() -> None:
    assert loud(story().main().dies(13, by="").ends(141).run(live=False)) == []


def test_an_idle_pool_worker_that_was_killed_and_replaced_is_silent() -> None:
    told = story().pool("pool").process("ForkPoolWorker-1", Role.WORKER).in_pool("pool").dies(9)
    assert loud(told.main().exits(0).ends(0).run(live=False)) == []


def test_a_segfault_names_the_programs_line_and_not_the_librarys() -> None:
    told = story().process("viewer")
    told.actor.process.fatal_stack = (
        Site("/usr/lib/python3.11/ctypes/__init__.py", 519, "string_at"), Site("/job/show.py", 14, "show"),
    )  # fmt: skip
    told.actor.process.fatal_error = "Segmentation fault"
    finding = one(told.dies(11, "").main().exits(0).ends(0).run(live=False), "segfault")
    assert finding.title == "viewer died of SIGSEGV (segmentation fault), in show()"
    assert str(finding.fix_at) == "/job/show.py:14"
    assert "string_at" in finding.fix


def test_an_exception_that_nobody_saw_is_an_error() -> None:
    told = (
        story().process("loader").event(failures.UNCAUGHT, at="load.py:10", error="ValueError", message="no int", where="process")
    )
    finding = one(told.exits(1).main().exits(0).ends(0).run(live=False), "uncaught-exception")
    assert finding.title == "loader died of ValueError: no int"
    assert str(finding.fix_at) == "/job/load.py:10"


def test_an_exception_whose_exit_code_was_read_is_silent_if_the_job_went_well() -> None:
    told = story().process("loader").event(failures.UNCAUGHT, error="ValueError", where="process").exits(1)
    pid = told.actor.process.pid
    assert loud(told.main().event(processes.EXIT_CODE_READ, child=pid).exits(0).ends(0).run(live=False)) == []


def test_an_exception_whose_exit_code_was_read_is_told_if_the_job_failed() -> None:
    told = story().process("loader").event(failures.UNCAUGHT, error="ValueError", where="process").exits(1)
    pid = told.actor.process.pid
    assert "uncaught-exception" in loud(told.main().event(processes.EXIT_CODE_READ, child=pid).exits(3).ends(3).run(live=False))


def test_a_keyboard_interrupt_in_a_child_is_silent() -> None:
    told = story().process("loader").event(failures.UNCAUGHT, error="KeyboardInterrupt", where="process").exits(1)
    assert "uncaught-exception" not in loud(told.main().exits(0).ends(130, "Ctrl-C").run(live=False))


def test_os_exit_with_a_status_that_nobody_read_is_an_error() -> None:
    told = story().process("server-2").event(processes.HARD_EXIT, at="serve.py:11", code=3)
    finding = one(told.exits(3, orderly=False).main().exits(0).ends(0).run(live=False), "hard-exit")
    assert finding.title == "server-2 left with os._exit(3), and nobody noticed"
    assert str(finding.fix_at) == "/job/serve.py:11"


def test_an_installed_package_that_ends_its_own_worker_so_is_silent() -> None:
    line = "/venv/lib/python3.11/site-packages/pebble/common/process.py:107"
    told = story().process("pebble_pool_worker").event(processes.HARD_EXIT, at=line, code=15).exits(15, orderly=False)
    assert "hard-exit" not in loud(told.main().exits(0).ends(0).run(live=False))


@pytest.mark.parametrize(("first", "told"), [("terminate", []), ("exit", ["hard-exit"])])
def test_os_exit_upon_the_parents_sigterm_is_silent_and_before_it_is_not(first: str, told: list[str]) -> None:
    life = story().process("server-2")
    pid = life.actor.process.pid
    if first == "terminate":
        life.main().event(processes.SIGNALLED, child=pid, signal=15, call="Process.terminate").process("server-2")
    life.event(processes.HARD_EXIT, at="serve.py:11", code=3).exits(3, orderly=False)
    if first == "exit":
        life.main().event(processes.SIGNALLED, child=pid, signal=15, call="Process.terminate")
    assert loud(life.main().exits(0).ends(0).run(live=False)) == told


def test_os_exit_0_of_a_child_is_silent() -> None:
    told = story().process("child").event(processes.HARD_EXIT, code=0).exits(0, orderly=False)
    assert loud(told.main().exits(0).ends(0).run(live=False)) == []


def test_os_exit_0_before_the_awaited_item_explains_the_hang() -> None:
    told = story().queue("results").process("worker").event(processes.HARD_EXIT, code=0).exits(0, orderly=False)
    assert causes(told.main().gets("results").run()) == ["hard-exit"]


def test_sys_exit_with_a_status_that_the_job_ignored_is_told_at_the_join() -> None:
    told = story().process("render").event(processes.SYSTEM_EXIT, at="t.py:11", code=1).exits(1, call="sys.exit", at="t.py:11")
    pid = told.actor.process.pid
    told.main().event(processes.JOINED, at="t.py:21", child=pid, done=1).exits(0).ends(0)
    assert causes(told.run(live=False)) == ["exit-status-ignored"]
    assert str(one(told.told, "exit-status-ignored").fix_at) == "/job/t.py:21"


def dead_in_task(signal: int = 9) -> Story:
    told = story().pool("pool", at="main.py:12").process("ForkPoolWorker-3", Role.WORKER).in_pool("pool")
    told.works_on("resize('img/0172.png')", "pool", job=0).dies(signal, "outside")
    return told.main().waits(waits.RESULT, told.resource("pool"), at="main.py:14", detail=0)


def test_a_pool_worker_killed_in_a_task_is_proven_to_have_lost_it() -> None:
    finding = one(dead_in_task().run(), "pool-worker-died")
    assert finding.verdict is Verdict.PROVEN
    assert (
        finding.title == "resize('img/0172.png') will never finish: ForkPoolWorker-3 was killed by SIGKILL from outside the job"
    )
    assert ("waiter", "/job/main.py:14") in {(place.role, str(place.site)) for place in finding.places}
    assert "0.1 s into that task" in " ".join(step.says for step in finding.steps)


def test_the_kill_of_a_worker_is_folded_under_the_task_it_cost() -> None:
    assert causes(dead_in_task().run()) == ["pool-worker-died"]


def test_a_segfault_in_a_task_is_folded_under_the_task_it_cost() -> None:
    assert causes(dead_in_task(11).run()) == ["pool-worker-died"]


def test_a_lost_task_in_a_recording_with_gaps_is_likely() -> None:
    assert one(dead_in_task().lost(records=2).run(), "pool-worker-died").verdict is Verdict.LIKELY


def test_a_worker_that_its_pool_terminated_in_a_task_is_silent() -> None:
    told = story().pool("pool").process("ForkPoolWorker-3", Role.WORKER).in_pool("pool").works_on("resize(1)", "pool")
    key = told.resource("pool").key
    told.main().event(tasks.POOL_STATE, pool=key, call="__exit__").process("ForkPoolWorker-3").dies(15, "MainProcess")
    assert loud(told.main().exits(0).ends(0).run(live=False)) == []


def test_a_broken_executor_names_the_worker_and_the_call() -> None:
    told = story().pool("executor", "ProcessPoolExecutor").process("worker-2", Role.EXECUTOR_WORKER).in_pool("executor")
    told.works_on("resize(900)", "executor").dies(9, "outside").process("worker-1", Role.EXECUTOR_WORKER).in_pool("executor")
    told.dies(15, "MainProcess").main().event(
        tasks.BROKEN, pool=told.resource("executor").key, cause="BrokenProcessPool", pending=3
    )
    run = told.exits(1).ends(1).run(live=False)
    assert causes(run) == ["executor-broken"]
    title = "worker-2 was killed by SIGKILL from outside the job during resize(900), and executor broke with it"
    assert one(run, "executor-broken").title == title


def test_a_missing_main_guard_is_one_finding_for_all_children() -> None:
    told = story()
    says = "\n   An attempt has been made to start a new process before the\n   current process has finished its bootstrapping phase.\n"
    for name in ("w1", "w2"):
        told.process(name).event(failures.UNCAUGHT, at="run.py:13", error="RuntimeError", message=says, where="spawn").exits(1)
    run = told.main().exits(0).ends(0).run(live=False)
    assert causes(run) == ["missing-main-guard"]
    assert one(run, "missing-main-guard").title.startswith("run.py starts processes outside of `if __name__")


def test_a_child_that_outlives_its_killed_parent_is_a_warning() -> None:
    told = story().process("server").main().dies(9).process("server")
    told.now += 5_000_000_000
    finding = one(told.exits(0).ends(137).run(live=False), "orphaned")
    assert (finding.severity, finding.title) == (
        Severity.WARNING, "server outlived its parent MainProcess, which was killed by SIGKILL from outside the job",
    )  # fmt: skip


def test_a_kill_that_the_oom_counter_saw_is_the_kernels() -> None:
    told = story().process("worker").main().event(observations.OOM, kills=0, limit=2_000_000_000).process("worker").dies(9)
    run = told.main().event(observations.OOM, kills=1, limit=2_000_000_000).exits(0).ends(0).run(live=False)
    assert causes(run) == ["oom-killed"]
    assert "went from 0 to 1; the limit is 2.0 GB" in one(run, "oom-killed").why


def test_an_interrupted_job_is_only_a_hint() -> None:
    run = story().main().event(observations.SIGNAL, signal=2).dies(2).ends(130, "Ctrl-C").run(live=False)
    assert [finding.severity for finding in found(run, "interrupted")] == [Severity.HINT]


def test_a_task_that_was_seen_while_it_ran_and_was_finished_since_is_not_lost() -> None:
    told = story().pool("pool").process("ForkPoolWorker-1", Role.WORKER).in_pool("pool").works_on("square(1)", "pool")
    told.look()
    told.doings.clear()
    told.process("ForkPoolWorker-1").exits(0).main().exits(0).ends(0)
    assert loud(told.run(live=False)) == []


def test_a_worker_that_left_by_sys_exit_lost_its_task() -> None:
    told = story().pool("pool").process("ForkPoolWorker-1", Role.WORKER).in_pool("pool")
    told.event(processes.SYSTEM_EXIT, at="c.py:18", code=2).exits(2, call="sys.exit", at="c.py:18")
    told.main().waits(waits.RESULT, told.resource("pool"), at="c.py:26")
    finding = one(told.run(), "pool-worker-died")
    assert "ForkPoolWorker-1 ended with status 2 in sys.exit()" in finding.title
    assert causes(told.told) == ["pool-worker-died"]
