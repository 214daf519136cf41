"""Events of state that the program may believe to be shared: 120 to 139."""

from ..event import INT, TEXT, declare

GLOBAL_CHANGED = declare(
    120, "global.changed", "code that ran in this child stored to a module's global, or changed what it holds; before, after: short texts",
    module=TEXT, name=TEXT, before=TEXT, after=TEXT, file=TEXT, line=INT, function=TEXT, how=TEXT,
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
    123, "random.used", "a forked child drew from a generator that it inherited; before: hash of its state then; keys: which stream it is on, 0: the same",
    name=TEXT, before=INT, keys=INT, position=INT, file=TEXT, line=INT, function=TEXT,
)  # fmt: skip
HEAVY = declare(
    124, "message.heavy", "messages of 64 KiB and more that this process pickled or rebuilt on one line, in all; timed: so many in took_ns",
    call=TEXT, root=TEXT, count=INT, bytes=INT, key=INT, site=INT, received=INT, took_ns=INT, timed=INT,
)  # fmt: skip
PROXY_CALLS = declare(
    125, "proxy.calls", "calls of one method through proxies of a manager that this process made, in all; site: of one of the last",
    key=INT, method=TEXT, count=INT, took_ns=INT, site=INT,
)  # fmt: skip
POLLS = declare(
    126, "connection.polls", "times that this process asked in vain whether there is something to receive, right one after another, in all",
    count=INT, took_ns=INT, cpu_ns=INT, site=INT,
)  # fmt: skip
WRITTEN = declare(
    129, "proxy.written", "a value was stored through a manager's proxy, on this line for the first time; object: the manager's id of it",
    key=INT, object=TEXT, proxy=TEXT, method=TEXT, site=INT,
)  # fmt: skip
