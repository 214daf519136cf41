"""What the user asked of a run."""

from __future__ import annotations

from dataclasses import dataclass

REPORT, KILL = "report", "kill"


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of a run; ``hang_after_asked``: the user named a number, so a mere stall is worth telling too."""

    hang_after_s: float = 10.0
    on_hang: str = REPORT
    output: str = ""
    json: str = ""
    quiet: bool = False
    strict: bool = False
    hang_after_asked: bool = False

    @property
    def kills(self) -> bool:
        """Is a job that hangs to be ended?"""
        return self.on_hang == KILL
