"""multiprocessing.Process: start, run, end, join, terminate and kill, and how its end was learned."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType


def install(module: ModuleType) -> None:
    """Placeholder of the first walk through."""
