"""The job gets exactly what it would get without us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.launched import command, environment, launch, meta, write_script

ABOUT_ITSELF = """
    import os, signal, sys
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    print([*map(repr, sys.argv)], sys.path[0], __name__, os.getcwd(), os.getpgrp(), sorted(mask), sys.flags.dev_mode, sys._xoptions)
    print(signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGHUP))
    print([entry for entry in sys.path if "bootstrap" in entry], sys.stdin.read())
"""


def bare_and_traced(folder: Path, *words: str) -> tuple[str, str]:
    """Run a Python command line bare and under mptrace; return both outputs."""
    outputs = []
    for line in ([sys.executable, *words], command(*words)):
        done = subprocess.run(
            line, cwd=folder, env=environment(), input="typed", capture_output=True, text=True, timeout=60, check=True
        )
        outputs.append(done.stdout)
    return outputs[0], outputs[1]


@pytest.mark.parametrize(
    "words",
    [
        ("job.py", "one", "--json", "-m", "--", "", "two words"),
        ("-m", "job", "--hang-after", "x"),
        ("./job.py",),
        ("-c", "import sys; print(sys.argv, sys.path[0])", "-v", "--quiet"),
    ],
)
def test_arguments_path_directory_stdin_and_signals_are_its_own(tmp_path: Path, words: tuple[str, ...]) -> None:
    write_script(tmp_path, ABOUT_ITSELF)

    bare, traced = bare_and_traced(tmp_path, *words)

    assert traced == bare


def test_options_of_the_interpreter_reach_the_job(tmp_path: Path) -> None:
    write_script(tmp_path, "import sys; print(sys.flags.dev_mode, sys.flags.optimize, sys._xoptions, sys.warnoptions[:1])")

    ended = launch(tmp_path, "job.py", python=("-X", "dev", "-OXutf8", "-Wignore"))

    assert ended.stdout == "True 1 {'dev': True, 'utf8': True} ['default']\n"


def test_a_module_of_the_program_is_not_taken_for_one_of_ours(tmp_path: Path) -> None:
    write_script(tmp_path, "raise SystemExit('the wrong click')", "click.py")
    write_script(tmp_path, "import click")

    ended = launch(tmp_path, "-c", "print('fine')")

    assert (ended.status, ended.stdout) == (0, "fine\n")


def test_an_inherited_descriptor_stays_open(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)

    done = subprocess.run(
        command("-c", f"import os; os.write({writing}, b'here')"), cwd=tmp_path, env=environment(), close_fds=False, timeout=60,
        check=False,
    )  # fmt: skip
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert (done.returncode, pipe.read()) == (0, b"here")


def test_a_signal_that_was_ignored_stays_ignored(tmp_path: Path) -> None:
    code = "import signal; print(signal.getsignal(signal.SIGHUP) == signal.SIG_IGN, signal.getsignal(signal.SIGINT) == signal.SIG_IGN)"

    done = subprocess.run(
        ["sh", "-c", 'trap "" HUP INT; exec "$@"', "sh", *command("-c", code)], cwd=tmp_path, env=environment(),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.stdout == "True True\n"


@pytest.mark.parametrize(("code", "status"), [("raise SystemExit(7)", 7), ("import os; os.kill(os.getpid(), 9)", 137), ("", 0)])
def test_the_exit_status_is_the_jobs_own(tmp_path: Path, code: str, status: int) -> None:
    assert launch(tmp_path, "-c", code).status == status
    assert meta(tmp_path)["status"] == status


def test_any_command_is_run_with_its_python_children_traced(tmp_path: Path) -> None:
    ended = launch(tmp_path, "run", "--", "sh", "-c", f"{sys.executable} -c 'import multiprocessing.process'; exit 5")

    assert ended.status == 5
    assert list((tmp_path / ".mptrace").glob("*/processes/*.mpt"))


def test_a_pipe_that_is_closed_ends_a_command_as_it_would_without_us(tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", '"$@" | head -1', "sh", *command("run", "--", "yes")], cwd=tmp_path, env=environment(),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.stdout == "y\n"
    assert meta(tmp_path)["status"] == 128 + signal.SIGPIPE


def test_a_healthy_program_sees_nothing_of_us(tmp_path: Path) -> None:
    write_script(
        tmp_path,
        """
        from multiprocessing import Pool
        if __name__ == "__main__":
            with Pool(2) as pool:
                print(pool.map(abs, [-1, 2]))
        """,
    )

    ended = launch(tmp_path, "job.py")

    assert (ended.status, ended.stdout, ended.stderr) == (0, "[1, 2]\n", "")
