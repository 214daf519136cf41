"""Every rule says what it must, under its own name, and has a scenario that shows it."""

from __future__ import annotations

from inspect import cleandoc
from pathlib import Path

import pytest

from mptrace.diagnose.catalogue import HEADINGS, README, SCENARIOS, explain_text, readme, rules_table
from mptrace.diagnose.registry import all_rules, find_rule
from mptrace.diagnose.rule import Rule
from mptrace.errors import BadUse

CATALOGUE = {
    "lock-cycle", "self-deadlock", "lock-holder-died", "queue-lock-lost", "join-before-drain", "pipe-mutual-send", "pipe-no-eof",
    "queue-get-no-producer", "queue-put-no-consumer", "queue-join-unfinished", "pool-worker-died", "exception-loses-args",
    "result-after-terminate", "pool-exhausted", "executor-broken", "fork-with-held-lock", "native-lock-after-fork", "barrier-short",
    "event-never-set", "condition-lost-notify", "semaphore-never-released", "manager-died", "exit-hang", "helper-thread-died",
    "thread-missing-after-fork", "partial-message", "import-deadlock", "termination-ignored", "all-asleep", "stalled",
    "killed-by-signal", "oom-killed", "segfault", "shm-exhausted", "uncaught-exception", "hard-exit", "initializer-failed",
    "worker-respawn-loop", "missing-main-guard", "start-failed", "fd-exhausted", "daemon-cut-off", "orphaned",
    "exit-status-ignored", "nested-daemon", "death-hidden", "start-method-mismatch", "interrupted", "unpicklable-argument",
    "unpicklable-queue-item", "unpicklable-result", "unpickle-failed", "pickle-recursion", "heavy-pickle", "global-lost-update",
    "unlocked-read-modify-write", "fork-shared-handle", "proxy-shared-over-fork", "managed-value-mutated", "same-random-stream",
    "leaked-shared-memory", "leaked-semaphore", "zombie", "pool-not-closed", "queue-not-closed", "unsafe-terminate",
    "fork-with-threads", "lock-order-inversion", "known-python-bug", "slow-start", "process-churn", "serialised-futures",
    "tiny-tasks", "uneven-work", "wrong-worker-count", "manager-bottleneck", "queue-where-pipe-would-do",
    "memory-copied-after-fork", "busy-poll", "future-exception-unread", "records-lost", "forkserver-died",
}  # fmt: skip
"""Ids are fixed: users silence, search and link by them. A new rule adds its line here."""

WITHOUT_SCENARIO = {"records-lost", "oom-killed", "interrupted", "shm-exhausted"}
"""States that no program brings about by itself: they need a full disk or /dev/shm, a limit on memory, somebody at the terminal or a killer."""

rules = pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.id)


@rules
def test_a_rule_bears_an_id_that_users_know(rule: Rule) -> None:
    assert rule.id in CATALOGUE


@rules
def test_a_rules_docstring_answers_the_three_questions(rule: Rule) -> None:
    first, *paragraphs = cleandoc(rule.doc).strip().split("\n\n")
    assert "\n" not in first
    assert first.endswith(".")
    assert len(paragraphs) == 3
    for heading, paragraph in zip(HEADINGS, paragraphs, strict=True):
        assert paragraph.startswith(heading)


@rules
def test_what_a_rule_explains_is_a_rule_that_users_know(rule: Rule) -> None:
    assert set(rule.explains) <= CATALOGUE | {"*"}


@rules
def test_a_rule_has_a_scenario_that_shows_it(rule: Rule) -> None:
    folder = SCENARIOS / rule.id.replace("-", "_")
    if rule.id in WITHOUT_SCENARIO:
        pytest.skip(f"no program brings about {rule.id} by itself")
    assert (folder / "broken.py").is_file()
    assert (folder / "fixed.py").is_file()


def test_rules_do_not_share_files() -> None:
    folder = Path(README).parent
    assert {path.stem for path in folder.glob("*.py")} - {"__init__"} == {rule.id.replace("-", "_") for rule in all_rules()}


def test_a_rule_is_found_by_either_spelling() -> None:
    assert find_rule("lock_cycle") is find_rule("lock-cycle") is not None
    assert find_rule("no-such-rule") is None


def test_the_table_names_every_rule_with_its_sentence() -> None:
    assert ("lock-cycle", "error", "Processes or threads wait for each other's locks in a circle.") in rules_table()


def test_an_explanation_ends_with_the_repair() -> None:
    text = explain_text("lock-cycle")
    assert "What to do:" in text
    assert "Broken and repaired:" in text


def test_an_unknown_rule_is_told_with_the_nearest_names() -> None:
    with pytest.raises(BadUse) as trouble:
        explain_text("lock-circle")
    assert "lock-cycle" in trouble.value.hint


def test_the_generated_page_is_not_stale() -> None:
    assert README.read_text(encoding="utf-8") == readme(), "run `make docs`"
