"""Events of threads: 30 to 39."""

from ..event import INT, TEXT, declare

STARTED = declare(
    30, "thread.started", "a thread was started; serves: OBJECT key of the queue, pool or executor it works for",
    ident=INT, thread=INT, name=TEXT, target=TEXT, daemon=INT, role=TEXT, serves=INT, site=INT,
)  # fmt: skip
ENDED = declare(31, "thread.ended", "a thread ended", thread=INT)
DIED = declare(
    32, "thread.died", "a thread died of an exception", thread=INT, name=TEXT, role=TEXT, serves=INT,
    error=TEXT, message=TEXT, traceback=TEXT, site=INT,
)  # fmt: skip
