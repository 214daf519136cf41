"""The command line: what is a command, what is a program, and what is refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from mptrace.cli.command import command_names
from tests.support.launched import launch, write_script

BAD_USES = [
    (("nothing.py",), "mptrace: nothing.py: there is no such file"),
    (("--hangafter", "3", "job.py"), "mptrace: No such option '--hangafter'"),
    (("--hang-after", "soon", "job.py"), "mptrace: Invalid value for '--hang-after': soon is no number of seconds above 0"),
    (("--hang-after", "-1", "job.py"), "mptrace: Invalid value for '--hang-after'"),
    (("--on-hang", "panic", "job.py"), "mptrace: Invalid value for '--on-hang'"),
    (("--json", "/nothing/here.json", "job.py"), "mptrace: --json /nothing/here.json: cannot be written"),
    (("/bin/sleep", "1"), "mptrace: /bin/sleep: this is not a Python program"),
    (("script.sh",), "mptrace: script.sh: this is not a Python program"),
    (("folder",), "mptrace: folder: this directory has no __main__.py"),
    (("-m",), "mptrace: -m needs a value"),
    (("-m", "nothing_like_it"), "mptrace: there is no module named nothing_like_it"),
    (("run",), "mptrace: Missing argument"),
    (("run", "--", "nothing-like-it"), "mptrace: nothing-like-it: there is no such command"),
    (("run", "--", "./job.py"), "mptrace: ./job.py: this file may not be executed"),
    (("report", "nothing"), "mptrace: There is no run nothing."),
    (("report", "--format", "smoke"), "mptrace: "),
    (("explain", "lok-cycle"), "mptrace: there is no rule lok-cycle"),
    (("explain", "nothing-like-it"), "mptrace: there is no rule nothing-like-it"),
    (("doctor", "--python", "/nothing"), "mptrace: --python /nothing: there is no such program"),
]


@pytest.mark.parametrize(("words", "says"), BAD_USES, ids=[" ".join(words) for words, _ in BAD_USES])
def test_bad_use_is_one_sentence_and_status_2(tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    write_script(tmp_path, "print('ran')")
    write_script(tmp_path, "#!/bin/sh\necho hello\n", "script.sh")
    (tmp_path / "folder").mkdir()

    ended = launch(tmp_path, *words)

    assert (ended.status, ended.stdout) == (2, "")
    assert ended.stderr.startswith(says)
    assert ended.stderr.count("\n") <= 2
    assert not list((tmp_path / ".mptrace").glob("*/run.json"))


def test_a_script_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mptrace.errors import BadUse
    from mptrace.launch.job import script_job

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = write_script(tmp_path, "")
    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(BadUse, match="Permission denied"):
        script_job(str(path), [])


def test_a_bad_option_of_the_project_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.mptrace]\nhang-afer = 3\n")
    write_script(tmp_path, "")

    ended = launch(tmp_path, "job.py")

    assert ended.status == 2
    assert ended.stderr.startswith("mptrace: pyproject.toml: [tool.mptrace] has no option hang_afer")


def test_a_path_is_a_program_even_if_it_is_called_like_a_command(tmp_path: Path) -> None:
    write_script(tmp_path, "print('a program')", "report")
    write_script(tmp_path, "print('a program')", "report.py")

    assert launch(tmp_path, "./report").stdout == "a program\n"
    assert launch(tmp_path, "report.py").stdout == "a program\n"


@pytest.mark.parametrize("name", ["__main__.py", "job.pyc", "noext"])
def test_what_python_runs_we_run(tmp_path: Path, name: str) -> None:
    import py_compile

    path = write_script(tmp_path, "print('ran')", "source.py" if name.endswith("c") else name)
    if name.endswith("c"):
        path = Path(py_compile.compile(str(path), str(tmp_path / name)))

    assert launch(tmp_path, tmp_path if name == "__main__.py" else path).stdout == "ran\n"


def test_the_script_can_come_from_stdin(tmp_path: Path) -> None:
    import subprocess

    from tests.support.launched import command, environment

    done = subprocess.run(
        command("-", "x"), cwd=tmp_path, env=environment(), input="import sys; print(sys.argv)", capture_output=True, text=True,
        timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout == "['-', 'x']\n"


def test_help_names_every_command(tmp_path: Path) -> None:
    ended = launch(tmp_path, "--help")

    assert ended.status == 0
    for name in command_names():
        assert f"  {name} " in ended.stdout


@pytest.mark.parametrize("name", command_names())
def test_every_command_has_help(tmp_path: Path, name: str) -> None:
    ended = launch(tmp_path, name, "--help")

    assert (ended.status, ended.stderr) == (0, "")
    assert ended.stdout.startswith("Usage: mptrace " + name)


def test_doctor_says_what_works(tmp_path: Path) -> None:
    ended = launch(tmp_path, "doctor")

    assert ended.status == 0
    assert "loads the agent and records" in ended.stdout


def test_rules_and_explain_know_each_other(tmp_path: Path) -> None:
    names = [line.split()[0] for line in launch(tmp_path, "rules").stdout.splitlines()]

    assert "lock-cycle" in names
    explained = launch(tmp_path, "explain", "lock_cycle").stdout
    assert explained.startswith("lock-cycle (error)\n")
    assert "How we know:" in explained
