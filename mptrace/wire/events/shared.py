"""Events of state that the program may believe to be shared: 120 to 139."""

from ..event import INT, TEXT, declare

GLOBAL_CHANGED = declare(
    120, "global.changed", "code that ran in this child stored to a module's global; before, after: short texts",
    module=TEXT, name=TEXT, before=TEXT, after=TEXT, file=TEXT, line=INT, function=TEXT,
)  # fmt: skip
GLOBAL_READ = declare(
    121, "global.read", "the parent's value of a global that a child of it may have changed, and where the parent reads it",
    module=TEXT, name=TEXT, value=TEXT, file=TEXT, line=INT, function=TEXT,
)  # fmt: skip
