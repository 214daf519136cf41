"""The report as data: what ``--json`` writes, and the JSON Schema that is generated from it.

``python -m mptrace.report.schema`` writes `report.schema.json` anew.

History of SCHEMA: 1 first.
"""

from __future__ import annotations

import os
from typing import Any, Literal

import msgspec

SCHEMA = "mptrace.report/1"
PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "report.schema.json")


class Place(msgspec.Struct, kw_only=True):
    """A line of the program; ``file`` as the program names it (absolute)."""

    file: str
    line: int


class Lost(msgspec.Struct, kw_only=True):
    """What was not recorded, or could not be read; ``anything``: a diagnosis may depend on it."""

    anything: bool
    records: int
    threads: int
    locks: int
    connections: int
    torn: int
    damaged_files: list[str]
    probes_off: list[tuple[str, str]]


class Run(msgspec.Struct, kw_only=True):
    """What was run. ``start``, ``end``: ISO 8601 with offset; ``duration``: seconds from start to the last that is known."""

    command: list[str]
    script: str
    python: str
    host: str
    cwd: str
    path: str
    start: str
    end: str | None
    duration: float
    status: int | None
    ended_by: str
    start_method: str
    hang_after: float
    observed: bool
    complete: bool
    notes: list[str]
    lost: Lost


class Exit(msgspec.Struct, kw_only=True):
    """How a process ended; ``by``: "" itself or unknown, "outside" the job, or the name of the process that sent the signal."""

    code: int | None
    signal: int | None
    by: str
    at: Place | None


class Process(msgspec.Struct, kw_only=True):
    """``started``, ``ended``: seconds since the run's start; the same as ISO 8601 in ``started_at``, ``ended_at``."""

    id: str
    pid: int
    ppid: int
    name: str
    role: str
    start_method: str
    started: float
    started_at: str
    ended: float | None
    ended_at: str | None
    exit: Exit | None
    traced: bool
    why_untraced: str
    parent: str | None


class ProcessRef(msgspec.Struct, kw_only=True):
    """A process that a finding is about."""

    id: str
    pid: int
    name: str
    role: str


class Resource(msgspec.Struct, kw_only=True):
    """A resource that a finding is about; ``label``: as the program calls it."""

    id: str
    kind: str
    label: str
    created_at: Place | None


class Location(msgspec.Struct, kw_only=True):
    """A line to blame or to look at; ``role`` says what it is in the finding."""

    role: str
    file: str
    line: int
    function: str
    pid: int | None


class Step(msgspec.Struct, kw_only=True):
    """A line of the picture; ``at``: seconds since the run's start."""

    at: float | None
    who: str
    pid: int | None
    says: str
    place: Place | None


class Evidence(msgspec.Struct, kw_only=True):
    """A record, cited, and what it shows."""

    ref: str
    says: str


class Finding(msgspec.Struct, kw_only=True):
    """``explanation``: the whole chain, a line each; ``explained_by``: the rule of the finding that this one follows from."""

    rule: str
    verdict: Literal["proven", "likely", "possible"]
    severity: Literal["error", "warning", "hint"]
    title: str
    explanation: str
    fix: str
    explained_by: str | None
    processes: list[ProcessRef]
    resources: list[Resource]
    locations: list[Location]
    evidence: list[Evidence]
    steps: list[Step]
    also: list[Step]
    details: list[str]


class Skipped(msgspec.Struct, kw_only=True):
    """A rule that was not checked, or that failed, and why."""

    rule: str
    why: str


class Report(msgspec.Struct, kw_only=True):
    """The whole report; ``findings[0]`` is the root cause."""

    schema: str
    mptrace: str
    run: Run
    processes: list[Process]
    findings: list[Finding]
    not_checked: list[Skipped]
    broken: list[Skipped]
    lost: Lost


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of `Report`."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": SCHEMA, **msgspec.json.schema(Report)}


def schema_bytes() -> bytes:
    """Return the bytes of report.schema.json."""
    return msgspec.json.format(msgspec.json.encode(json_schema()), indent=1) + b"\n"


def main() -> None:
    """Write report.schema.json."""
    with open(PATH, "wb") as file:
        file.write(schema_bytes())


if __name__ == "__main__":
    main()
