# make            says what there is
PYTHON ?= python3
VENV   ?= .venv
RUN     = $(VENV)/bin/python

.DEFAULT_GOAL := help

help: ## what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

setup: $(VENV)/.ready ## a virtual environment with mptrace and what its checks need

test: setup ## all tests
	$(RUN) -m pytest

lint: setup ## ruff
	$(VENV)/bin/ruff check mptrace tests
	$(VENV)/bin/ruff format --check mptrace tests

types: setup ## mypy --strict
	$(VENV)/bin/mypy

layers: setup ## who may import whom
	$(VENV)/bin/lint-imports --no-cache

docs: setup ## write mptrace/diagnose/rules/README.md anew from the rules
	$(RUN) -m mptrace.diagnose.catalogue

docs-check: setup ## fail if that file is stale
	$(RUN) -m mptrace.diagnose.catalogue --check

check: lint types layers docs-check ## what must be green besides the tests

scenarios: setup ## every rule x start method: found, verdict, seconds, on the marked line; every healthy program: silent
	$(RUN) -m tests.support.scenarios

attach-sweep: setup ## attach to every scenario that hangs, started plainly: PYTHON_UNDER_TEST=... METHOD=fork; HEALTHY=1: to the others
	$(RUN) -m tests.attach.sweep $(if $(PYTHON_UNDER_TEST),--python $(PYTHON_UNDER_TEST)) $(if $(METHOD),--method $(METHOD)) $(if $(HEALTHY),--healthy) $(NAMES)

golden: setup ## accept what the formats print now
	MPTRACE_ACCEPT=1 $(RUN) -m pytest tests/golden -q

bench: setup ## what tracing costs, both recorders against bare, 22 min; QUICK=1: 6; BENCH_PYTHON="some that have the packages"
	$(RUN) -m tests.support.bench $(if $(QUICK),--quick) $(foreach one,$(BENCH_PYTHON),--python $(one)) $(LOADS)

bench-compare: setup ## two files of `make bench`: BEFORE=file AFTER=file
	$(RUN) -m tests.support.bench_table $(BEFORE) $(AFTER)

bench-peers: setup ## viztracer, memray, coverage and strace on the same loads, where installed: BENCH_PYTHON=one that has them
	$(RUN) -m tests.support.bench_peers $(if $(BENCH_PYTHON),--python $(BENCH_PYTHON)) $(LOADS)

bench-judge: setup ## 10 million events and 1,000 processes read and judged; the launcher's own CPU; how large a run directory becomes
	$(RUN) -m tests.support.bench_judge; judged=$$?; $(RUN) -m tests.support.bench_watch && exit $$judged

soak: setup ## 64 processes x 4 threads, kills, no room, few files, 1,000 processes, for ten minutes: SECONDS=600
	$(RUN) -m tests.support.soak $(SECONDS)

beds: setup ## suites and programs of others, bare and traced: BEDS=folder NAMES="..."
	$(RUN) -m tests.support.beds $(NAMES)

.PHONY: help setup test lint types layers docs docs-check check scenarios attach-sweep golden bench bench-compare bench-peers bench-judge soak beds
