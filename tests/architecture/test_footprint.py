"""What the agent brings into a process: no module that a bare spawn child has not loaded already, and next to nothing at boot."""

from __future__ import annotations

import os
import subprocess
import sys

from mptrace.wire import rundir
from tests.support.traced import environment
from tests.support.versions import everywhere

ALLOWED = {
    "__future__", "_mptrace", "_mmap", "faulthandler", "fcntl", "mmap", "resource", "sitecustomize", "zlib",
    "opcode", "_opcode", "_opcode_metadata",
}  # fmt: skip
"""What we add on purpose: small tables and C modules, each far below a millisecond (opcode: agent/bytecode.py)."""

SHOW = """
import sys
def show(): print(" ".join(sorted(sys.modules)))
"""

SPAWN_CHILD = (
    SHOW
    + """
import multiprocessing as mp
if __name__ == "__main__":
    child = mp.get_context("spawn").Process(target=show)
    child.start(); child.join()
"""
)

EVERYTHING = (
    SHOW
    + """
import multiprocessing as mp, multiprocessing.synchronize, multiprocessing.connection, multiprocessing.process
lock = mp.get_context("fork").Lock()
with lock: pass
import os
pid = os.fork()
if pid: os.waitpid(pid, 0)
else: os._exit(0)
show()
"""
)


def _modules(python, tmp_path, program, traced) -> set[str]:
    script = tmp_path / "program.py"
    script.write_text(program)
    run = tmp_path / "run"
    (run / rundir.PROCESSES).mkdir(parents=True, exist_ok=True)
    env = {k: v for k, v in os.environ.items() if not k.startswith("COV")} | (environment(run) if traced else {})
    done = subprocess.run([python, str(script)], env=env, capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split())


def _theirs(modules: set[str]) -> set[str]:
    return {name for name in modules if not name.startswith("_mptrace.")}


@everywhere
def test_a_traced_process_has_loaded_nothing_that_a_spawn_child_has_not(tmp_path, python):
    bare = _modules(python, tmp_path, SPAWN_CHILD, traced=False) | _modules(python, tmp_path, EVERYTHING, traced=False)
    assert _theirs(_modules(python, tmp_path, EVERYTHING, traced=True)) - bare - ALLOWED == set()


@everywhere
def test_a_traced_spawn_child_has_loaded_nothing_more_than_a_bare_one(tmp_path, python):
    bare, traced = (_modules(python, tmp_path, SPAWN_CHILD, traced=traced) for traced in (False, True))
    assert _theirs(traced) - bare - ALLOWED == set()


@everywhere
def test_a_process_without_multiprocessing_pays_for_the_boot_only(tmp_path, python):
    bare, traced = (_modules(python, tmp_path, SHOW + "show()", traced=traced) for traced in (False, True))
    assert _theirs(traced) - bare - ALLOWED == set()
    ours = {name.removeprefix("_mptrace.") for name in traced if name.startswith("_mptrace.")}
    assert ours == {"agent", "agent.boot", "agent.probe", "wire", "wire.rundir"}


def test_the_host_does_not_find_our_folder_on_its_path_or_our_modules_under_a_public_name(tmp_path):
    script = tmp_path / "program.py"
    script.write_text("import sys; print(sys.path); print([m for m in sys.modules if m.startswith('mptrace')])")
    run = tmp_path / "run"
    (run / rundir.PROCESSES).mkdir(parents=True)
    env = {**os.environ, **environment(run)}
    done = subprocess.run([sys.executable, "-E", str(script)], env=env, capture_output=True, text=True, timeout=60, check=True)
    bare = subprocess.run([sys.executable, str(script)], env=env, capture_output=True, text=True, timeout=60, check=True)
    assert bare.stdout == done.stdout
