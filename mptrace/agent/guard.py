"""A failing probe is switched off: its patches are undone, one event says so, and the host goes on."""

from __future__ import annotations

import sys

from ..wire.events import agents
from . import originals, recorder
from .probe import TARGETS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

off: set[str] = set()
"""Names of the probes that were switched off in this process or in one that it was forked from."""


def install(target: str, module: ModuleType, run_path: str) -> None:
    """Install the probes of ``target``, opening the recorder if this is the first."""
    recorder.open_first(run_path)
    for name in TARGETS[target]:
        if name in off:
            continue
        try:
            probe = __import__(f"{__package__}.probes.{name}", fromlist=["install"])
            probe.install(module)
        except Exception:  # noqa: BLE001 - the guest's oath
            trouble(name)


def trouble(probe: str) -> None:
    """Call in the ``except`` of a probe's own code: switches the probe off, and says so once in the recording."""
    try:
        if probe in off:
            return
        off.add(probe)
        error = sys.exc_info()[1]
        originals.restore(probe)
        recorder.log(agents.PROBE_OFF, probe, f"{type(error).__name__}: {_message(error)}"[:500])
    except Exception:  # noqa: BLE001 - nothing is left to try
        pass


def _message(error: BaseException | None) -> str:
    frame, where = error.__traceback__ if error else None, ""
    while frame is not None:
        where = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}"
        frame = frame.tb_next
    return f"{error} ({where})"
