"""Whatever a recording says, every format tells it: names of any characters, times out of any order, nothing where something was expected."""

from __future__ import annotations

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mptrace.diagnose.engine import Diagnosis, Unchecked
from mptrace.diagnose.finding import Finding, Severity, Step, Verdict
from mptrace.model.moment import Doing, Hold, Look, Moment, Wait
from mptrace.model.process import Exit, Process, Role, Thread, ThreadRole
from mptrace.model.resource import Resource
from mptrace.model.run import Meta, Run
from mptrace.model.site import Site
from mptrace.report.format import format_names, render
from mptrace.report.live import conclude, explain
from mptrace.report.page import Page

TEXT = st.text(max_size=30)
TIME = st.integers(min_value=0, max_value=2**63)
SITES = st.none() | st.builds(Site, TEXT, st.integers(0, 10**6), TEXT)
EXITS = st.none() | st.builds(Exit, st.none() | st.integers(-300, 300), st.none() | st.integers(0, 99), TEXT, SITES)


@st.composite
def processes(draw: st.DrawFn) -> list[Process]:
    made: list[Process] = []
    for number in range(draw(st.integers(0, 4))):
        process = Process(
            f"p{number}", draw(st.integers(0, 99)), name=draw(TEXT), role=draw(st.sampled_from(Role)), exit=draw(EXITS),
            traced=draw(st.booleans()), started_ns=draw(TIME), ended_ns=draw(st.none() | TIME), command=draw(TEXT),
        )  # fmt: skip
        process.parent = draw(st.sampled_from([None, *made]))
        process.threads = [Thread(process, number, draw(TEXT), draw(st.sampled_from(ThreadRole)))] * draw(st.integers(0, 1))
        made.append(process)
    return made


@st.composite
def runs(draw: st.DrawFn) -> Run:
    run = Run(processes=draw(processes()))
    run.meta = Meta(
        tuple(draw(st.lists(TEXT, max_size=2))), draw(TEXT), draw(TEXT), cwd=draw(TEXT), start_ns=draw(TIME), start_wall_ns=draw(TIME),
        end_ns=draw(st.none() | TIME), status=draw(st.none() | st.integers(0, 255)), ended_by=draw(TEXT),
    )  # fmt: skip
    threads = [thread for process in run.processes for thread in process.threads]
    resource = Resource("r1", 1, 1, draw(TEXT), draw(TEXT), draw(SITES))
    for number in range(draw(st.integers(0, 2)) if threads else 0):
        pick = st.sampled_from(threads)
        run.moments.append(
            Moment(
                number, draw(TIME), number == 0, processes=run.processes,
                waits=[Wait(draw(pick), draw(st.integers(0, 25)), draw(st.sampled_from([None, resource, *run.processes, *threads])), draw(TIME), draw(st.none() | TIME), draw(SITES))],
                holds=[Hold(draw(pick), resource)], doings=[Doing(draw(pick), resource, 1, 1, draw(TEXT), draw(TIME))],
                looks={draw(pick): Look(draw(pick), draw(TEXT), draw(st.none() | st.booleans()))},
            )
        )  # fmt: skip
    return run


@st.composite
def findings(draw: st.DrawFn, run: Run) -> Finding:
    whom = st.sampled_from([None, *run.processes, *(thread for process in run.processes for thread in process.threads)])
    steps = st.lists(st.builds(Step, TEXT, whom, st.none() | TIME, SITES), max_size=4).map(tuple)
    return Finding(
        draw(TEXT), draw(st.sampled_from(Verdict)), draw(steps), draw(TEXT), draw(steps), draw(TEXT), draw(SITES), tuple(run.processes),
        details=(draw(TEXT),), moment=draw(st.none() | st.integers(0, 3)), rule=draw(st.sampled_from(["lock-cycle", "all-asleep"])), severity=draw(st.sampled_from(Severity)),
    )  # fmt: skip


@st.composite
def cases(draw: st.DrawFn) -> tuple[Run, Diagnosis]:
    run = draw(runs())
    found = draw(st.lists(findings(run), max_size=2))
    return run, Diagnosis(found, [Unchecked(draw(TEXT), draw(TEXT))] * draw(st.integers(0, 1)))


PAGES = st.builds(Page, st.integers(50, 120), st.just(False), st.booleans(), st.booleans(), TEXT)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases(), PAGES)
def test_every_format_tells_any_run_and_prints_no_control_character(case: tuple[Run, Diagnosis], page: Page) -> None:
    run, diagnosis = case
    printed = [render(name, run, diagnosis, page) for name in format_names() if name != "json"]
    printed += [explain(run, finding, page) for finding in diagnosis.findings]
    printed.append(conclude(run, diagnosis.findings, page))
    assert all(line.isprintable() for text in printed for line in text.split("\n"))
    assert json.loads(render("json", run, diagnosis, page))["schema"] == "mptrace.report/1"
