"""The report as JSON: the contract that tests, tools and measurements read (report/schema.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from mptrace.report.account import Account

if TYPE_CHECKING:
    from mptrace.diagnose.engine import Diagnosis
    from mptrace.model.run import Run
    from mptrace.report.page import Page


def render(run: Run, diagnosis: Diagnosis, page: Page) -> str:
    """Return the whole report as JSON, indented; every text in it is as the program wrote it."""
    report = Account(run, page.zone).report(diagnosis)
    try:
        data = msgspec.json.encode(report)
    except UnicodeEncodeError:  # a file name or an argument that is no UTF-8
        data = msgspec.json.encode(_encodable(msgspec.to_builtins(report)))
    return msgspec.json.format(data, indent=2).decode() + "\n"


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {key: _encodable(part) for key, part in value.items()}
    return [_encodable(part) for part in value] if isinstance(value, list | tuple) else value
