"""On a file system of another machine nothing is recorded: it goes to a local disk and is brought home at the end."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from mptrace.collect import read_run
from mptrace.launch import directory, filesystem
from mptrace.launch.homecoming import bring_home
from mptrace.model.build import build_run
from mptrace.observe import libc
from tests.support import bounded
from tests.support.launched import TIMEOUT_S, environment, write_script

NFS, EXT4 = 0x6969, 0xEF53

FAKED = """
import sys
from mptrace.observe import libc
far = sys.argv.pop(1)
libc.file_system = lambda path: 0x6969 if path.startswith(far) else 0xEF53
from mptrace.cli.command import main
main()
"""


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that says it is on NFS; the temporary one is local."""
    there = tmp_path / "far"
    there.mkdir()
    monkeypatch.chdir(there)
    monkeypatch.delenv("MPTRACE_DIR", raising=False)
    monkeypatch.setattr(libc, "file_system", lambda path: NFS if str(path).startswith(str(there)) else EXT4)
    monkeypatch.setattr(directory, "fallback_home", lambda: str(tmp_path / "near"))
    return there


def test_the_magic_number_is_asked_of_the_kernel() -> None:
    assert libc.file_system("/proc") == 0x9FA0
    assert not filesystem.is_remote("/proc/that/is/not/there")


def test_a_run_goes_to_the_local_disk_and_a_link_stands_in_its_place(far: Path, tmp_path: Path) -> None:
    made = directory.make_run_directory("train")
    assert made.path.startswith(str(tmp_path / "near"))
    assert made.shown == made.home == os.path.join(far, ".mptrace", os.path.basename(made.home))
    assert os.path.samefile(made.home, made.path)


def test_it_stays_where_it_is_if_the_temporary_folder_is_as_far(far: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libc, "file_system", lambda _: NFS)
    made = directory.make_run_directory("train")
    assert (made.home, os.path.dirname(made.path)) == ("", str(far / ".mptrace"))


def test_an_output_folder_with_something_in_it_is_left_and_filled_at_the_end(far: Path) -> None:
    (far / "mine").mkdir()
    (far / "mine/notes").write_text("keep")
    made = directory.make_run_directory("train", str(far / "mine"))
    Path(made.path, "run.json").write_text("{}")
    assert made.shown == made.path
    assert bring_home(made.path, made.home) == ""
    assert sorted(os.listdir(far / "mine")) == ["moments", "notes", "processes", "run.json"]
    assert not os.path.exists(made.path)


def test_what_was_one_file_stays_one(far: Path) -> None:
    made = directory.make_run_directory("train")
    Path(made.path, "processes/7-1.mpt").write_bytes(b"x" * 100)
    os.mkdir(f"{made.path}/moments/0001")
    os.link(f"{made.path}/processes/7-1.mpt", f"{made.path}/moments/0001/7-1.mpt")
    assert bring_home(made.path, made.home) == ""
    assert not os.path.islink(made.home)
    assert os.path.samefile(f"{made.home}/processes/7-1.mpt", f"{made.home}/moments/0001/7-1.mpt")


def test_without_room_at_home_it_stays_and_the_link_still_leads_there(far: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = directory.make_run_directory("train")
    Path(made.path, "run.json").write_text("{}")

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("shutil.copy2", full)
    assert bring_home(made.path, made.home) == f"{made.home}: No space left on device"
    assert os.path.exists(f"{made.home}/run.json")
    assert sorted(os.listdir(os.path.dirname(made.home))) == [".gitignore", os.path.basename(made.home)]


def launch_far(tmp_path: Path, *words: str | Path) -> bounded.Ended:
    os.makedirs(tmp_path / "tmp", exist_ok=True)
    argv = [sys.executable, "-c", FAKED, str(tmp_path / "far"), *map(str, words)]
    return bounded.run(argv, environment(TMPDIR=str(tmp_path / "tmp"), MPTRACE_DIR=str(tmp_path / "far/runs")), TIMEOUT_S)


JOB = """
import multiprocessing, os
print(os.environ["_MPTRACE_RUN"], flush=True)
child = multiprocessing.get_context("fork").Process(target=os._exit, args=(3,))
child.start()
child.join()
"""


def test_a_whole_run_is_found_at_home_afterwards_and_nowhere_else(tmp_path: Path) -> None:
    ended = launch_far(tmp_path, write_script(tmp_path, JOB))
    assert ended.status == 0, ended.stderr
    assert ended.stdout.startswith(str(tmp_path / "tmp/mptrace-"))
    (run,) = (path for path in (tmp_path / "far/runs").iterdir() if path.is_dir())
    assert not run.is_symlink()
    assert len(build_run(read_run(str(run))).processes) == 2
    assert (run / "report.json").exists()
    assert not os.path.exists(ended.stdout.strip())


def test_a_run_that_cannot_be_brought_home_says_so_in_its_report(tmp_path: Path) -> None:
    job = (
        JOB
        + f"open({str(tmp_path / 'far/runs')!r} + '/' + os.path.basename(os.environ['_MPTRACE_RUN']) + '.part', 'w').close()\n"
    )
    ended = launch_far(tmp_path, write_script(tmp_path, job))
    assert "mptrace: the recording stays in" in ended.stderr
    notes = build_run(read_run(ended.stdout.strip())).completeness.notes
    assert any("the recording stays in" in note for note in notes), notes
