"""Events of pools and executors: 70 to 89. ``pool``: OBJECT key; ``job`` and ``index``: as the pool numbers its tasks."""

from ..event import INT, TEXT, declare

POOL = declare(
    70, "pool.made", "a Pool or ProcessPoolExecutor and its shape",
    pool=INT, workers=INT, initializer=TEXT, max_tasks=INT, start_method=TEXT, site=INT,
)  # fmt: skip
WORKER = declare(71, "pool.worker", "a worker of a pool runs here (in the child)", pool=INT, name=TEXT)
SUBMITTED = declare(
    72, "task.submitted", "the program handed work to a pool (one event a call; beyond a rate only counted)",
    pool=INT, job=INT, tasks=INT, function=TEXT, call=TEXT, site=INT,
)  # fmt: skip
FAILED = declare(
    73, "task.failed", "a task raised", pool=INT, job=INT, index=INT, function=TEXT, error=TEXT, message=TEXT, traceback=TEXT,
    site=INT,
)  # fmt: skip
WORKER_JOINED = declare(
    74, "pool.worker_gone", "the pool found a worker dead and reaped it", pool=INT, child=INT, code=INT, name=TEXT
)
INITIALIZER_FAILED = declare(
    75, "pool.initializer_failed", "a pool's initializer raised", pool=INT, error=TEXT, message=TEXT, traceback=TEXT, site=INT
)
POOL_STATE = declare(76, "pool.state", "close, terminate or shutdown of a pool", pool=INT, call=TEXT, pending=INT, site=INT)
BROKEN = declare(77, "executor.broken", "a ProcessPoolExecutor broke", pool=INT, cause=TEXT, pending=INT)
DISPATCHED = declare(
    78, "task.state", "tasks of a pool as the parent last knew them when it was asked", pool=INT, job=INT, left=INT, total=INT
)
UNTAKEN = declare(
    79, "pool.untaken", "while so many workers ended, nobody took the task that is first in the pool's queue", pool=INT, ended=INT
)
RESULT_FAILED = declare(
    80, "result.failed", "a result that is an exception reached its pool or executor; asked 0: and nobody ever asked for it",
    pool=INT, job=INT, function=TEXT, error=TEXT, message=TEXT, call=TEXT, asked=INT, site=INT,
)  # fmt: skip
STARVED = declare(
    81, "executor.starved", "an executor that is not broken has calls to do and no worker, and its thread waits for a word",
    pool=INT, pending=INT,
)  # fmt: skip
