"""What a scenario program says about itself: ``# expect: rule role`` on the lines to blame, ``# hangs: yes`` at its head.

::

    # hangs: yes                      does not end by itself (default: no)
    # methods: spawn forkserver       start methods it is about (default: all three)
    # exit: 1 spawn forkserver        its exit status under these start methods, or under all (default: 0)
    # since: 3.11                     the first Python that it is about (default: all)
    # root: segfault                  the rule of findings[0] (default: the first one expected)

    with target:  # expect: lock-cycle waiter verdict=likely names=target,salary methods=fork,spawn

A comment may hold several expectations, separated by ``;``. ``verdict`` is the least one that is good enough (default: proven),
``names`` are words that the title or the explanation must contain.
"""

from __future__ import annotations

import tokenize
from dataclasses import dataclass
from pathlib import Path

METHODS = ("fork", "spawn", "forkserver")
VERDICTS = ("possible", "likely", "proven")


@dataclass(frozen=True)
class Expectation:
    """One finding that must be there, with a location on this line."""

    line: int
    rule: str
    role: str | None = None
    verdict: str = "proven"
    names: tuple[str, ...] = ()
    methods: tuple[str, ...] = METHODS


@dataclass(frozen=True)
class Program:
    """One program of a scenario, as it describes itself."""

    path: Path
    hangs: bool
    methods: tuple[str, ...]
    exits: dict[str, int]
    expectations: tuple[Expectation, ...]
    root: str | None
    since: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """The scenario's folder, and the file when it is one of twins."""
        return self.path.parent.name if self.path.stem == "program" else f"{self.path.parent.name}/{self.path.stem}"

    def expected(self, method: str) -> tuple[Expectation, ...]:
        """Return what must be found under this start method; nothing: the program is healthy."""
        return tuple(one for one in self.expectations if method in one.methods)

    def expected_root(self, method: str) -> str:
        """Return the rule that must come first."""
        rules = [one.rule for one in self.expected(method)]
        own = self.path.parent.name.replace("_", "-")
        return self.root or (own if own in rules else rules[0])

    def does_hang(self, method: str) -> bool:
        """Return whether it never ends by itself under this start method (a healthy program ends)."""
        return self.hangs and bool(self.expected(method))


def read_program(path: Path) -> Program:
    """Return what the program at ``path`` says about itself; ValueError for a comment that cannot be understood."""
    heads: dict[str, str] = {}
    expectations: list[Expectation] = []
    for line, text in _comments(path):
        key, colon, value = text.lstrip("# ").partition(":")
        if not colon:
            continue
        if key == "expect":
            expectations += [_expectation(line, one.split()) for one in value.split(";")]
        elif key in {"hangs", "methods", "exit", "root", "since"}:
            heads[key] = value.strip()
    return Program(
        path=path,
        hangs=heads.get("hangs") == "yes",
        methods=tuple(heads.get("methods", " ".join(METHODS)).split()),
        exits=_exits(heads.get("exit", "0").split()),
        expectations=tuple(expectations),
        root=heads.get("root"),
        since=tuple(int(part) for part in heads.get("since", "0").split(".")),
    )


def _comments(path: Path) -> list[tuple[int, str]]:
    with path.open("rb") as file:
        return [(token.start[0], token.string) for token in tokenize.tokenize(file.readline) if token.type == tokenize.COMMENT]


def _exits(words: list[str]) -> dict[str, int]:
    status, methods = int(words[0]), words[1:] or METHODS
    return {method: status if method in methods else 0 for method in METHODS}


def _expectation(line: int, words: list[str]) -> Expectation:
    rule, *rest = words
    plain = [word for word in rest if "=" not in word]
    keys = dict(word.split("=", 1) for word in rest if "=" in word)
    if len(plain) > 1 or not keys.keys() <= {"verdict", "names", "methods"}:
        raise ValueError(f"line {line}: cannot understand the expectation {' '.join(words)!r}")
    return Expectation(
        line=line,
        rule=rule,
        role=plain[0] if plain else None,
        verdict=keys.get("verdict", "proven"),
        names=tuple(keys["names"].split(",")) if "names" in keys else (),
        methods=tuple(keys["methods"].split(",")) if "methods" in keys else METHODS,
    )
