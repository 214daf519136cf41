"""What was not seen, or not recorded: every report opens with it when it matters."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Lost:
    """Losses counted while recording and while reading."""

    records: int = 0
    threads: int = 0
    locks: int = 0
    connections: int = 0
    torn: int = 0
    """Records that were being written when their process was killed."""
    damaged_files: list[str] = field(default_factory=list)
    probes_off: list[tuple[str, str]] = field(default_factory=list)
    """(process name, probe: error)"""

    @property
    def anything(self) -> bool:
        """Is there a loss that a diagnosis may depend on? (A single torn record at a kill is not one.)"""
        return bool(self.records or self.threads or self.locks or self.connections or self.damaged_files or self.probes_off)


@dataclass(slots=True)
class Completeness:
    """``observed``: a launcher or attach watched from outside; ``ended_watch``: it saw the job's end and was not killed itself."""

    lost: Lost = field(default_factory=Lost)
    observed: bool = True
    ended_watch: bool = True
    notes: list[str] = field(default_factory=list)
    not_seen: list[tuple[str, str, str]] = field(default_factory=list)
    """(process name, what could not be looked at from outside, why)."""

    @property
    def not_seen_notes(self) -> list[str]:
        """Return a sentence for each reason why something could not be looked at, however many processes it is about."""
        about: dict[tuple[str, str], list[str]] = {}
        for who, what, why in self.not_seen:
            about.setdefault((what, why), []).append(who)
        return [
            f"{names[0] if len(names) == 1 else f'{len(names)} processes'}: {what} could not be looked at ({why})"
            for (what, why), names in about.items()
        ]
