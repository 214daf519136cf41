"""Where runs are kept, and what happens where they cannot be."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from mptrace.errors import BadUse
from mptrace.launch import directory
from mptrace.launch.prune import prune
from mptrace.observe.procfs import start_ticks
from tests.support.launched import launch, only_run


def test_a_run_is_private_and_ignored_by_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MPTRACE_DIR", raising=False)

    made = directory.make_run_directory("train")

    assert made.path.startswith(f"{tmp_path}/.mptrace/train-")
    assert made.path.endswith(f"-{os.getpid()}")
    assert stat.S_IMODE(os.stat(made.path).st_mode) == 0o700
    assert (tmp_path / ".mptrace/.gitignore").read_text().splitlines()[-1] == "*"
    assert sorted(os.listdir(made.path)) == ["moments", "processes"]


def test_mptrace_dir_moves_the_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPTRACE_DIR", str(tmp_path / "elsewhere"))

    assert directory.make_run_directory("train").path.startswith(str(tmp_path / "elsewhere/train-"))


def test_output_names_the_directory_and_refuses_one_that_holds_a_run(tmp_path: Path) -> None:
    made = directory.make_run_directory("train", str(tmp_path / "mine"))
    (tmp_path / "mine/run.json").write_text("{}")

    assert made.path == str(tmp_path / "mine")
    with pytest.raises(BadUse, match="holds a recording already"):
        directory.make_run_directory("train", str(tmp_path / "mine"))


def test_a_directory_that_cannot_be_written_is_replaced_by_the_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "taken").write_text("a file where the directory should be")
    monkeypatch.setenv("MPTRACE_DIR", str(tmp_path / "taken"))
    monkeypatch.setattr(directory, "fallback_home", lambda: str(tmp_path / "fallback"))

    made = directory.make_run_directory("train")

    assert made.path.startswith(str(tmp_path / "fallback/train-"))
    assert made.notice.startswith(f"recording to {made.path} (")


def test_where_nothing_can_be_written_the_job_runs_and_one_line_says_so(tmp_path: Path) -> None:
    taken, temporary = tmp_path / "taken", tmp_path / "tmp"
    taken.write_text("a file where the directory should be")
    temporary.mkdir()
    (temporary / f"mptrace-{os.getuid()}").write_text("here too")
    code = "import os; print(os.environ.get('_MPTRACE_RUN')); raise SystemExit(4)"

    ended = launch(tmp_path, "-c", code, MPTRACE_DIR=str(taken), TMPDIR=str(temporary))

    assert (ended.status, ended.stdout) == (4, "None\n")
    assert ended.stderr.startswith("mptrace: not recorded: ")
    assert ended.stderr.count("\n") == 1


def make_run(home: Path, name: str, age_s: int, launcher: int = 0, size: int = 0) -> Path:
    """Write a run directory that began so long ago."""
    run = home / name
    run.mkdir(parents=True)
    (run / "run.json").write_text(json.dumps({"launcher": launcher, "launcher_start": start_ticks(launcher)}))
    (run / "data").write_bytes(b"x" * size)
    os.utime(run / "run.json", (1e9 - age_s, 1e9 - age_s))
    return run


def test_the_oldest_runs_are_removed_by_number(tmp_path: Path) -> None:
    runs = [make_run(tmp_path, f"train-{age}", age) for age in range(5)]

    prune(tmp_path.as_posix(), runs=3)

    assert [run.exists() for run in runs] == [True, True, True, False, False]


def test_the_oldest_runs_are_removed_by_size(tmp_path: Path) -> None:
    runs = [make_run(tmp_path, f"train-{age}", age, size=100_000) for age in range(4)]

    prune(tmp_path.as_posix(), size=250_000)

    assert [run.exists() for run in runs] == [True, True, False, False]


def test_a_run_that_is_still_written_stays(tmp_path: Path) -> None:
    running, ended = make_run(tmp_path, "a", 9, launcher=os.getpid()), make_run(tmp_path, "b", 5, launcher=2**22 + 1)

    prune(tmp_path.as_posix(), runs=0)

    assert (running.exists(), ended.exists()) == (True, False)


def test_what_is_no_run_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "link").symlink_to(make_run(tmp_path / "far", "train", 5))

    prune(tmp_path.as_posix(), runs=0)

    assert (tmp_path / "notes").exists()
    assert (tmp_path / "far/train").exists()


def test_a_script_that_cannot_be_started_leaves_no_run(tmp_path: Path) -> None:
    program = tmp_path / "broken"
    program.write_text("#!/no/such/interpreter\n")
    program.chmod(0o755)

    ended = launch(tmp_path, "run", "--", str(program))

    assert ended.status == 2
    assert not list((tmp_path / ".mptrace").glob("*/run.json"))


def test_run_json_says_what_was_started(tmp_path: Path) -> None:
    launch(tmp_path, "-c", "pass", "argument")

    meta = json.loads((only_run(tmp_path) / "run.json").read_text())
    assert meta["command"][-3:] == ["-c", "pass", "argument"]
    assert meta["cwd"] == str(tmp_path)
    assert meta["start_ns"] < meta["end_ns"]
    assert (meta["status"], meta["ended_by"], meta["hang_after_s"]) == (0, "", 10.0)
