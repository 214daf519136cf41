"""What a thread can be waiting for: the kinds that a wait slot holds, and how each of them can end.

THIS  one certain process or thread must act (the lock's holder, the process that is joined).
ANY   any one of those that hold the resource may end it (a put, a notify, a release of a semaphore).
ALL   every one of several must act (a barrier).
"""

from __future__ import annotations

THIS, ANY, ALL = "this one", "one of", "all of"

ACQUIRE = 1  #: a semaphore or lock; resource SEM
RECV = 2  #: bytes from a pipe or socket; resource PIPE
SEND = 3  #: room in a pipe or socket; resource PIPE, detail: bytes to send
READY = 4  #: multiprocessing.connection.wait or Connection.poll; resource PIPE of the first, detail: how many
REAP = 5  #: the end of a child process; resource PROCESS
THREAD_END = 6  #: threading.Thread.join; resource THREAD
RESULT = 7  #: AsyncResult.get/wait, an imap iterator; resource OBJECT of the pool, detail: job number
FUTURE = 8  #: Future.result/exception; resource OBJECT of the executor
NOTIFY = 9  #: multiprocessing Condition.wait; resource OBJECT
FLAG = 10  #: multiprocessing Event.wait; resource OBJECT
PARTIES = 11  #: multiprocessing Barrier.wait; resource OBJECT, detail: parties
TASKS_DONE = 12  #: JoinableQueue.join; resource OBJECT
FEEDER_END = 13  #: Queue.join_thread or the exit handler that joins a queue's feeder; resource OBJECT
CALL = 14  #: a call through a manager's proxy; resource OBJECT of the manager, or PIPE
MUTEX_WAIT = 15  #: a threading lock or condition; resource MUTEX
ITEM = 16  #: Queue.get; resource OBJECT
ROOM = 17  #: Queue.put on a bounded queue; resource OBJECT
POOL_END = 18  #: Pool.join or Executor.shutdown; resource OBJECT
EXIT = 19  #: the interpreter's exit handlers; no resource
START = 20  #: Process.start, until the child is on its way; resource none

NAMES = {
    ACQUIRE: "acquire", RECV: "recv", SEND: "send", READY: "wait", REAP: "join", THREAD_END: "thread join",
    RESULT: "result", FUTURE: "future", NOTIFY: "condition wait", FLAG: "event wait", PARTIES: "barrier wait",
    TASKS_DONE: "queue join", FEEDER_END: "feeder join", CALL: "manager call", MUTEX_WAIT: "thread lock",
    ITEM: "get", ROOM: "put", POOL_END: "pool join", EXIT: "exit", START: "start",
}  # fmt: skip

MODES = {
    ACQUIRE: THIS, RECV: ANY, SEND: ANY, READY: ANY, REAP: THIS, THREAD_END: THIS, RESULT: ANY, FUTURE: ANY,
    NOTIFY: ANY, FLAG: ANY, PARTIES: ALL, TASKS_DONE: ALL, FEEDER_END: THIS, CALL: THIS, MUTEX_WAIT: ANY,
    ITEM: ANY, ROOM: ANY, POOL_END: ALL, EXIT: ALL, START: THIS,
}  # fmt: skip

TIMED = 1  #: flag of a wait slot: the wait has a timeout, so it ends by itself
STALE_SITE = 2  #: flag of a wait slot: its site was noted on an earlier wait of the same thread (a hot loop)
