"""After python/cpython#85772: a signal handler sets an Event just while the thread that it interrupts looks at it.

Event.is_set() takes the lock of the Event's Condition, which is not recursive; so does set().
"""

# hangs: yes

import signal

from stage import context, use_start_method

stop = context().Event()


def leave(_number, _frame):
    stop.set()  # expect: self-deadlock waiter verdict=likely


if __name__ == "__main__":
    use_start_method()
    signal.signal(signal.SIGALRM, leave)
    for delay in range(1, 1_000_000):
        stop.clear()
        signal.setitimer(signal.ITIMER_REAL, 50e-6 + delay % 100 * 1e-6)
        while not stop.is_set():
            pass
