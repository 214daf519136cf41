"""The engine: order, folding, broken rules, what was not checked."""

from __future__ import annotations

from collections.abc import Iterator

from mptrace.diagnose.engine import BROKEN, CLEAR, FOUND, NOT_CHECKED, diagnose
from mptrace.diagnose.finding import Finding, Severity, Verdict
from mptrace.diagnose.registry import all_rules
from mptrace.diagnose.rule import Check, Rule
from mptrace.model.run import Run
from tests.support.story import story
from tests.support.verdicts import causes


def rule_of(name: str, *findings: Finding, explains: tuple[str, ...] = (), severity: Severity = Severity.ERROR) -> Rule:
    def check(_: Run) -> Iterator[Finding]:
        yield from findings

    return Rule(name, check, severity, (), (), explains, "")


def rules_of(*rules: Rule) -> list[str]:
    return [finding.rule for finding in diagnose(story().run(), rules).findings]


def test_a_rule_that_raises_is_broken_and_the_others_go_on() -> None:
    def fails(_: Run) -> Iterator[Finding]:
        raise KeyError("limit")
        yield

    check: Check = fails
    diagnosis = diagnose(story().run(), [Rule("bad", check, Severity.ERROR, (), (), (), ""), rule_of("good", Finding("x"))])
    assert [tuple(broken) for broken in diagnosis.broken] == [("bad", "KeyError: 'limit'")]
    assert diagnosis.outcomes == {"bad": BROKEN, "good": FOUND}


def test_errors_come_before_hints_and_proven_before_likely() -> None:
    hint = rule_of("hint", Finding("h"), severity=Severity.HINT)
    likely, proven = rule_of("likely", Finding("l", Verdict.LIKELY)), rule_of("proven", Finding("p"))
    assert rules_of(hint, likely, proven) == ["proven", "likely", "hint"]


def test_what_tells_of_a_hang_comes_before_hints_even_if_it_is_less_sure() -> None:
    cost = rule_of("cost", Finding("c"), severity=Severity.HINT)
    stalled = rule_of("stalled", Finding("s", Verdict.POSSIBLE, moment=1), severity=Severity.HINT)
    assert rules_of(cost, stalled) == ["stalled", "cost"]


def test_the_same_sentence_about_the_same_line_is_told_once_with_all_its_processes() -> None:
    told = story().process("v").process("w")
    v, w = told.told.processes[1:]
    line = told.here("job.py:7")
    twice = [Finding("cannot be sent", processes=(one,), fix_at=line) for one in (v, w)]
    (finding,) = diagnose(told.run(), [rule_of("twice", *twice)]).findings
    assert finding.processes == (v, w)


def test_two_deaths_of_the_same_name_are_two() -> None:
    told = story().process("v").process("w")
    v, w = told.told.processes[1:]
    v.name = w.name = "worker"
    deaths = [Finding("worker was killed", processes=(one,), fix_at=told.here("job.py:7")) for one in (v, w)]
    assert len(diagnose(told.run(), [rule_of("death", *deaths)]).findings) == 2


def test_of_two_causes_the_earlier_one_comes_first() -> None:
    assert rules_of(rule_of("late", Finding("l", at_ns=2)), rule_of("early", Finding("e", at_ns=1))) == ["early", "late"]


def test_a_consequence_about_the_same_process_is_folded_even_if_it_came_first() -> None:
    told = story().process("w")
    process = told.actor.process
    effect, cause = Finding("e", processes=(process,), at_ns=1), Finding("c", processes=(process,), at_ns=2)
    diagnosis = diagnose(told.run(), [rule_of("effect", effect), rule_of("cause", cause, explains=("effect",))])
    assert [(f.rule, [child.explained_by for child in f.children]) for f in diagnosis.findings] == [("cause", ["cause"])]


def test_a_consequence_about_another_process_is_not_folded() -> None:
    told = story().process("v").process("w")
    v, w = told.told.processes[1:]
    assert rules_of(
        rule_of("effect", Finding("e", processes=(v,))), rule_of("cause", Finding("c", processes=(w,)), explains=("effect",))
    )


def test_two_rules_that_explain_each_other_lose_nothing() -> None:
    process = story().process("w").actor.process
    one, two = Finding("1", processes=(process,), at_ns=1), Finding("2", processes=(process,), at_ns=2)
    diagnosis = diagnose(story().run(), [rule_of("a", one, explains=("b",)), rule_of("b", two, explains=("a",))])
    assert [finding.title for finding in diagnosis.every()] == ["1", "2"]


def test_a_rule_whose_probe_was_off_is_not_checked_unless_it_found_something() -> None:
    run = story().lost(probes_off=[("w", "semlock: TypeError")]).run()
    diagnosis = diagnose(run)
    assert diagnosis.outcomes["lock-cycle"] == NOT_CHECKED
    assert ("lock-cycle", "recording of semlock: TypeError was switched off in w") in [
        tuple(one) for one in diagnosis.not_checked
    ]


def test_a_run_in_which_nothing_happened_is_clear_of_everything() -> None:
    diagnosis = diagnose(story().process("w").exits(0).main().exits(0).ends(0).run(live=False))
    assert set(diagnosis.outcomes.values()) == {CLEAR}
    assert set(diagnosis.outcomes) == {rule.id for rule in all_rules()}


def test_losses_are_told_and_open_the_report_without_raising_an_alarm() -> None:
    diagnosis = diagnose(story().lost(records=7).run())
    assert diagnosis.about_losses is not None
    assert diagnosis.about_losses.title == "the recording has gaps: 7 events could not be recorded"
    assert diagnosis.worst is Severity.HINT


def test_a_torn_record_at_a_kill_is_no_loss() -> None:
    assert causes(story().lost(torn=1).run(live=False)) == []
