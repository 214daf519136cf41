"""What was not seen, recorded or checked: told at the top of a report, in few lines, and only when it matters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mptrace.diagnose.finding import Finding, Verdict
from mptrace.diagnose.wording import counted, listed
from mptrace.model.process import UNSEEN
from mptrace.report.names import process_name

if TYPE_CHECKING:
    from mptrace.diagnose.engine import Diagnosis, Unchecked
    from mptrace.model.process import Process
    from mptrace.model.run import Run
    from mptrace.report.page import Page

_MOST_NAMED = 3


def gap_sentences(run: Run, diagnosis: Diagnosis, page: Page) -> list[str]:
    """Return a sentence for each thing that a reader must know to trust the rest."""
    told = [_untraced(run), _watch(run), *_losses(run, diagnosis), *_notes(run, diagnosis, page)]
    if page.verbose or not diagnosis.findings or any(not _is_sure(finding) for finding in diagnosis.findings):
        told += not_checked_sentences(diagnosis, page)
    told += _broken(diagnosis)
    return [sentence for sentence in told if sentence]


def _notes(run: Run, diagnosis: Diagnosis, page: Page) -> list[str]:
    """Return the notes; what could not be looked at while the job ran matters only to what was seen then."""
    rests_on_looks = run.meta.attached or any(finding.moment is not None for finding in diagnosis.every())
    needless = [] if page.verbose or rests_on_looks else run.completeness.not_seen_notes
    return [note for note in run.completeness.notes if note not in needless]


def not_checked_sentences(diagnosis: Diagnosis, page: Page) -> list[str]:
    """Return what was not looked for: how many diagnoses, or with ``-v`` each with its reason."""
    skipped = _pairs(diagnosis.not_checked)
    if page.verbose:
        return [f"Not checked: {rule}: {why}" for rule, why in skipped]
    if not skipped:
        return []
    names = listed([rule for rule, _ in skipped])
    whys = list(dict.fromkeys(why for _, why in skipped))
    reason = f" ({whys[0]})" if len(whys) == 1 else " (-v says why)"
    return [f"Not checked: {names}{reason}."]


def _broken(diagnosis: Diagnosis) -> Iterator[str]:
    rules: dict[str, list[str]] = {}
    for rule, why in _pairs(diagnosis.broken):
        rules.setdefault(why, []).append(rule)
    for why, names in rules.items():
        yield f"Not checked, by a fault of mptrace's own ({why}): {listed(names)}."


def _pairs(skipped: Sequence[Unchecked]) -> list[tuple[str, str]]:
    return [(each.rule, each.why) for each in skipped]


def _is_sure(finding: Finding) -> bool:
    return finding.verdict is Verdict.PROVEN


def _untraced(run: Run) -> str:
    untraced = [process for process in run.processes if not process.traced and not process.role.is_service]
    if run.meta.attached:  # what had ended before we came was nobody's to read
        untraced = [process for process in untraced if process.alive and process.why_untraced != UNSEEN]
    if not untraced:
        return ""
    verb = "was" if len(untraced) == 1 else "were"
    rest = "What it holds" if len(untraced) == 1 else "What they hold"
    total = counted(len(run.processes), "process", "processes")
    return f"{len(untraced)} of {total} {verb} not {'read' if run.meta.attached else 'traced'} ({_who(untraced)}). {rest} is known from outside only."


def _who(processes: Sequence[Process]) -> str:
    told = [f"pid {process.pid}: {process.why_untraced or process_name(process)}" for process in processes[:_MOST_NAMED]]
    more = len(processes) - _MOST_NAMED
    return "; ".join(told) + (f"; and {more} more" if more > 0 else "")


def _watch(run: Run) -> str:
    if not run.completeness.observed:
        return "Nobody watched the job from outside: how its processes ended is known only where one of them noted it."
    if not run.completeness.ended_watch and run.meta.end_ns is None and not run.meta.attached:
        return "The recording has no end: mptrace is still running, or was killed. What came later is not known."
    return ""


def _losses(run: Run, diagnosis: Diagnosis) -> list[str]:
    about = diagnosis.about_losses
    if about is not None:
        return [f"{about.title[:1].upper()}{about.title[1:].rstrip('.')}.", about.why]
    lost = run.completeness.lost
    parts = [
        counted(lost.records, "record") if lost.records else "",
        counted(lost.threads, "thread") if lost.threads else "",
        counted(lost.locks, "lock") if lost.locks else "",
        counted(lost.connections, "connection") if lost.connections else "",
    ]
    named = [part for part in parts if part]
    told = [f"Not recorded for want of room: {listed(named)}. What follows may lack something."] if named else []
    if lost.damaged_files:
        verb = "is" if len(lost.damaged_files) == 1 else "are"
        told.append(f"{counted(len(lost.damaged_files), 'recording')} {verb} damaged: {listed(lost.damaged_files)}.")
    for name, error in lost.probes_off[:_MOST_NAMED]:
        told.append(f"A probe failed in {name} and was switched off ({error}).")
    return told
