"""Attach where memory may not be read, as ptrace_scope and containers have it: what is told, and what would help."""

from __future__ import annotations

import errno

import pytest

from mptrace.attach import channels, frames, looks, refusals, stacks
from mptrace.attach.attach import attach
from mptrace.attach.memory import Memory, Unreadable
from mptrace.cli.judge import judge
from tests.attach import hung


@pytest.fixture
def closed(monkeypatch, tmp_path):
    """Refuse what the kernel refuses under ptrace_scope 1: memory, system calls, descriptors; py-spy fails for the same reason."""

    def refuse(*_: object) -> bytes:
        raise Unreadable("EPERM")

    def refuse_descriptor(*_: object) -> int:
        raise OSError(errno.EPERM, "Operation not permitted")

    scope = tmp_path / "ptrace_scope"
    scope.write_text("1\n")
    monkeypatch.setattr(Memory, "read_fresh", refuse)
    monkeypatch.setattr(looks, "_syscall", lambda path, state: "")
    monkeypatch.setattr(channels, "_duplicate", refuse_descriptor)
    monkeypatch.setattr(refusals, "YAMA", str(scope))
    monkeypatch.setattr(stacks, "read_stacks", lambda pids: {pid: frames.Stacks([], "py-spy: EPERM") for pid in pids})


@pytest.mark.usefixtures("closed")
def test_closed_memory_is_named_with_the_command_that_helps_and_nothing_is_proven(tmp_path):
    with hung.hanging(tmp_path, hung.LOCK_CYCLE, "fork") as pid:
        judged = judge(attach(pid, str(tmp_path / "run")).path)
    assert not any(finding.verdict.value == "proven" for finding in judged.diagnosis.findings)
    notes = " ".join(judged.run.completeness.notes)
    assert "ptrace_scope is 1" in notes
    assert f"-m mptrace attach {pid}" in notes


@pytest.mark.parametrize(
    ("scope", "uid", "says"),
    [("3", 1000, "until the next boot"), ("2", 1000, "sudo "), ("", 0, "--cap-add=SYS_PTRACE"), ("0", 1000, "another user")],
)
def test_what_closes_a_process_is_told_by_what_the_machine_says(monkeypatch, tmp_path, scope, uid, says):
    (tmp_path / "scope").write_text(scope)
    monkeypatch.setattr(refusals, "YAMA", str(tmp_path / "scope"))
    monkeypatch.setattr("os.getuid", lambda: uid)
    assert says in refusals.why_closed(4121)
