"""``attach --inside``: what a process tells of itself, that it is as before, and one clear sentence for one that tells nothing."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from mptrace.attach import asking
from mptrace.attach.asking import ask, read_answer
from mptrace.attach.attach import attach
from mptrace.attach.job import find_job
from mptrace.cli.judge import judge
from mptrace.wire.events import observations
from tests.attach import hung
from tests.support.versions import python_for

SCRIPT = files("mptrace.attach").joinpath("inside_script.py").read_text(encoding="utf-8")

POLLS = """
    import asyncio, multiprocessing, threading

    async def tick():
        while True:
            await asyncio.sleep(0.05)

    async def main(go):
        ticker = asyncio.create_task(tick(), name="ticker")
        print("ready", "ready", flush=True)
        await go.wait()

    if __name__ == "__main__":
        stats = multiprocessing.Lock()
        stats.acquire()
        asyncio.run(main(asyncio.Event()))
"""

AS_BEFORE = """
    import asyncio, multiprocessing, sys, threading

    stats = multiprocessing.Lock()
    stats.acquire()
    free = multiprocessing.Lock()

    async def wait():
        await asyncio.sleep(300)

    async def main(script):
        task = asyncio.create_task(wait(), name="waiter")
        await asyncio.sleep(0)
        sys.modules.pop("gc", None)
        before = set(sys.modules), threading.active_count(), set(globals())
        names = {{}}
        exec(script, names, names)
        assert (set(sys.modules), threading.active_count(), set(globals())) == before
        task.cancel()

    asyncio.run(main({script!r}))
"""

since_311 = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="the script is for 3.14, and 3.10 has no co_qualname to try it with"
)


def script_for(path, until_ns=1 << 62):
    return f"{SCRIPT}\n\ntell({str(path)!r}, {until_ns})\n"


@since_311
def test_a_process_tells_of_its_tasks_and_locks_and_is_as_before(tmp_path):
    program = tmp_path / "program.py"
    text = AS_BEFORE.replace("\n    ", "\n").format(script=script_for(tmp_path / "answer"))
    program.write_text(text)
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    told = read_answer(str(tmp_path / "answer"))
    line = text.splitlines().index("    await asyncio.sleep(300)") + 1
    assert ("task", 0, "waiter waits in sleep()", str(program), line, "wait") in told
    said = [one[2] for one in told if one[0] == "object"]
    assert "Lock stats: value 0 of 1, taken 1 times here, by the main thread" in said
    assert "Lock free: value 1 of 1, not held here" in said
    assert {"frame", "end"} <= {one[0] for one in told}


@since_311
def test_a_script_that_comes_too_late_does_nothing(tmp_path):
    exec(script_for(tmp_path / "answer", until_ns=1), {})
    assert list(tmp_path.iterdir()) == []


def test_an_answer_that_cannot_be_written_raises_nothing(tmp_path):
    exec(script_for(tmp_path / "absent" / "answer"), {})


def test_what_is_no_answer_is_left_out(tmp_path):
    path = tmp_path / "answer"
    path.write_text("('task', 0, 'a', '', 0, '')\n__import__('os')\n('task', 1)\n(\n")
    assert read_answer(str(path)) == [("task", 0, "a", "", 0, "")]


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="this Python can be asked")
def test_an_older_python_is_not_asked_and_that_is_said(tmp_path):
    with hung.hanging(tmp_path, hung.SELF_DEADLOCK) as pid:
        (answer,) = ask(find_job(pid), 1.0)
    assert answer.why == f"Python 3.{sys.version_info[1]} cannot be asked: that is possible from 3.14 on"


@pytest.mark.parametrize(
    ("error", "why"),
    [
        ("AttributeError: module 'sys' has no attribute 'remote_exec'", "its Python cannot be asked"),
        ("RuntimeError: Remote debugging is not enabled in the remote process", "PYTHON_DISABLE_REMOTE_DEBUG"),
        ("PermissionError: [Errno 13] Permission denied: '/proc/7/maps'", "it may not be written to"),
        ("RuntimeError: something else", "it could not be asked: RuntimeError: something else"),
    ],
)
def test_a_refusal_is_one_plain_sentence(error, why):
    assert why in asking._in_plain_words(error)


@pytest.fixture(params=["3.14", "3.15"])
def since_314(request: pytest.FixtureRequest) -> str:
    python = python_for(request.param)
    if python is None:
        pytest.skip(f"CPython {request.param} is not on this machine")
    return python


def test_a_process_that_wakes_up_by_itself_answers(tmp_path, since_314):
    with hung.hanging(tmp_path, POLLS, python=since_314) as pid:
        attached = attach(pid, str(tmp_path / "run"), inside_s=10)
    said = [event.text("text") for event in judge(attached.path).run.of(observations.INSIDE)]
    assert "ticker waits in sleep()" in said
    assert any(one.startswith("Lock stats: value 0 of 1, taken 1 times here") for one in said)
    assert attached.pause_ns > 0


def test_a_process_that_blocks_does_not_answer_and_its_script_is_empty(tmp_path, since_314, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with hung.hanging(tmp_path, hung.SELF_DEADLOCK, python=since_314) as pid:
        (answer,) = ask(find_job(pid), 0.5)
    assert "ran no Python code for 0.5 s" in answer.why
    (script,) = Path(tmp_path).glob("mptrace-inside-*/*/*")
    assert (script.name, script.read_text()) == ("script.py", "")
