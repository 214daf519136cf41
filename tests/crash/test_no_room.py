"""No disk, no descriptors, no permission, no run directory: the program runs as if nobody watched it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mptrace.wire import layout, rundir
from tests.support.traced import environment
from tests.support.versions import everywhere

PROGRAM = """
import multiprocessing as mp, resource, signal, sys
def work(queue, lock):
    with lock:
        queue.put(queue.get() + 1)
def main():
    ctx = mp.get_context(sys.argv[1])
    queue, lock = ctx.Queue(), ctx.Lock()
    child = ctx.Process(target=work, args=(queue, lock))
    child.start(); queue.put(1); child.join(); print(queue.get(), child.exitcode)
if __name__ == "__main__":
    main()
"""


def _run(path: Path, python: str, run: Path, before: str = "", *, method: str = "spawn") -> subprocess.CompletedProcess[str]:
    script = path / "program.py"
    script.write_text(before.replace("\n", "; ") + PROGRAM)
    env = {**os.environ, **environment(run)}
    return subprocess.run([python, str(script), method], env=env, capture_output=True, text=True, timeout=60, check=False)


def _is_untouched(done: subprocess.CompletedProcess[str]) -> bool:
    assert (done.returncode, done.stdout, done.stderr) == (0, "2 0\n", "")
    return True


@pytest.fixture
def run(tmp_path) -> Path:
    (tmp_path / "run" / rundir.PROCESSES).mkdir(parents=True)
    return tmp_path / "run"


@everywhere
def test_a_run_directory_that_is_not_there(tmp_path, python):
    assert _is_untouched(_run(tmp_path, python, tmp_path / "nowhere"))


def test_a_run_directory_that_is_a_file(tmp_path, run):
    (run / rundir.PROCESSES).rmdir()
    (run / rundir.PROCESSES).write_text("")
    assert _is_untouched(_run(tmp_path, sys.executable, run))


@everywhere
@pytest.mark.parametrize("handler", ["SIG_IGN", "SIG_DFL"])
def test_a_limit_on_file_size_also_when_breaking_it_is_deadly(tmp_path, run, python, handler):
    limit = f"import resource, signal\nsignal.signal(signal.SIGXFSZ, signal.{handler})\n"
    limit += "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
    assert _is_untouched(_run(tmp_path, python, run, limit, method="fork"))
    assert all(path.stat().st_size in (0, layout.SIZE) for path in (run / rundir.PROCESSES).iterdir())


def test_no_descriptor_left_for_the_recorder(tmp_path, run):
    script = tmp_path / "program.py"
    script.write_text(
        "import os, resource\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))\n"
        "import multiprocessing.synchronize, multiprocessing.context\n"
        "held = []\n"
        "try:\n"
        "    while True: held.append(os.open('/dev/null', os.O_RDONLY))\n"
        "except OSError: pass\n"
        "pid = os.fork()\n"
        "lock = None\n"
        "if pid: print(os.waitpid(pid, 0)[1])\n"
    )
    env = {**os.environ, **environment(run)}
    done = subprocess.run([sys.executable, str(script)], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n", "")
    assert len(list((run / rundir.PROCESSES).glob("*.mpt"))) == 1, "the child found no descriptor, and went on"


@pytest.fixture
def tiny(tmp_path):
    """A file system of 200 KiB."""
    path = tmp_path / "tiny"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(path)]
    if os.geteuid() or not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("cannot mount a tmpfs here")
    (path / rundir.PROCESSES).mkdir()
    yield path
    subprocess.run(["umount", str(path)], check=False, timeout=10)


@everywhere
def test_a_full_disk(tmp_path, tiny, python):
    (tiny / "ballast").write_bytes(b"x" * 150_000)
    for _ in range(3):
        assert _is_untouched(_run(tmp_path, python, tiny))


def test_a_disk_that_fills_while_recording(tmp_path, tiny):
    busy = "import os\nfill = open(os.environ['_MPTRACE_RUN'] + '/more', 'wb', 0)\n"
    busy += (
        "fill.write(b'x' * 60_000)\nimport multiprocessing as mp\nlocks = [mp.get_context('fork').Lock() for _ in range(2000)]\n"
    )
    assert _is_untouched(_run(tmp_path, sys.executable, tiny, busy, method="fork"))
    first = min((tiny / rundir.PROCESSES).glob("*.mpt"))
    words = memoryview(first.read_bytes()).cast("Q")
    assert words[layout.H_LOST_LOG] > 0


def test_a_run_directory_that_nobody_may_write_to(tmp_path, tiny):
    subprocess.run(["mount", "-o", "remount,ro", str(tiny)], check=True, timeout=10)
    assert _is_untouched(_run(tmp_path, sys.executable, tiny))
    assert not list((tiny / rundir.PROCESSES).iterdir())
