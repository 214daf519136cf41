"""Text that came from somebody's program, made safe to print: no control characters, and plain ASCII where that is all there is."""

from __future__ import annotations

_ASCII = str.maketrans(
    {
        "├": "|", "└": "`", "─": "-", "│": "|", "×": "x", "…": "...", "→": "->", "←": "<-", "–": "-", "—": "-",
        "‘": "'", "’": "'", "“": '"', "”": '"', " ": " ", "·": ".",
        "▁": "_", "▂": ".", "▃": ":", "▄": "-", "▅": "=", "▆": "+", "▇": "*", "█": "#",
    }
)  # fmt: skip


def clean(text: str, *, only_ascii: bool = False, keep_lines: bool = False) -> str:
    """Return printable text: line breaks become blanks (unless kept), other control characters their escapes."""
    kept = "".join(_printable(char, keep_lines=keep_lines) for char in text)
    return kept.translate(_ASCII).encode("ascii", "backslashreplace").decode() if only_ascii else kept


def shorten(text: str, width: int) -> str:
    """Return a text cut in its middle to at most so many characters."""
    if len(text) <= width:
        return text
    tail = (width - 3) // 3
    return f"{text[: width - 3 - tail]}...{text[len(text) - tail :]}"


def _printable(char: str, *, keep_lines: bool) -> str:
    if char.isprintable():
        return char
    if char in "\n\t\r\v\f\x85\u2028\u2029\xa0":
        return "\n" if keep_lines and char == "\n" else " "
    return char.encode("unicode_escape").decode()
