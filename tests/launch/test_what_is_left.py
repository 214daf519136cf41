"""What lives on when the job, or the launcher, has ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mptrace.collect import read_run
from tests.support.launched import (
    command,
    environment,
    is_running,
    launch,
    launched,
    meta,
    observed,
    only_run,
    wait_until,
    write_script,
)  # fmt: skip


def test_a_killed_launcher_leaves_the_job_running_and_the_recording_readable(tmp_path: Path) -> None:
    write_script(
        tmp_path,
        """
        import os, sys
        from multiprocessing import Process
        if __name__ == "__main__":
            worker = Process(target=sys.stdin.read)
            worker.start()
            print(os.getpid(), flush=True)
            sys.stdin.readline()
            worker.terminate()
            worker.join()
            print("went on", flush=True)
        """,
    )
    with launched(tmp_path, "job.py") as process:
        assert process.stdout is not None
        assert process.stdin is not None
        job = int(process.stdout.readline())
        process.kill()
        process.wait(30)
        assert is_running(job)
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "went on\n"
    recording = read_run(str(only_run(tmp_path)))
    assert len(recording.processes) == 2
    assert not recording.damage
    assert recording.meta["end_ns"] is None


def test_a_daemon_lives_on_and_is_not_waited_for(tmp_path: Path) -> None:
    write_script(
        tmp_path,
        """
        import os, subprocess, sys
        daemon = subprocess.Popen(["sleep", "300"], start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        print(daemon.pid, flush=True)
        os._exit(3)
        """,
    )
    ended = subprocess.run(
        command("job.py"), cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=60, check=False
    )
    daemon = int(ended.stdout)
    try:
        assert ended.returncode == 3
        assert is_running(daemon)
        assert str(daemon) in str(observed(only_run(tmp_path), "seen.end")[0].fields["left"])
    finally:
        os.kill(daemon, signal.SIGKILL)


def test_the_status_of_an_orphan_is_known(tmp_path: Path) -> None:
    """The middle process ends first, so its child comes to us."""
    ended = launch(tmp_path, "run", "--", "sh", "-c", "(sh -c 'sleep 0.6; exit 5' & echo $!); sleep 1.2")

    orphan = int(ended.stdout)
    (record,) = [record for record in observed(only_run(tmp_path), "seen.exit") if record.fields["pid"] == orphan]
    assert record.fields["status"] == 5


def test_a_job_that_hangs_is_killed_with_all_its_processes(tmp_path: Path) -> None:
    write_script(
        tmp_path,
        """
        import os, signal
        from multiprocessing import Lock, Process
        def work(lock):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            lock.acquire()
        if __name__ == "__main__":
            lock = Lock()
            lock.acquire()
            workers = [Process(target=work, args=(lock,)) for _ in range(2)]
            for worker in workers:
                worker.start()
            print(*[worker.pid for worker in workers], flush=True)
            lock.acquire()
        """,
    )
    ended = launch(tmp_path, "--on-hang", "kill", "--hang-after", "2", "job.py")

    assert ended.status == 124
    assert "self-deadlock" in ended.stderr
    assert not any(is_running(int(pid)) for pid in ended.stdout.split())
    assert ended.left == []
    assert meta(tmp_path)["ended_by"] == "--on-hang kill"


def test_nothing_of_ours_runs_on(tmp_path: Path) -> None:
    ended = launch(tmp_path, "-c", "import multiprocessing as m; m.get_context('spawn').Process(target=print).start()")

    assert ended.left == []


def test_a_cleaned_environment_is_given_as_the_reason(tmp_path: Path) -> None:
    write_script(
        tmp_path,
        """
        import subprocess, sys
        sleep = "import time; time.sleep(1.2)"
        for command, env in (([sys.executable, "-I"], None), ([sys.executable], {})):
            subprocess.run([*command, "-c", sleep], env=env, timeout=30, check=True)
        subprocess.run(["sleep", "0.6"], timeout=30, check=True)
        """,
    )
    assert launch(tmp_path, "job.py").status == 0

    reasons = {record.fields["why_untraced"] for record in observed(only_run(tmp_path), "seen.process")} - {""}
    assert reasons == {"started with -I", "started with an empty environment", "another program: sleep"}


def test_exits_of_workers_are_seen_with_their_status(tmp_path: Path) -> None:
    write_script(
        tmp_path,
        """
        import os, signal, sys, time
        from multiprocessing import Process
        if __name__ == "__main__":
            worker = Process(target=time.sleep, args=(60,))
            worker.start()
            print(worker.pid, flush=True)
            sys.stdin.readline()
            os.kill(worker.pid, signal.SIGKILL)
            worker.join()
        """,
    )
    with launched(tmp_path, "job.py") as process:
        assert process.stdout is not None
        worker = int(process.stdout.readline())
        run = only_run(tmp_path)
        wait_until(lambda: worker in [record.fields["pid"] for record in observed(run, "seen.process")])
        process.communicate("\n", timeout=30)

    statuses = {record.fields["pid"]: record.fields["status"] for record in observed(run, "seen.exit")}
    assert statuses[worker] == -signal.SIGKILL


def test_the_agent_starts_in_the_interpreter_of_a_command(tmp_path: Path) -> None:
    ended = launch(tmp_path, "run", "--", sys.executable, "-c", "import os; print(os.getpid())")

    assert list(only_run(tmp_path).glob(f"processes/{int(ended.stdout)}-*.seen"))


def test_the_job_is_not_waited_for_by_a_reader_of_the_run(tmp_path: Path) -> None:
    with launched(tmp_path, "-c", "input()") as process:
        wait_until(lambda: list((tmp_path / ".mptrace").glob("*/run.json")))
        run = only_run(tmp_path)
        wait_until(lambda: observed(run, "seen.process"))
        assert read_run(str(run)).meta["end_ns"] is None
        process.communicate("\n", timeout=30)
    assert meta(tmp_path)["end_ns"] is not None


@pytest.mark.parametrize("limit", ["-n 9", "-f 20", "-n 20"])
def test_limits_on_files_are_no_trouble_for_the_job(tmp_path: Path, limit: str) -> None:
    write_script(
        tmp_path,
        """
        from multiprocessing import Process
        if __name__ == "__main__":
            worker = Process(target=print, args=("worked",), kwargs={"flush": True})
            worker.start()
            worker.join()
            raise SystemExit(3)
        """,
    )
    done = subprocess.run(
        ["sh", "-c", f'ulimit {limit}; exec "$@"', "sh", *command("job.py")], cwd=tmp_path, env=environment(), capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (3, "worked\n")
