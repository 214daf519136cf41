"""Events of failures: 90 to 119."""

from ..event import INT, TEXT, declare

UNCAUGHT = declare(
    90, "exception.uncaught", "an exception ended this process; site: the deepest line of the program in its traceback",
    error=TEXT, message=TEXT, traceback=TEXT, site=INT, where=TEXT,
)  # fmt: skip
PICKLE_FAILED = declare(
    91, "pickle.failed", "something could not be pickled; path: from the pickled object to the offender",
    error=TEXT, message=TEXT, path=TEXT, offender=TEXT, root=TEXT, call=TEXT, family=INT, key=INT, site=INT, stack=INT, handled=INT,
)  # fmt: skip
UNPICKLE_FAILED = declare(
    92, "unpickle.failed", "something could not be rebuilt from its pickle",
    error=TEXT, message=TEXT, traceback=TEXT, call=TEXT, family=INT, key=INT, site=INT, stack=INT,
)  # fmt: skip
NOT_REBUILDABLE = declare(
    93, "exception.not_rebuildable", "an exception was pickled that its own class cannot rebuild",
    error=TEXT, message=TEXT, why=TEXT, defined_file=TEXT, defined_line=INT, raised=INT, pool=INT, job=INT, function=TEXT,
)  # fmt: skip
ITEM_DROPPED = declare(
    94, "queue.item_dropped", "a feeder thread could not send an item and dropped it; site: of the put()",
    key=INT, error=TEXT, message=TEXT, path=TEXT, offender=TEXT, root=TEXT, site=INT, stack=INT,
)  # fmt: skip
CALLBACK_FAILED = declare(
    95, "callback.failed", "a callback of a pool raised KeyError, which the pool swallows: the result it was called for is never set",
    pool=INT, job=INT, function=TEXT, error=TEXT, message=TEXT, traceback=TEXT, site=INT,
)  # fmt: skip
