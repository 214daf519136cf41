"""Causes that a look from outside can name itself, and not only the state that they led to: scenarios, started plainly."""

from __future__ import annotations

import sys
import time

import pytest

from mptrace.attach.attach import attach
from mptrace.attach.terminations import orders_before
from mptrace.cli.judge import judge
from tests.attach.sweep import HOME, pids_below, start, stop

LONGEST_S = 30.0


def first_finding(folder, scenario, method, wanted):
    """Attach to a scenario until it is told as wanted; return the first finding."""
    job = start(next((HOME / "scenarios" / scenario).glob("[bp]ro*.py")), sys.executable, method, patience_s=60)
    pids, end, said = [job.pid], time.monotonic() + LONGEST_S, ""
    try:
        while time.monotonic() < end:
            pids += pids_below(job.pid)
            findings = judge(attach(job.pid, str(folder / str(time.monotonic_ns()))).path).diagnosis.findings
            if findings and (findings[0].rule, findings[0].severity.value) == (wanted, "error"):
                return findings[0]
            said = ", ".join(finding.title for finding in findings)
            time.sleep(0.3)
    finally:
        stop(job, pids)
    pytest.fail(f"not told as {wanted} within {LONGEST_S:.0f} s, but: {said}")


@pytest.mark.parametrize(
    ("scenario", "method", "rule", "verdict", "line"),
    [
        ("partial_message", "fork", "partial-message", "proven", 25),
        ("import_deadlock", "fork", "import-deadlock", "proven", 6),
        ("death_hidden", "fork", "death-hidden", "proven", 22),
        ("termination_ignored", "spawn", "termination-ignored", "likely", 25),
        ("mixed_thread_outlives_main", "fork", "exit-hang", "proven", 14),
        ("native_lock_after_fork", "fork", "native-lock-after-fork", "proven likely", 29),
        pytest.param(
            "from_reports_14_worker_limit", "spawn", "known-python-bug", "likely", 23,
            marks=pytest.mark.skipif(not (3, 11) <= sys.version_info < (3, 13, 13), reason="this Python has no such bug"),
        ),
    ],
)  # fmt: skip
def test_a_cause_is_named_on_its_line(tmp_path, scenario, method, rule, verdict, line):
    found = first_finding(tmp_path, scenario, method, rule)
    assert found.verdict.value in verdict.split()  # (of a mutex the owner is known while its thread is there)
    assert line in {place.site.line for place in found.places}


# -- what the text says of signals


TEXTS = [
    ("worker.terminate()\nworker.join()", [1]),
    ("worker.join()\nworker.terminate()", []),
    ("other.terminate()\nworker.join()", []),
    ("if impatient:\n    worker.terminate()\nworker.join()", []),
    ("if impatient:\n    worker.terminate()\n    worker.join()", [2]),
    ("if impatient:\n    worker.terminate()\nelse:\n    worker.join()", []),
    ("if worker.is_alive():\n    worker.terminate()\nworker.join()", [2]),
    ("try:\n    run()\nexcept Exception:\n    worker.terminate()\nworker.join()", []),
    ("try:\n    run()\nfinally:\n    worker.terminate()\n    worker.join()", [4]),
    ("while retry():\n    worker.terminate()\nworker.join()", []),
    ("for worker in workers:\n    worker.terminate()\nfor worker in workers:\n    worker.join()", [2]),
    ("for worker in old:\n    worker.terminate()\nfor worker in workers:\n    worker.join()", []),
    ("worker.terminate()\nworker = start()\nworker.join()", []),
    ("worker.terminate()\nfor worker in workers:\n    worker.join()", []),
    ("os.kill(worker.pid, signal.SIGTERM)\nworker.join()", [1]),
    ("os.kill(worker.pid, signal.SIGUSR1)\nworker.join()", []),
    ("self.worker.terminate()\nself.worker.join()", [1]),
]


@pytest.mark.parametrize(("text", "lines"), TEXTS)
def test_what_was_certainly_told_to_end_before_it_is_joined(tmp_path, text, lines):
    program = tmp_path / "program.py"
    program.write_text(text)
    join = next(number for number, line in enumerate(text.splitlines(), 1) if line.strip().endswith(".join()"))
    assert [order[1] for order in orders_before(str(program), join, "<module>")] == lines


def test_what_another_function_does_is_not_told(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("def stop(worker):\n    worker.terminate()\n\ndef main(worker):\n    worker.join()\n")
    assert orders_before(str(program), 5, "main") == ()
