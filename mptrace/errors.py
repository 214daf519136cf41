"""Errors meant for the user: what happened, in their words; what to do; the exit status."""

from __future__ import annotations


class MptraceError(Exception):
    """One clear sentence and a hint; the command line prints both and exits with `exit_code`."""

    exit_code = 2

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class BadUse(MptraceError):
    """The command line, an option or a file named on it is wrong."""


class BadRecording(MptraceError):
    """A run directory or a recorder file is missing, foreign, or of another version."""
