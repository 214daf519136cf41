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
COPY_TAKEN = declare(
    122, "proxy.copy_taken", "a call through a manager's proxy returned a plain container, on this line for the first time",
    key=INT, proxy=TEXT, method=TEXT, container=TEXT, site=INT,
)  # fmt: skip
RANDOM_USED = declare(
    123, "random.used", "a forked child drew from a generator that it inherited; before, keys: hashes of its state then and now",
    name=TEXT, before=INT, keys=INT, position=INT, file=TEXT, line=INT, function=TEXT,
)  # fmt: skip
HEAVY = declare(
    124, "message.heavy", "messages of over a megabyte that this process sent from one line, in all",
    call=TEXT, root=TEXT, count=INT, bytes=INT, key=INT, site=INT,
)  # fmt: skip
