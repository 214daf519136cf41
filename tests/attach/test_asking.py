"""``attach --inside``: what a process tells of itself, that it is as before, and one clear sentence for one that tells nothing."""

from __future__ import annotations

import os
import stat
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

HANDLED = """
    import asyncio, signal

    class Away(Exception):
        pass

    class Handlers:
        def plain(number, frame):
            raise SystemExit(7)

        def variable(*arguments):
            raise Away

        def method(self, number, frame):
            raise Away

    handler = {{
        "plain": Handlers.plain, "variable": Handlers.variable, "method": Handlers().method, "python": signal.default_int_handler,
    }}[{handler!r}]
    signal.signal(signal.SIGINT, handler)
    ended = False
    try:
        [*map(exec, [{script!r}], [{{}}])]; ended = True  # as C calls it: Python looks for signals later
        print("it is lost")
    except (Away, SystemExit, KeyboardInterrupt):
        print("it reached the program", ended)
"""

OF_ITS_OWN = """
    import asyncio

    class Own:
        def __await__(self):
            return self

        __iter__ = __await__

        def __next__(self):
            return None

        def __getattr__(self, name):
            if name not in ("send", "throw"):  # the task itself does
                print("asked for", name)
            raise AttributeError(name)

    async def wait():
        await Own()

    async def main(script):
        number = 1 << 99998
        task = asyncio.create_task(wait(), name="waiter")
        await asyncio.sleep(0)
        exec(script, {{}})
        task.cancel()

    asyncio.run(main({script!r}))
"""

since_311 = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="the script is for 3.14, and 3.10 has no co_qualname to try it with"
)


def script_for(path, until_ns=1 << 62):
    return f"{SCRIPT}\n\n{asking._CALL.format(answer=str(path), until_ns=until_ns)}\n"


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


@since_311
@pytest.mark.parametrize("handler", ["plain", "variable", "method", "python"])
@pytest.mark.parametrize("place", ["_frames(until_ns)", "_write(path, lines)"])
def test_what_a_signal_handler_raises_meanwhile_reaches_the_program(tmp_path, handler, place):
    send = "\n    sys.modules['_signal'].raise_signal(2)\n"
    script = script_for(tmp_path / "answer").replace(f"def {place}:\n", f"def {place}:{send}")
    program = tmp_path / "program.py"
    program.write_text(HANDLED.replace("\n    ", "\n").format(script=script, handler=handler))
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("it reached the program True\n", "")


@since_311
def test_an_awaitable_of_the_program_and_a_long_number_are_not_asked(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(OF_ITS_OWN.replace("\n    ", "\n").format(script=script_for(tmp_path / "answer")))
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    told = read_answer(str(tmp_path / "answer"))
    assert not [one for one in told if one[0] == "trouble"]
    assert any("number=int of 99999 bits" in one[2] for one in told)
    assert any(one[2] == "waiter waits in wait()" for one in told)


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_an_answer_that_is_no_file_is_not_read(tmp_path, kind):
    (tmp_path / "other").write_text("('task', 0, 'secret', '', 0, '')\n")
    path = tmp_path / "answer"
    if kind == "pipe":
        os.mkfifo(path)
        assert read_answer(str(path)) == []
    else:
        path.symlink_to(tmp_path / "other")
        with pytest.raises(OSError, match="symbolic links"):
            read_answer(str(path))


def test_only_where_the_answer_goes_is_its_users(tmp_path):
    folder = Path(asking._folder_for(str(tmp_path), os.getpid()))
    assert [stat.S_IMODE(place.stat().st_mode) for place in (folder, folder / "told")] == [0o755, 0o700]


@pytest.mark.skipif(os.geteuid() != 0, reason="of root's own files only")
def test_root_starts_no_interpreter_that_others_may_write(tmp_path):
    program = tmp_path / "python"
    program.write_text("")
    assert asking._only_roots(str(program))
    program.chmod(0o777)
    assert not asking._only_roots(str(program))


def test_what_is_no_answer_is_left_out(tmp_path):
    path = tmp_path / "answer"
    path.write_text(f"('task', 0, 'a', '', 0, '')\n__import__('os')\n('task', 1)\n(\n('task', {1 << 70}, 'a', '', 0, '')\n")
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
    assert "it did not answer within 0.5 s" in answer.why
    (script,) = Path(tmp_path).glob("mptrace-inside-*/*/*.*")
    assert (script.name, script.read_text()) == ("script.py", "")
