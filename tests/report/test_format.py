"""Formats are found by their files."""

from __future__ import annotations

import pytest

from mptrace.errors import BadUse
from mptrace.report.format import format_names, render
from tests.golden.cases import CASES


def test_every_file_of_the_folder_is_a_format_that_renders() -> None:
    assert {"json", "text"} <= set(format_names())
    for name in format_names():
        case = CASES["nothing_found"]()
        assert render(name, case.run, case.diagnosis)


def test_unknown_format_is_bad_use_and_names_the_others() -> None:
    case = CASES["nothing_found"]()
    with pytest.raises(BadUse, match="yaml") as caught:
        render("yaml", case.run, case.diagnosis)
    assert "json, text" in caught.value.hint or "markdown" in caught.value.hint
