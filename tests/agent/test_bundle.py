"""The file with all our compiled modules: the same modules load with it and without it, and a wrong one is not used."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.traced import PACKAGE
from tests.support.versions import everywhere

PROGRAM = """
import json, sys
import multiprocessing.pool, multiprocessing.queues, multiprocessing.synchronize
ours = {name: module for name, module in sys.modules.items() if name.startswith("_mptrace.")}
boot, pool, brief = (sys.modules["_mptrace.agent." + name] for name in ("boot", "probes.pool", "brief"))
print(json.dumps({
    "used": bool(boot.ImportHook.bundled),
    "off": sorted(sys.modules["_mptrace.agent.guard"].off),
    "names": sorted(ours),
    "facts": [[name, getattr(module, "__file__", ""), module.__package__, type(module.__loader__).__name__ == "_Later"]
              for name, module in sorted(ours.items())],
    "code": [pool.install.__code__.co_filename, brief.value.__code__.co_filename, brief._container.__code__.co_filename],
    "marks": [getattr(pool, "MARK", 0), getattr(brief, "MARK", 0)],
    "attributes": all(getattr(sys.modules[name.rpartition(".")[0]], name.rpartition(".")[2]) is ours[name] for name in ours),
}))
"""


class Home:
    """A copy of what is loaded into a traced process, and what a program finds in it."""

    def __init__(self, path: Path, python: str = sys.executable) -> None:
        self.path, self.python = path, python
        self.run_path = path.parent / "run"
        (self.run_path / "processes").mkdir(parents=True, exist_ok=True)

    def copied_from(self, source: Path) -> Home:
        for part in ("agent", "wire", "launch/bootstrap"):
            keep_none = None if source != PACKAGE else shutil.ignore_patterns("__pycache__")
            shutil.copytree(source / part, self.path / part, ignore=keep_none)
        return self

    def start(self, *options: str, **environment: str) -> dict[str, object]:
        bare = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV"))}
        ours = {"_MPTRACE_HOME": str(self.path), "_MPTRACE_RUN": str(self.run_path)}
        env = {**bare, **ours, "PYTHONPATH": str(self.path / "launch/bootstrap"), **environment}
        command = [self.python, *options, "-c", PROGRAM]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=True)
        assert not done.stderr
        return json.loads(done.stdout)

    def bundles(self) -> list[Path]:
        return sorted((self.path / "agent/__pycache__").glob("*.all*"))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").copied_from(PACKAGE)


def _alike(one: dict[str, object], other: dict[str, object]) -> bool:
    return all(one[name] == other[name] for name in ("names", "off", "code", "attributes")) and _facts(one) == _facts(other)


def _facts(found: dict[str, object]) -> list[list[str]]:
    return [facts[:3] for facts in found["facts"]]  # type: ignore[attr-defined]


@everywhere
@pytest.mark.parametrize("options", [(), ("-OO",)], ids=["plain", "optimised"])
def test_the_same_modules_load_with_it_and_without_it(tmp_path, python, options):
    home = Home(tmp_path / "home", python).copied_from(PACKAGE)
    without, with_it = home.start(*options), home.start(*options)
    assert (without["used"], with_it["used"]) == (False, True)
    assert without["off"] == []
    assert without["attributes"]
    assert _alike(without, with_it)
    assert len(home.bundles()) == 1


@pytest.mark.parametrize("source", ["agent/brief.py", "agent/probes/pool.py"])
def test_one_that_is_older_than_a_source_is_not_used_and_is_written_anew(home, source):
    home.start()
    with (home.path / source).open("a", encoding="utf-8") as changed:
        changed.write("\nMARK = 7\n")
    stale, renewed = home.start(), home.start()
    assert (stale["used"], renewed["used"]) == (False, True)
    assert 7 in stale["marks"]
    assert 7 in renewed["marks"]


DAMAGES = {
    "empty": lambda whole: b"",
    "header only": lambda whole: whole[:20],
    "cut": lambda whole: whole[: len(whole) // 2],
    "last byte missing": lambda whole: whole[:-1],
    "index of nothing": lambda whole: whole[:28] + bytes(len(whole) - 28),
    "code of nothing": lambda whole: whole[:20_000] + bytes(len(whole) - 20_000),
    "of another interpreter": lambda whole: b"\0\0\r\n" + whole[4:],
    "no bundle at all": lambda whole: os.urandom(5000),
}


@pytest.mark.parametrize("damage", list(DAMAGES))
def test_a_damaged_or_foreign_one_is_not_used_and_is_written_anew(home, damage):
    sound = home.start()
    (bundle,) = home.bundles()
    bundle.write_bytes(DAMAGES[damage](bundle.read_bytes()))
    found, next_one = home.start(), home.start()
    assert (found["used"], next_one["used"]) == (False, True)
    assert _alike(sound, found)


def test_none_is_written_where_python_may_not_write_bytecode(home):
    (home.path / "agent/__pycache__").mkdir()
    assert home.start("-B")["used"] is False
    assert home.start(PYTHONDONTWRITEBYTECODE="1")["used"] is False
    assert home.bundles() == []
    home.start()
    assert home.start("-B")["used"] is True


def test_none_is_written_where_the_folder_is_not_to_be_written(home):
    shutil.rmtree(home.path / "agent/__pycache__", ignore_errors=True)
    (home.path / "agent/__pycache__").write_text("a file where the folder should be")
    assert home.start()["off"] == []
    assert home.start()["used"] is False


def test_one_that_was_moved_with_the_sources_names_the_files_that_are_there_now(home, tmp_path):
    home.start()
    moved = Home(tmp_path / "elsewhere").copied_from(home.path)
    found = moved.start()
    assert found["used"] is True
    assert all(str(file).startswith(f"{tmp_path}/elsewhere/") for file in found["code"])


def test_it_goes_where_the_bytecode_goes(home, tmp_path):
    prefix = str(tmp_path / "bytecode")
    home.start(PYTHONPYCACHEPREFIX=prefix)
    assert home.start(PYTHONPYCACHEPREFIX=prefix)["used"] is True
    assert home.bundles() == []
