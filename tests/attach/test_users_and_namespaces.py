"""Jobs of other users, with a child that may not be read, in another pid namespace, stopped: a partial answer or one clear sentence."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mptrace.attach.attach import attach
from mptrace.attach.refusals import NothingToAttach
from mptrace.cli.judge import judge
from tests.attach import hung

NOBODY = 65534
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")

HIDDEN_CHILD = """
    import ctypes, multiprocessing

    def work(mine, other, meeting, hidden):
        if hidden:
            ctypes.CDLL(None).prctl(4, 0)  # PR_SET_DUMPABLE: as after a change of the user
        with mine:
            meeting.wait()
            print("ready", flush=True)
            with other:
                pass

    if __name__ == "__main__":
        context = multiprocessing.get_context("fork")
        stats, cache, meeting = context.Lock(), context.Lock(), context.Barrier(2)
        left = context.Process(target=work, args=(stats, cache, meeting, False), name="left")
        right = context.Process(target=work, args=(cache, stats, meeting, True), name="right")
        left.start(), right.start()
        left.join()
"""


def as_nobody(function: Callable[[], Any]) -> Any:
    """Return what a function returns in a forked child that has become another user; an exception is returned as well."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            try:
                answer = function()
            except Exception as trouble:  # as an answer
                answer = trouble
            os.write(writer, pickle.dumps(answer))
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        data = pipe.read()
    os.waitpid(pid, 0)
    return pickle.loads(data)


def findings_of(pid: int, folder: Path) -> list[tuple[str, str]]:
    return findings_in(attach(pid, str(folder)).path)


def findings_in(path: str) -> list[tuple[str, str]]:
    return [(finding.rule, finding.verdict.value) for finding in judge(path).diagnosis.findings]


def attached_by_nobody(pid: int, folder: Path) -> str:
    """Attach as another user than root; return the run directory."""
    folder.mkdir()
    folder.chmod(0o777)
    path = as_nobody(lambda: attach(pid, str(folder / "run")).path)
    assert isinstance(path, str), path
    return path


def python_of_everybody() -> str:
    """Return an interpreter that another user may start; skips if there is none."""
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            if subprocess.run([python, "-c", ""], user=NOBODY, group=NOBODY, check=False, capture_output=True).returncode == 0:
                return python
        except OSError:
            continue
    pytest.skip("no Python here that another user may start")


def job_of_nobody(program: str, folder: Path) -> subprocess.Popen[bytes]:
    path = folder / "program.py"
    path.write_text(textwrap.dedent(program))
    for place in (path, *path.parents):
        if place.stat().st_uid == 0 and str(place).startswith("/tmp/pytest"):
            place.chmod(0o755)
    job = subprocess.Popen(
        [python_of_everybody(), str(path), "fork"],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        start_new_session=True,
    )
    hung.await_ready(job)
    hung.await_rest(job.pid)
    return job


def stop(job: subprocess.Popen[bytes]) -> None:
    os.killpg(job.pid, signal.SIGKILL)
    job.wait(10)
    if job.stdout:
        job.stdout.close()


@needs_root
def test_another_users_job_is_refused_with_the_command_that_helps(tmp_path):
    with hung.hanging(tmp_path, hung.SELF_DEADLOCK) as pid:
        refused = as_nobody(lambda: attach(pid, str(tmp_path / "run")))
    assert isinstance(refused, NothingToAttach)
    assert "belongs to another user (uid 0)" in refused.message
    assert f"sudo {sys.executable} -m mptrace attach {pid}" in refused.hint


@needs_root
def test_ones_own_job_is_explained_without_being_root(tmp_path):
    job = job_of_nobody(hung.LOCK_CYCLE, tmp_path)
    try:
        assert findings_in(attached_by_nobody(job.pid, tmp_path / "open")) == [("lock-cycle", "proven")]
    finally:
        stop(job)


@needs_root
def test_a_child_that_may_not_be_read_may_hold_anything(tmp_path):
    job = job_of_nobody(HIDDEN_CHILD, tmp_path)
    try:
        path = attached_by_nobody(job.pid, tmp_path / "open")
        assert "proven" not in dict(findings_in(path)).values()
        assert any("as root it may be read" in note for note in judge(path).run.completeness.notes)
        assert ("lock-cycle", "proven") in findings_of(job.pid, tmp_path / "as root")
    finally:
        stop(job)


def unshared(*command: str, proc: bool) -> subprocess.Popen[bytes]:
    """Start a command in a pid namespace of its own, with or without a /proc of its own; skips where that is forbidden."""
    options = ["unshare", "--pid", "--fork", "--kill-child", *(["--mount-proc"] if proc else [])]
    if not shutil.which("unshare") or subprocess.run([*options, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no pid namespaces for us here")
    return subprocess.Popen(
        [*options, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, start_new_session=True
    )


def test_a_job_in_another_pid_namespace_is_explained_from_outside(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(textwrap.dedent(hung.LOCK_CYCLE))
    job = unshared(sys.executable, str(path), "fork", proc=True)
    try:
        hung.await_ready(job)
        (inner,) = (int(name) for name in Path(f"/proc/{job.pid}/task/{job.pid}/children").read_text().split())
        hung.await_rest(inner)
        assert findings_of(inner, tmp_path / "run") == [("lock-cycle", "proven")]
    finally:
        stop(job)
        if job.stderr:
            job.stderr.close()


def test_the_proc_of_another_pid_namespace_is_refused(tmp_path):
    with hung.hanging(tmp_path, hung.SELF_DEADLOCK) as pid:
        said = unshared(sys.executable, "-m", "mptrace", "attach", str(pid), proc=False).communicate(timeout=60)[1]
    assert b"those of another pid namespace" in said
    assert b"Traceback" not in said


@needs_root
def test_root_without_its_capability_is_not_sent_to_sudo(tmp_path):
    bare = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
    if not shutil.which("setpriv") or subprocess.run([*bare, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no setpriv here that may drop capabilities")
    with hung.hanging(tmp_path, hung.SELF_DEADLOCK) as pid:
        command = [*bare, sys.executable, "-m", "mptrace", "attach", str(pid)]
        refused = subprocess.run(command, check=False, capture_output=True, timeout=60, cwd=tmp_path)
    assert refused.returncode == 2
    assert b"--cap-add=SYS_PTRACE" in refused.stderr
    assert b"sudo" not in refused.stderr


def test_a_stopped_job_is_called_stopped(tmp_path):
    with hung.hanging(tmp_path, hung.LOCK_CYCLE, "fork") as pid:
        os.killpg(pid, signal.SIGSTOP)
        try:
            judged = judge(attach(pid, str(tmp_path / "run")).path)
        finally:
            os.killpg(pid, signal.SIGCONT)
    assert any("stopped, as by Ctrl-Z" in note for note in judged.run.completeness.notes)
    assert "proven" not in {finding.verdict.value for finding in judged.diagnosis.findings}
