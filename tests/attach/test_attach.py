"""Attach to programs that hang, started plainly, and judge what was written down."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from mptrace.attach.attach import attach
from mptrace.attach.refusals import NothingToAttach
from mptrace.cli.judge import Judged, judge
from mptrace.collect import read_run
from mptrace.diagnose.finding import Verdict
from mptrace.errors import BadUse
from mptrace.model.build import build_run
from mptrace.observe import procfs
from mptrace.wire import layout
from tests.attach import hung
from tests.support.versions import everywhere


def attached(pid: int, folder: Path) -> Judged:
    """Attach, and judge what was seen."""
    return judge(attach(pid, str(folder / "run")).path)


def loud(judged: Judged) -> list[tuple[str, str]]:
    """Return rule and verdict of what is worse than a hint."""
    findings = judged.diagnosis.findings
    return [(finding.rule, finding.verdict.value) for finding in findings if finding.severity.value != "hint"]


@everywhere
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_circle_of_locks_is_proven_in_every_version_and_start_method(tmp_path, method, python):
    with hung.hanging(tmp_path, hung.LOCK_CYCLE, method, python=python) as pid:
        judged = attached(pid, tmp_path)
    (finding,) = judged.diagnosis.findings
    assert (finding.rule, finding.verdict) == ("lock-cycle", Verdict.PROVEN)
    assert {process.name for process in finding.processes} == {"left", "right"}
    assert {resource.name for resource in finding.resources} == {"stats", "cache"}
    assert all(place.site.line for place in finding.places)


def test_any_process_of_the_job_leads_to_all_of_it(tmp_path):
    with hung.hanging(tmp_path, hung.LOCK_CYCLE, "fork") as pid:
        child = max(int(name) for name in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        judged = attached(child, tmp_path)
    assert judged.run.main.pid == pid
    assert len(judged.run.processes) == 3


def test_a_thread_that_waits_for_its_own_lock_is_proven(tmp_path):
    with hung.hanging(tmp_path, hung.SELF_DEADLOCK) as pid:
        assert ("self-deadlock", "proven") in loud(attached(pid, tmp_path))


def test_a_lock_whose_holder_was_killed_names_the_dead(tmp_path):
    with hung.hanging(tmp_path, hung.DEAD_HOLDER) as pid:
        judged = attached(pid, tmp_path)
    first = judged.diagnosis.findings[0]
    assert (first.rule, first.verdict) == ("lock-holder-died", Verdict.PROVEN)
    assert "victim was killed by SIGKILL" in first.title


def test_two_that_send_to_each_other_wait_for_the_room_in_the_pipe_of_the_other(tmp_path):
    with hung.hanging(tmp_path, hung.PIPE_BOTH_SEND) as pid:
        run = build_run(read_run(attach(pid, str(tmp_path / "run")).path))
    moment = next(moment for moment in run.moments if not moment.final)
    ends = {wait.resource for wait in moment.waits}
    assert len(ends) == 2
    assert {end.peer for end in ends} == ends


def test_an_idle_pool_is_not_hung(tmp_path):
    with hung.hanging(tmp_path, hung.IDLE_POOL, "4") as pid:
        judged = attached(pid, tmp_path)
    assert loud(judged) == []
    assert "ForkPoolWorker-1" in {process.name for process in judged.run.processes}


def test_a_busy_program_is_not_hung(tmp_path):
    with hung.hanging(tmp_path, hung.BUSY) as pid:
        judged = attached(pid, tmp_path)
    assert judged.diagnosis.findings == []


def test_the_join_of_a_thread_leads_to_that_thread(tmp_path):
    with hung.hanging(tmp_path, hung.THREAD_JOIN) as pid:
        run = build_run(read_run(attach(pid, str(tmp_path / "run")).path))
    moment = next(moment for moment in run.moments if not moment.final)
    wait = moment.wait_of(run.main.main_thread)
    assert wait.target.name == "waiter"


def test_the_recorder_files_say_that_they_were_only_observed(tmp_path):
    with hung.hanging(tmp_path, hung.SELF_DEADLOCK) as pid:
        recording = read_run(attach(pid, str(tmp_path / "run")).path)
    assert recording.damage == []
    assert all(process.head.flags & layout.ATTACHED and not process.damage for process in recording.processes)


def test_the_job_is_as_it_was_afterwards(tmp_path):
    with hung.hanging(tmp_path, hung.IDLE_POOL, "2") as pid:
        before = _looks(pid)
        attach(pid, str(tmp_path / "run"))
        assert _looks(pid) == before


def _looks(pid: int) -> dict[str, str]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    ids = ("State", "TracerPid", "SigPnd", "ShdPnd", "SigBlk")
    lines = [line for one in (str(pid), *children) for line in Path(f"/proc/{one}/status").read_text().splitlines()]
    descriptors = sorted(os.listdir(f"/proc/{pid}/fd"))
    return {"status": str([line for line in lines if line.startswith(ids)]), "descriptors": str(descriptors)}


def test_a_stopped_process_is_read_all_the_same_and_left_stopped(tmp_path):
    with hung.hanging(tmp_path, hung.LOCK_CYCLE, "fork") as pid:
        os.kill(pid, signal.SIGSTOP)
        judged = attached(pid, tmp_path)
        assert "T (stopped)" in Path(f"/proc/{pid}/status").read_text()
        os.kill(pid, signal.SIGCONT)
    assert ("lock-cycle", "proven") in loud(judged)


@pytest.mark.slow
def test_a_pool_of_64_processes_takes_less_than_five_seconds(tmp_path):
    with hung.hanging(tmp_path, hung.IDLE_POOL, "64") as pid:
        began = time.process_time()
        found = attach(pid, str(tmp_path / "run"))
    assert found.processes == 65
    assert time.process_time() - began < 5  # of our own CPU: the machine may be busy with other things


@pytest.mark.parametrize(
    ("pid", "says"),
    [
        (0, "not a process number"),
        (2**22 + 5, "There is no process"),
        (2, "thread of the kernel"),
        (os.getpid(), "mptrace itself"),
    ],
)
def test_what_cannot_be_attached_to_is_said_in_one_sentence(pid, says):
    if pid == 2 and "kthreadd" not in Path("/proc/2/comm").read_text():
        pytest.skip("no kernel threads are to be seen here")
    with pytest.raises((NothingToAttach, BadUse), match=says) as refused:
        attach(pid)
    assert refused.value.hint
    assert "\n" not in refused.value.message


def test_a_program_that_is_no_python_is_refused_by_name():
    pid = os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "60")
    try:
        while "sleep" not in Path(f"/proc/{pid}/cmdline").read_text():
            time.sleep(0.01)
        with pytest.raises(NothingToAttach, match="is not Python: it runs sleep 60"):
            attach(pid)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_a_zombie_is_refused_and_its_parent_named():
    pid = os.spawnlp(os.P_NOWAIT, "true", "true")
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(NothingToAttach, match="zombie") as refused:
            attach(pid)
        assert f"attach {os.getpid()}" in refused.value.hint
    finally:
        os.waitpid(pid, 0)


def test_an_output_that_holds_a_recording_is_refused(tmp_path):
    with hung.hanging(tmp_path, hung.SELF_DEADLOCK) as pid:
        attach(pid, str(tmp_path / "run"))
        with pytest.raises(BadUse, match="holds a recording already"):
            attach(pid, str(tmp_path / "run"))


@everywhere
def test_a_circle_of_rlocks_of_threads_is_proven_by_their_owners(tmp_path, python):
    with hung.hanging(tmp_path, hung.RLOCK_CYCLE, python=python) as pid:
        judged = attached(pid, tmp_path)
    assert ("lock-cycle", "proven") in loud(judged)
    assert {resource.name for resource in judged.diagnosis.findings[0].resources} <= {"stats", "cache", "mine", "other"}


@everywhere
def test_a_task_that_went_with_a_replaced_worker_is_lost(tmp_path, python):
    with hung.hanging(tmp_path, hung.POOL_LOST_WORKER, python=python) as pid:
        time.sleep(1)  # the pool looks for dead workers ten times a second; there is nothing to see from outside until then
        judged = attached(pid, tmp_path)
    assert loud(judged)[0] == ("pool-worker-died", "proven")
    assert judged.diagnosis.findings[0].title.count("ForkPoolWorker-") == 2


@pytest.mark.parametrize("program", [hung.POOL_CALLBACK_RAISES, hung.CALLBACK_WORKS_LONG], ids=["raises", "works long"])
def test_no_worker_is_said_to_be_dead_when_a_callback_keeps_the_result(tmp_path, program):
    with hung.hanging(tmp_path, program) as pid:
        judged = attached(pid, tmp_path)
    assert "pool-worker-died" not in dict(loud(judged))
    assert not any(verdict == "proven" for rule, verdict in loud(judged) if rule != "helper-thread-died")


@pytest.mark.parametrize("program", [hung.EVENT_LOOP, hung.MANAGER], ids=["event loop", "manager"])
def test_what_waits_as_part_of_its_work_is_no_finding(tmp_path, program):
    with hung.hanging(tmp_path, program) as pid:
        assert loud(attached(pid, tmp_path)) == []


def test_a_child_that_its_parent_terminated_is_no_finding(tmp_path):
    with hung.hanging(tmp_path, hung.TERMINATED_CHILD) as pid:
        assert loud(attached(pid, tmp_path)) == []


def test_a_wait_inside_a_foreign_library_proves_nothing(tmp_path):
    with hung.hanging(tmp_path, hung.FOREIGN_CONDITION) as pid:
        judged = attached(pid, tmp_path)
    assert loud(judged) == []


def test_a_traced_job_is_explained_by_its_own_recording_too(tmp_path):
    run = tmp_path / "traced"
    (tmp_path / "program.py").write_text(textwrap.dedent(hung.LOCK_CYCLE))
    command = [sys.executable, "-m", "mptrace", "--output", str(run), "--hang-after", "60", str(tmp_path / "program.py"), "fork"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True) as job:
        try:
            hung.await_ready(job)
            main = next(child for child in procfs.children(job.pid) if procfs.command(child)[-1] == "fork")
            hung.await_rest(main)
            judged = attached(max(procfs.children(main)), tmp_path)
        finally:
            os.killpg(job.pid, signal.SIGKILL)
    assert ("lock-cycle", "proven") in loud(judged)
    assert all(resource.created_at for resource in judged.diagnosis.findings[0].resources)
    assert len(judged.run.processes) == 3


def test_the_command_line_says_what_it_found_and_writes_json(tmp_path):
    with hung.hanging(tmp_path, hung.LOCK_CYCLE, "fork") as pid:
        done = _mptrace(tmp_path, "attach", str(pid), "--output", str(tmp_path / "run"), "--json", str(tmp_path / "report.json"))
    assert done.returncode == 0, done.stderr
    assert "lock-cycle (proven): " in done.stdout
    assert "stopped for no time" in done.stdout
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["findings"][0]["rule"] == "lock-cycle"


def test_the_command_line_refuses_in_one_sentence_with_status_2(tmp_path):
    done = _mptrace(tmp_path, "attach", str(2**22 + 5))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("mptrace: There is no process")
    assert "Traceback" not in done.stderr


def _mptrace(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mptrace", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=folder, check=False)


OLDER = sorted(Path("~/.pyenv/versions").expanduser().glob("3.[6-9].*/bin/python"))


@pytest.mark.skipif(not OLDER, reason="there is no Python here whose layout is unknown")
def test_a_layout_that_is_not_known_lowers_the_verdict_and_says_so(tmp_path):
    with hung.hanging(tmp_path, hung.LOCK_CYCLE, "fork", python=OLDER[-1]) as pid:
        judged = attached(pid, tmp_path)
    assert loud(judged)
    assert not any(verdict == "proven" for _, verdict in loud(judged))
    assert any("is not known here" in note for note in judged.run.completeness.notes)
