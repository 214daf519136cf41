"""What a report is written on: its width, its colours and characters, its clock; and lines with a place at their end.

Everything above this module works on lines of `rich.text.Text`, so that widths are counted in cells of a terminal (a wide
character takes two), and colour is decided once, here.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from datetime import datetime, tzinfo
from io import StringIO
from typing import TYPE_CHECKING, TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from mptrace.report.plain import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mptrace.model.site import Site

CULPRIT = "bold red"
PLACE = "cyan"
STRONG = "bold"

WIDTH = 80
_GLUE = "\ufdd0"
"""Stands for a blank at which no line may break; no text contains it (`clean` escapes it)."""

NARROWEST, WIDEST = 50, 120
"""A place at the right edge of a 200-column terminal is too far from its line to be read with it."""


@dataclass(frozen=True, slots=True)
class Page:
    """What to write for. ``cwd``: places below it are written relative to it; ``zone``: of wall clocks (None: the local one)."""

    width: int = WIDTH
    colour: bool = False
    ascii: bool = False
    verbose: bool = False
    cwd: str = ""
    zone: tzinfo | None = None

    def text(self, says: str, style: str = "") -> Text:
        """Return one line of cleaned text."""
        return Text(clean(says, only_ascii=self.ascii), style)

    def place(self, site: Site) -> str:
        """Return ``file:line``, relative to the working directory when below it."""
        file = site.file
        if self.cwd and file.startswith(self.cwd.rstrip("/") + "/"):
            file = file[len(self.cwd.rstrip("/")) + 1 :]
        return clean(f"{file}:{site.line}" if site.line else file, only_ascii=self.ascii)

    def clock(self, wall_ns: int) -> str:
        """Return a wall clock time, to a tenth of a second (to a thousandth on a verbose page)."""
        moment = datetime.fromtimestamp(wall_ns // 1_000_000_000, self.zone)
        if self.verbose:
            return f"{moment:%H:%M:%S}.{wall_ns // 1_000_000 % 1000:03d}"
        return f"{moment:%H:%M:%S}.{wall_ns // 100_000_000 % 10}"

    def wrapped(self, says: str, *, first: str = "", rest: str = "", style: str = "") -> list[Text]:
        """Return text in lines of the page's width; words are never cut, so a path stays whole."""
        lines: list[str] = []
        for paragraph in clean(says, only_ascii=self.ascii, keep_lines=True).split("\n"):
            lines += _wrap(paragraph, self.width, rest if lines else first, rest)
        return [Text(line, style) for line in lines]

    def listed(self, items: Iterable[str], *, first: str, rest: str) -> list[Text]:
        """Return ``a, b, c`` in lines that break between items only."""
        marked = ", ".join(clean(item, only_ascii=self.ascii).replace(" ", _GLUE) for item in items)
        return [Text(line.replace(_GLUE, " ")) for line in _wrap(marked, self.width, first, rest)]

    def ending(self, line: Text, place: Site | str | None) -> list[Text]:
        """Return a line with a place at its right end; on a line of its own where it does not fit."""
        if not place:
            return [line]
        place = place if isinstance(place, str) else self.place(place)
        room = self.width - line.cell_len - cell_len(place)
        if room >= 2:
            return [line + Text(" " * room) + Text(place, PLACE)]
        return [line, Text(" " * max(self.width - cell_len(place), 4)) + Text(place, PLACE)]

    def print(self, lines: Iterable[Text]) -> str:
        """Return the lines as one string, with escape sequences only if the page has colours."""
        if not self.colour:
            return "".join(f"{line.plain.rstrip()}\n" for line in lines)
        out = StringIO()
        console = Console(file=out, force_terminal=True, color_system="standard", width=10_000, highlight=False)
        for line in lines:
            line.rstrip()
            console.print(line, soft_wrap=True)
        return out.getvalue()


def paint(line: Text, names: Sequence[str]) -> Text:
    """Colour every whole occurrence of the culprits' names."""
    for name in names:
        start = line.plain.find(name)
        while name and start >= 0:
            if not _inside_a_word(line.plain, start, start + len(name)):
                line.stylize(CULPRIT, start, start + len(name))
            start = line.plain.find(name, start + len(name))
    return line


def page_for(stream: TextIO, *, verbose: bool = False, cwd: str | None = None) -> Page:
    """Return what a stream can show: colours and width of a terminal, 80 plain columns of anything else."""
    terminal = _is_terminal(stream)
    dumb = os.environ.get("TERM", "") in ("dumb", "unknown")
    return Page(
        width=_width_of(stream) if terminal else WIDTH,
        colour=terminal and not dumb and not os.environ.get("NO_COLOR"),
        ascii=(terminal and dumb) or not _can_encode(stream),
        verbose=verbose,
        cwd=os.getcwd() if cwd is None else cwd,
    )


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):  # closed, or something that only writes
        return False


def _width_of(stream: TextIO) -> int:
    try:
        columns = int(os.environ.get("COLUMNS", "0") or 0) or os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        columns = WIDTH
    return min(max(columns or WIDTH, NARROWEST), WIDEST)


def _can_encode(stream: TextIO) -> bool:
    try:
        "├─└│×▁█".encode(getattr(stream, "encoding", None) or sys.getdefaultencoding())
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _inside_a_word(text: str, start: int, end: int) -> bool:
    before, after = text[start - 1 : start], text[end : end + 1]
    return before.isalnum() or after.isalnum()


def _wrap(text: str, width: int, first: str, rest: str) -> list[str]:
    if cell_len(first) + cell_len(text.rstrip()) <= width:
        return [first + text.rstrip()]
    words, indent = text.split(), text[: len(text) - len(text.lstrip())]
    first, rest = first + indent, rest + indent
    lines, line, empty = [], first, True
    for word in words:
        if not empty and cell_len(line) + 1 + cell_len(word) > width:
            lines.append(line)
            line, empty = rest, True
        line += word if empty else f" {word}"
        empty = False
    return [*lines, line]
