"""Where the compiled recorder is used and where not; that it writes into no file but its own process's; references to None."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mptrace.wire import layout, rundir
from tests.support.traced import PACKAGE, PYENV, environment, pythons, run_bounded, version_of
from tests.support.twins import is_built

SOURCE = PACKAGE / "agent/native/_recorder.c"
HEADERS = [str(path) for path in sorted(PYENV.glob("3.1?.*/include/python3.*")) if (path / "Python.h").exists()]

built = pytest.mark.skipif(not is_built(), reason="no compiled recorder here")


def flags(run: Path) -> set[int]:
    """Return whether the headers of the run's recordings say that they were written by the compiled recorder."""
    found = [memoryview(path.read_bytes())[: layout.HEADER_SIZE].cast("Q") for path in (run / rundir.PROCESSES).glob("*.mpt")]
    return {words[layout.H_FLAGS] & layout.COMPILED for words in found}


def traced(program: str, path: Path, python: str, **env: str) -> str:
    """Run a program traced; return what it printed."""
    script, run = path / "program.py", path / "run"
    script.write_text(program)
    (run / rundir.PROCESSES).mkdir(parents=True)
    status, out, err = run_bounded([python, str(script)], path, {**os.environ, **environment(run), **env}, 60)
    assert status == 0, err
    return out


FORKS = """
import multiprocessing
if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    lock = context.Lock()
    child = context.Process(target=lock.acquire)
    child.start()
    child.join()
"""


@pytest.mark.parametrize("python", pythons(), ids=version_of)
@pytest.mark.parametrize(("pure", "flag"), [("0", layout.COMPILED), ("1", 0)], ids=["compiled", "pure"])
@built
def test_the_header_says_who_wrote_it_and_the_environment_forces_python(tmp_path, python, pure, flag):
    traced(FORKS, tmp_path, python, MPTRACE_PURE_PYTHON=pure)
    assert flags(tmp_path / "run") == {flag}


RAW_FORK = """
import ctypes, multiprocessing, os
lock = multiprocessing.get_context("fork").Lock()
mine, theirs = multiprocessing.get_context("fork").Pipe()
for _ in range(300):
    with lock: pass
from _mptrace.agent import recorder
before = bytes(recorder.words)
libc = ctypes.CDLL(None)
pid = libc.fork()
if pid == 0:
    lock.acquire()
    mine.send_bytes(b"x")
    libc._exit(0)
os.waitpid(pid, 0)
print(bytes(recorder.words) == before, theirs.recv_bytes(), lock.acquire(False))
"""


@pytest.mark.parametrize("python", pythons(), ids=version_of)
@built
def test_a_child_of_a_fork_that_python_does_not_see_writes_nothing_into_its_parents_file(tmp_path, python):
    assert traced(RAW_FORK, tmp_path, python).split() == ["True", "b'x'", "False"]


IN_ANOTHER_INTERPRETER = """
import multiprocessing.synchronize, _testcapi
from _mptrace.agent import native
print(bool(native.recorder), flush=True)
_testcapi.run_in_subinterp('''
try:
    import multiprocessing
    lock = multiprocessing.get_context("fork").Lock()
    from _mptrace.agent import native
    with lock:
        print(native.recorder, flush=True)
except ImportError:
    print(None, flush=True)
''')
lock = multiprocessing.get_context("fork").Lock()
with lock:
    print(lock)
"""


@pytest.mark.parametrize("python", pythons(), ids=version_of)
@built
def test_sub_interpreters_use_python(tmp_path, python):
    if subprocess.run([python, "-c", "import _testcapi"], capture_output=True, check=False, timeout=30).returncode:
        pytest.skip("this Python cannot be asked to make one")
    out = traced(IN_ANOTHER_INTERPRETER, tmp_path, python)
    assert out.splitlines() == ["True", "None", "<Lock(owner=MainProcess)>"]


MANY_CALLS = """
import gc, multiprocessing, sys
from _mptrace.agent import native
context = multiprocessing.get_context("fork")
lock, rlock, semaphore = context.Lock(), context.RLock(), context.Semaphore(1)
(mine, theirs), times = context.Pipe(), int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
def once():
    for thing in (lock, rlock, semaphore):
        with thing:
            pass
        thing.acquire(); thing.release()
        thing.acquire(True, 0.5); thing.acquire(timeout=0, block=False); thing.release()
        try:
            thing.acquire(None, [])
        except TypeError:
            pass
    mine.send_bytes(b"x"); theirs.recv_bytes()
for _ in range(1000):
    once()
def counts():
    gc.collect()
    return [sys.getrefcount(what) for what in (None, True, False, (), lock, lock._mptrace, lock.acquire, type(lock).__enter__)]
before = counts()
for _ in range(times // 10):
    once()
print(native.recorder is not None, max(abs(one - other) for one, other in zip(before, counts())) < 20)
"""


@pytest.fixture(scope="module", params=HEADERS, ids=[Path(path).name for path in HEADERS])
def copy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of ours whose compiled recorder was built with the headers of one version."""
    home = tmp_path_factory.mktemp("built") / "mptrace"
    shutil.copytree(PACKAGE, home, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    made = home / "agent/native/_recorder.abi3.so"
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no compiler")
    subprocess.run(
        [compiler, "-O2", "-fPIC", "-shared", "-Wall", "-Wextra", "-Werror", "-Wno-deprecated-declarations", "-Wno-missing-field-initializers",
         "-I", request.param, str(SOURCE), "-o", str(made)],
        check=True, timeout=120,
    )  # fmt: skip
    return home


@pytest.mark.parametrize("python", pythons(), ids=version_of)
@pytest.mark.slow
def test_built_with_any_headers_it_keeps_count_of_references_in_any_python(copy, tmp_path, python):
    env = {rundir.ENV_HOME: str(copy), "PYTHONPATH": str(copy / "launch/bootstrap")}
    assert traced(MANY_CALLS, tmp_path, python, **env).split() == ["True", "True"]


def test_without_it_nothing_is_different_but_the_header(tmp_path):
    home = tmp_path / "mptrace"
    shutil.copytree(PACKAGE, home, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    env = {rundir.ENV_HOME: str(home), "PYTHONPATH": str(home / "launch/bootstrap")}
    traced(FORKS, tmp_path, sys.executable, **env)
    assert flags(tmp_path / "run") == {0}
