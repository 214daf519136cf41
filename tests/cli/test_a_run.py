"""What a user gets from a run: its report, its status, its JSON; now and later."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.launched import launch, only_run, write_script

UNCAUGHT = """
    from multiprocessing import Process
    def work():
        raise ValueError("no such page")
    if __name__ == "__main__":
        worker = Process(target=work, name="crawler")
        worker.start()
        worker.join()
"""


def test_what_was_found_is_explained_at_the_end_and_the_status_is_the_jobs(tmp_path: Path) -> None:
    write_script(tmp_path, UNCAUGHT)

    ended = launch(tmp_path, "--json", "report.json", "job.py")

    assert ended.status == 0
    assert "mptrace: uncaught-exception (proven): " in ended.stderr
    findings = json.loads((tmp_path / "report.json").read_text())["findings"]
    assert findings[0]["rule"] == "uncaught-exception"
    assert json.loads((only_run(tmp_path) / "report.json").read_text())["findings"] == findings


def test_strict_makes_an_error_the_status(tmp_path: Path) -> None:
    write_script(tmp_path, UNCAUGHT)

    assert launch(tmp_path, "--strict", "job.py").status == 1


def test_strict_keeps_a_status_that_is_not_0(tmp_path: Path) -> None:
    write_script(tmp_path, UNCAUGHT.replace("worker.join()", "worker.join(); raise SystemExit(9)"))

    assert launch(tmp_path, "--strict", "job.py").status == 9


def test_quiet_prints_nothing_and_records(tmp_path: Path) -> None:
    write_script(tmp_path, UNCAUGHT)

    ended = launch(tmp_path, "--quiet", "job.py")

    assert "mptrace:" not in ended.stderr
    assert (only_run(tmp_path) / "report.json").exists()


def test_a_run_can_be_reported_later_as_text_or_json(tmp_path: Path) -> None:
    write_script(tmp_path, UNCAUGHT)
    launch(tmp_path, "job.py")

    text = launch(tmp_path, "report")
    assert text.status == 0
    assert "uncaught-exception" in text.stdout
    launch(tmp_path, "report", "job-", "--format", "json", "-o", "later.json")
    assert json.loads((tmp_path / "later.json").read_text())["schema"] == "mptrace.report/1"


def test_a_fault_in_judging_is_one_line_and_leaves_the_status(tmp_path: Path) -> None:
    write_script(tmp_path, UNCAUGHT)
    broken = "import mptrace.cli.traced_run as run\ndef fail(*a, **k): raise RuntimeError('broken')\nrun.judge = fail\n"
    write_script(tmp_path, broken + "from mptrace.cli.command import main\nmain(['job.py'])\n", "tool.py")

    import subprocess
    import sys

    from tests.support.launched import environment

    done = subprocess.run(
        [sys.executable, "tool.py"], cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0
    assert "mptrace: no report (RuntimeError, a fault of mptrace's own); the recording is in" in done.stderr
    assert "broken" in (only_run(tmp_path) / "launcher.log").read_text()
