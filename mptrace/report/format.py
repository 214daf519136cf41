"""What a format is: a module in ``formats/`` with ``render(run, diagnosis, page) -> str``, found by its file.

To add one: a file there; its name is what ``--format`` takes.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Protocol, cast

from mptrace.errors import BadUse
from mptrace.report import formats as folder
from mptrace.report.page import Page

if TYPE_CHECKING:
    from mptrace.diagnose.engine import Diagnosis
    from mptrace.model.run import Run


class Format(Protocol):
    """A way to write a report."""

    def render(self, run: Run, diagnosis: Diagnosis, page: Page) -> str:
        """Return the whole report."""


def format_names() -> tuple[str, ...]:
    """Return the names of all formats."""
    return tuple(sorted(found.name for found in iter_modules(folder.__path__)))


def render(name: str, run: Run, diagnosis: Diagnosis, page: Page | None = None) -> str:
    """Return a report in the format of this name; BadUse if there is none."""
    if name not in format_names():
        raise BadUse(f"There is no report format {name!r}.", f"Formats: {', '.join(format_names())}.")
    writer = cast("Format", import_module(f"{folder.__name__}.{name}"))
    return writer.render(run, diagnosis, page or Page(cwd=run.meta.cwd))
