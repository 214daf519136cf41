"""Try whether the agent gets into a given Python: start it as a job would be, and look for the mark."""

from __future__ import annotations

import os
import subprocess
import tempfile

from mptrace.launch.directory import fill
from mptrace.launch.environment import traced_environment
from mptrace.wire import layout
from mptrace.wire.rundir import PROCESSES, RECORDING, SEEN

_CODE = "import multiprocessing.process, sys; print(sys.version.split()[0])"


def rehearse(python: str) -> tuple[bool, str]:
    """Return whether the agent boots and records in this interpreter, and a sentence about it."""
    with tempfile.TemporaryDirectory(prefix="mptrace-doctor-") as run_path:
        fill(run_path)
        try:
            done = subprocess.run(
                [python, "-c", _CODE], env=traced_environment(run_path, os.environ), capture_output=True, text=True, timeout=30,
                check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as trouble:
            return False, f"{python}: {trouble}"
        return _judge(python, done, os.path.join(run_path, PROCESSES))


def _judge(python: str, done: subprocess.CompletedProcess[str], folder: str) -> tuple[bool, str]:
    names = os.listdir(folder)
    version = done.stdout.strip() or "unknown"
    if done.returncode:
        return False, f"{python} ended with {done.returncode}: {(done.stderr.strip().splitlines() or [''])[-1]}"
    if not any(name.endswith(SEEN) for name in names):
        return False, f"{python} ({version}) did not load the agent: is it older than 3.10, or does it ignore PYTHONPATH?"
    if not any(name.endswith(RECORDING) for name in names):
        return False, f"{python} ({version}) loads the agent, but it does not record"
    return True, f"{python} ({version}) loads the agent and records{_by(folder, names)}"


def _by(folder: str, names: list[str]) -> str:
    """Say which of the two recorders wrote, if it was the slower one."""
    first = next(name for name in names if name.endswith(RECORDING))
    with open(os.path.join(folder, first), "rb") as file:
        words = memoryview(file.read(layout.HEADER_SIZE)).cast("Q")
    compiled = words[layout.H_FLAGS] & layout.COMPILED
    return "" if compiled else ", in pure Python: its compiled recorder was not built, does not fit, or was switched off"
