"""Events of resources: 40 to 59. ``family`` and ``key``: see wire/resource.py; keys are stored as signed numbers."""

from ..event import INT, TEXT, declare

MADE = declare(
    40, "resource.made", "the program made a Lock, Queue, Pipe, Pool, Manager, Value, ...",
    family=INT, key=INT, kind=TEXT, site=INT, detail=TEXT, number=INT,
)  # fmt: skip
PART = declare(
    41, "resource.part", "a resource is a part of another (a queue's read lock); role: as the owner's attribute is called",
    family=INT, key=INT, owner_family=INT, owner_key=INT, role=TEXT,
)  # fmt: skip
KNOWN = declare(42, "resource.known", "a resource arrived in this process by unpickling", family=INT, key=INT, kind=TEXT)
PAIR = declare(
    43, "resource.pair", "the two ends of one pipe or socket pair; duplex 0: key reads, other writes",
    key=INT, other=INT, duplex=INT,
)  # fmt: skip
CLOSED = declare(44, "resource.closed", "close, terminate, join or unlink was called", family=INT, key=INT, call=TEXT, site=INT)
END_CLOSED = declare(
    45, "resource.end_closed", "this process closed its copy of a connection", key=INT, readable=INT, writable=INT
)
LOCK_ORDER = declare(
    47, "lock.order", "a thread that held locks took another, told once; held: their keys, outermost first, with blanks between",
    held=TEXT, key=INT, site=INT,
)  # fmt: skip
NAMED = declare(
    46, "resource.named", "a variable or attribute of the program that holds a resource", family=INT, key=INT, name=TEXT
)
HANDLE_USED = declare(
    49, "handle.used_after_fork", "first time since a fork that this process read through an open file or socket that the fork left in two",
    key=INT, what=TEXT, name=TEXT, call=TEXT, guarded=INT, site=INT, stack=INT,
)  # fmt: skip
USED_AFTER_FORK = declare(
    48, "connection.used_after_fork", "first use after a fork, receiving or sending, of a connection that was open on both sides of it",
    key=INT, way=INT, manager=INT, guarded=INT, site=INT, stack=INT,
)  # fmt: skip
