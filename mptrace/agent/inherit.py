"""What the agent does in a forked child: a file of its own, its own last words, and nothing else of the parent's."""

from __future__ import annotations

from . import lastwords, recorder

in_child_hooks: list[object] = []
"""Functions of probes to call in a forked child, in order, after the recorder was reopened; they must not raise."""


def in_child() -> None:
    """Called by the at-fork callback of `boot`, in the child, before the callbacks of the host."""
    recorder.reopen()
    lastwords.reopen()
    for hook in in_child_hooks:
        hook()  # type: ignore[operator]
