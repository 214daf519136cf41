"""Jobs under other interpreters than ours: renamed, built into a program, deleted since, seen in their own mounts only, started by a launcher."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import textwrap
from pathlib import Path

import pytest

from mptrace.attach.address_space import read_address_space
from mptrace.attach.attach import attach
from mptrace.attach.cpython.elf import RUNTIME, has_section, read_symbols
from mptrace.attach.cpython.image import images
from mptrace.attach.cpython.mapped import mapped_symbols
from mptrace.attach.frames import Stacks
from mptrace.attach.memory import Memory
from mptrace.attach.refusals import NothingToAttach
from mptrace.cli.judge import judge
from tests.attach import hung

EMBEDDING = """
    #include <Python.h>
    int main(int count, char **words)
    {
        setenv("PYTHONHOME", HOME, 1);
        return Py_BytesMain(count, words);
    }
"""


def told(pid: int, folder: Path) -> list[tuple[str, str]]:
    findings = judge(attach(pid, str(folder / "run")).path).diagnosis.findings
    return [(finding.rule, finding.verdict.value) for finding in findings]


def static_python(folder: Path, name: str) -> Path:
    """Return a copy of an interpreter that is one file, under another name; skips if there is none here."""
    for python in (sys.executable, "/usr/bin/python3"):
        real = os.path.realpath(python)
        if os.path.exists(real) and has_section(real, RUNTIME):
            return Path(shutil.copy(real, folder / name))
    pytest.skip("no Python here that is one file, without a libpython")


def embedding_program(folder: Path) -> Path:
    """Return a program of another name that has an interpreter built in; skips where it cannot be built."""
    library = f"{sysconfig.get_config_var('LIBPL')}/libpython{sysconfig.get_config_var('LDVERSION')}.a"
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler or not os.path.exists(library):
        pytest.skip("no compiler here, or no static libpython")
    source, program = folder / "server.c", folder / "server"
    source.write_text(textwrap.dedent(EMBEDDING))
    flags = ["-rdynamic", f"-I{sysconfig.get_paths()['include']}", f'-DHOME="{sys.base_prefix}"']
    build = [compiler, *flags, str(source), "-o", str(program), library, "-lm", "-ldl", "-lpthread", "-lutil", "-lz", "-lexpat"]
    if subprocess.run(build, check=False, capture_output=True).returncode:
        build = build[:-2]
        if subprocess.run(build, check=False, capture_output=True).returncode:
            pytest.skip("this Python cannot be built into a program here")
    return program


@pytest.mark.parametrize("program", [hung.LOCK_CYCLE, hung.RLOCK_CYCLE], ids=["processes", "threads"])
def test_a_renamed_interpreter_is_python_all_the_same(tmp_path, program):
    with hung.hanging(tmp_path, program, "fork", python=static_python(tmp_path, "jobd")) as pid:
        assert told(pid, tmp_path) == [("lock-cycle", "proven")]


@pytest.mark.parametrize("stripped", [False, True], ids=["built", "stripped"])
def test_a_program_with_an_interpreter_built_in_is_python(tmp_path, stripped):
    program = embedding_program(tmp_path)
    if stripped:
        if not shutil.which("strip"):
            pytest.skip("no strip here")
        subprocess.run(["strip", str(program)], check=True)
    with hung.hanging(tmp_path, hung.LOCK_CYCLE, "fork", python=program) as pid:
        assert told(pid, tmp_path) == [("lock-cycle", "proven")]


@pytest.mark.parametrize("replaced", [False, True], ids=["deleted", "replaced"])
def test_an_interpreter_whose_file_is_gone_is_read_as_it_runs(tmp_path, replaced):
    python = static_python(tmp_path, "python3.11")
    with hung.hanging(tmp_path, hung.LOCK_CYCLE, "fork", python=python) as pid:
        python.unlink()
        if replaced:
            python.write_bytes(b"\x7fELF\x02 another version")
        assert told(pid, tmp_path) == [("lock-cycle", "proven")]


def test_symbols_of_a_mapped_file_are_those_of_the_file():
    (image, *_) = images(read_address_space(os.getpid()))
    wanted, memory = frozenset({b"_PyRuntime", b"Py_Version"}), Memory(os.getpid())
    assert mapped_symbols(memory, image.start, wanted) == read_symbols(image.path, wanted) != {}
    memory.close()


def test_an_interpreter_that_only_the_job_sees_is_read_through_its_own_root(tmp_path):
    python, mount = static_python(tmp_path, "jobd"), tmp_path / "mount"
    mount.mkdir()
    commands = f"mount -t tmpfs none {mount} && cp {python} {mount}/jobd && exec {mount}/jobd"
    wrapper = tmp_path / "start"
    wrapper.write_text(f'#!/bin/sh\nexec unshare --mount sh -c \'{commands} "$@"\' sh "$@"\n')
    wrapper.chmod(0o755)
    if subprocess.run([str(wrapper), "-c", ""], check=False, capture_output=True).returncode:
        pytest.skip("no mount namespaces for us here")
    with hung.hanging(tmp_path, hung.LOCK_CYCLE, "fork", python=wrapper) as pid:
        assert not (mount / "jobd").exists()
        assert told(pid, tmp_path) == [("lock-cycle", "proven")]


def test_the_launcher_of_a_job_stands_for_the_job(tmp_path):
    wrapper = tmp_path / "start"
    wrapper.write_text(f'#!/bin/sh\n{sys.executable} "$@"\nexit $?\n')
    wrapper.chmod(0o755)
    with hung.hanging(tmp_path, hung.LOCK_CYCLE, "fork", python=wrapper) as pid:
        assert told(pid, tmp_path) == [("lock-cycle", "proven")]


def test_a_launcher_of_several_jobs_is_refused_with_a_command_for_each(tmp_path):
    sleeps = f"{sys.executable} -c 'print(\"ready\", flush=True); import time; time.sleep(300)'"
    job = subprocess.Popen(["sh", "-c", f"{sleeps} & {sleeps} & wait"], stdout=subprocess.PIPE, start_new_session=True)
    try:
        hung.await_ready(job)
        with pytest.raises(NothingToAttach) as refused:
            attach(job.pid, str(tmp_path / "run"))
    finally:
        os.killpg(job.pid, signal.SIGKILL)
        job.wait(10)
        job.stdout.close()
    assert "is not Python" in refused.value.message
    assert refused.value.hint.count("mptrace attach ") == 2


def test_files_of_a_frozen_program_are_known_as_the_librarys():
    frames = [
        {"filename": "multiprocessing/queues.py", "line": 1, "name": "get"},
        {"filename": "threading.py", "line": 1, "name": "run"},
        {"filename": "train.py", "line": 1, "name": "main"},
    ]
    ((_, _, _, found),) = Stacks([{"frames": frames}]).threads
    assert [frame.is_library for frame in found] == [True, True, False]
