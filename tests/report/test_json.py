"""The contract of the JSON report."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mptrace.report import schema
from mptrace.report.format import render
from mptrace.report.page import Page
from tests.golden.cases import CASES, HOME


def report_of(name: str) -> dict[str, Any]:
    case = CASES[name]()
    return dict(json.loads(render("json", case.run, case.diagnosis, Page(cwd=HOME))))


def test_schema_file_is_fresh() -> None:
    with open(schema.PATH, "rb") as file:
        assert file.read() == schema.schema_bytes(), "python -m mptrace.report.schema"


@pytest.mark.parametrize("name", CASES)
def test_report_has_what_the_contract_says(name: str) -> None:
    report = report_of(name)
    assert report["schema"] == "mptrace.report/1"
    assert {"mptrace", "run", "processes", "findings", "not_checked", "lost"} <= set(report)
    assert {"command", "python", "start", "end", "host", "start_method", "lost"} <= set(report["run"])
    for finding in report["findings"]:
        assert finding["verdict"] in ("proven", "likely", "possible")
        assert finding["severity"] in ("error", "warning", "hint")
        assert {"rule", "title", "explanation", "fix", "explained_by", "processes", "resources", "locations", "evidence"} <= set(
            finding
        )


def test_explained_finding_follows_its_cause() -> None:
    findings = report_of("dead_pool_worker")["findings"]
    assert [(finding["rule"], finding["explained_by"]) for finding in findings] == [
        ("pool-worker-died", None),
        ("killed-by-signal", "pool-worker-died"),
    ]


def test_places_are_absolute_and_the_fix_is_one_of_them() -> None:
    (finding, _) = report_of("lock_cycle_of_two")["findings"]
    assert {place["file"] for place in finding["locations"]} == {f"{HOME}/loader.py"}
    assert ("fix", 79) in [(place["role"], place["line"]) for place in finding["locations"]]


def test_explanation_is_the_whole_chain_in_prose() -> None:
    text = report_of("lock_cycle_of_two")["findings"][0]["explanation"]
    assert "loader-1 (pid 4120) wants cache at loader.py:57" in text
    assert "stats (Lock) was made at train.py:31" in text
    assert "Neither wait has a timeout" in text
    assert "MainProcess, in join() of loader-1, for 9.5 s at train.py:88" in text


def test_text_that_is_no_unicode_is_written_escaped() -> None:
    case = CASES["nothing_found"]()
    case.run.meta.command = ("python", "caf\udce9.py")
    report = json.loads(render("json", case.run, case.diagnosis, Page()))
    assert report["run"]["command"][1] == "caf\\udce9.py"
