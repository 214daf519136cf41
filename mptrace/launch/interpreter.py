"""The options of the launcher's own interpreter, which belong to the job: ``python -X dev -O -m mptrace script.py``."""

from __future__ import annotations

from collections.abc import Sequence

_WITH_VALUE = "XW"
_LAST = "mc"  # what follows them is no option of the interpreter
_LONG_WITH_VALUE = ("--check-hash-based-pycs",)


def own_options(argv: Sequence[str]) -> list[str]:
    """Return the interpreter options at the front of ``sys.orig_argv``, as they were given, one or two words each."""
    found: list[str] = []
    words = iter(argv[1:])
    for word in words:
        if word.startswith("--"):
            found += [word, next(words, "")] if word in _LONG_WITH_VALUE else [word]
            continue
        if not word.startswith("-") or word == "-":
            break
        kept, complete, last = _letters(word[1:])
        if kept:
            found.append("-" + kept)
        if last:
            break
        if not complete:
            found.append(next(words, ""))
    return found


def _letters(letters: str) -> tuple[str, bool, bool]:
    """Return (what to keep of ``-BXdev``, whether its value is in the same word, whether -m or -c ended the options)."""
    for at, letter in enumerate(letters):
        if letter in _LAST:
            return letters[:at], True, True
        if letter in _WITH_VALUE:
            return letters, at + 1 < len(letters), False
    return letters, True, False
