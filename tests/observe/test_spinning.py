"""What polls in native code for threads that are not there is told from what computes: by two native stacks of a busy process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mptrace.observe import spinning

GOMP, LIBC, TORCH = "/v/torch/lib/libgomp.so.1", "/lib/x86_64-linux-gnu/libc.so.6", "/v/torch/lib/libtorch_cpu.so"
POLLS = [("sched_yield", LIBC), ("omp_parallel_acopy", TORCH), ("GOMP_parallel", GOMP), ("sgemm_", TORCH)]
IN_RUNTIME = [("", GOMP), ("GOMP_parallel", GOMP), ("sgemm_", TORCH)]
COMPUTES = [("mkl_blas_avx2_sgemm_kernel", TORCH), ("gemm_omp_fn.1", TORCH), ("GOMP_parallel", GOMP)]
ELSEWHERE = [("sched_yield", LIBC), ("sgemm_", TORCH)]
OTHER_CALL = [("sched_yield", LIBC), ("GOMP_barrier", GOMP)]


def frames(*native: tuple[str, str]) -> list[dict[str, Any]]:
    return [
        *({"name": name, "filename": library, "module": library} for name, library in native),
        {"name": "w", "filename": "/job/omp.py"},
        {"name": "GOMP_parallel", "filename": GOMP, "module": GOMP},  # of whom called Python
    ]


@pytest.fixture
def busy() -> Iterator[int]:
    """Start a process that computes for ever, and say so when it does."""
    code = "import sys; print('ready', flush=True)\nwhile True: pass"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


def ask(looks: list[list[tuple[str, str]]], tmp_path: Path, pid: int, monkeypatch: pytest.MonkeyPatch) -> list[spinning.Spin]:
    """Find with a py-spy that says this, one after the other."""
    for number, look in enumerate(looks):
        (tmp_path / f"{number}.json").write_text(json.dumps([{"frames": frames(*look)}]))
    program = tmp_path / "py-spy"
    program.write_text(f"#!/bin/sh\ncd {tmp_path}; first=$(ls *.json | head -n 1); cat $first; rm $first\n")
    program.chmod(0o755)
    monkeypatch.setattr(spinning, "find_py_spy", lambda: str(program))
    monkeypatch.setattr(spinning, "BETWEEN_S", 0)
    return spinning.find_spinning([pid])


@pytest.mark.parametrize(
    ("looks", "polling"),
    [([POLLS, POLLS], "sched_yield"), ([IN_RUNTIME, IN_RUNTIME], ""), ([IN_RUNTIME, POLLS], "")],
    ids=["yields", "in the runtime", "now this, now that"],
)
def test_who_polls_in_the_runtime_at_both_looks_is_found(looks, polling, tmp_path, busy, monkeypatch) -> None:
    found = ask(looks, tmp_path, busy, monkeypatch)
    assert [(spin.pid, spin.library, spin.polling) for spin in found] == [(busy, "libgomp.so.1", polling)]


@pytest.mark.parametrize(
    "looks",
    [[COMPUTES, COMPUTES], [ELSEWHERE, ELSEWHERE], [IN_RUNTIME, COMPUTES], [POLLS, OTHER_CALL], [[], []]],
    ids=["computes", "yields elsewhere", "goes on", "another call", "no native code"],
)
def test_who_computes_or_gets_on_is_not(looks, tmp_path, busy, monkeypatch) -> None:
    assert ask(looks, tmp_path, busy, monkeypatch) == []


def test_who_waits_is_not_asked_at_all() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        while (Path("/proc") / str(process.pid) / "wchan").read_text() in ("", "0"):
            os.sched_yield()
        assert spinning.may_spin([process.pid]) == []
        process.kill()


def test_a_py_spy_that_fails_finds_nothing(tmp_path, busy, monkeypatch) -> None:
    monkeypatch.setattr(spinning, "find_py_spy", lambda: "/bin/false")
    assert spinning.find_spinning([busy]) == []
