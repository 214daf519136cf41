"""What a page does with widths, places, colours and characters."""

from __future__ import annotations

import io
import os
import pty

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from mptrace.model.site import Site
from mptrace.report.page import Page, page_for, paint
from mptrace.report.plain import clean, shorten


def plain(lines: list[Text]) -> list[str]:
    return [line.plain for line in lines]


def test_place_is_relative_below_the_working_directory_and_absolute_elsewhere() -> None:
    page = Page(cwd="/home/ann/job")
    assert page.place(Site("/home/ann/job/a/b.py", 3)) == "a/b.py:3"
    assert page.place(Site("/home/ann/jobs/b.py", 3)) == "/home/ann/jobs/b.py:3"


def test_place_without_a_line_is_the_file_alone() -> None:
    assert Page().place(Site("<string>", 0)) == "<string>"


def test_place_stands_at_the_right_edge() -> None:
    (line,) = Page(width=40).ending(Text("wants cache"), Site("a.py", 7))
    assert line.plain == f"{'wants cache':<34}a.py:7"


def test_place_that_does_not_fit_gets_a_line_of_its_own_and_stays_whole() -> None:
    first, second = plain(Page(width=30).ending(Text("waits in results.get()"), Site("/a/rather/long/path/to/it.py", 7)))
    assert first == "waits in results.get()"
    assert second.strip() == "/a/rather/long/path/to/it.py:7"


def test_wrapping_counts_cells_of_wide_characters() -> None:
    lines = Page(width=20).wrapped("読み込み 読み込み 読み込み", first="", rest="  ")
    assert plain(lines) == ["読み込み 読み込み", "  読み込み"]


def test_wrapping_keeps_blanks_of_what_fits_and_never_cuts_a_word() -> None:
    page = Page(width=20)
    assert plain(page.wrapped("took   a", first="  ")) == ["  took   a"]
    assert plain(page.wrapped("a " + "x" * 30, first="  ", rest="  ")) == ["  a", "  " + "x" * 30]


def test_list_breaks_between_items_only() -> None:
    lines = Page(width=20).listed(["Python 3.11", "7 processes", "exit 1"], first="a  ", rest="    ")
    assert plain(lines) == ["a  Python 3.11,", "    7 processes,", "    exit 1"]


@given(st.text())
def test_no_text_reaches_the_terminal_as_a_control_sequence(text: str) -> None:
    assert clean(text).isprintable()
    assert all(" " <= char <= "~" for char in clean(text, only_ascii=True))


@given(st.text(), st.integers(min_value=8, max_value=100))
def test_shortened_text_is_never_longer_than_asked(text: str, width: int) -> None:
    assert len(shorten(text, width)) <= width


def test_name_inside_another_name_is_not_painted() -> None:
    line = paint(Text("loader-1 and loader-12"), ["loader-1"])
    assert [(span.start, span.end) for span in line.spans] == [(0, 8)]


def test_pipe_gets_80_plain_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    page = page_for(io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    assert (page.width, page.colour, page.ascii) == (80, False, False)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_stream_that_cannot_encode_lines_of_a_tree_gets_ascii(encoding: str) -> None:
    assert page_for(io.TextIOWrapper(io.BytesIO(), encoding=encoding)).ascii


@pytest.mark.parametrize(
    ("variables", "colour", "only_ascii"),
    [({}, True, False), ({"NO_COLOR": "1"}, False, False), ({"NO_COLOR": ""}, True, False), ({"TERM": "dumb"}, False, True)],
)
def test_terminal_gets_what_it_can_show(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], *, colour: bool, only_ascii: bool
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    outer, inner = pty.openpty()
    try:
        with open(inner, "w", encoding="utf-8") as terminal:
            page = page_for(terminal)
    finally:
        os.close(outer)
    assert (page.colour, page.ascii) == (colour, only_ascii)


def test_closed_stream_is_a_plain_page() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    stream.close()
    assert not page_for(stream).colour


def test_page_without_colour_prints_no_escape() -> None:
    assert "\x1b" not in Page().print([Text("a", "bold red")])
    assert "\x1b[1;31m" in Page(colour=True).print([Text("a", "bold red")])
