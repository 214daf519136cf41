"""A traced program that does what it is told, a line at a time, and answers with what its recording says then.

Everything that differs between two processes is told by a name in its place: threads, times, keys. So two of these that get the
same lines, one with the compiled recorder and one without, must give the same answers.
"""

import json
import multiprocessing
import multiprocessing.connection
import queue
import signal
import sys
import threading
import time

from _mptrace.agent import callsite, native, recorder, waits
from _mptrace.agent.bytecode import line_at
from _mptrace.wire import layout

CTX = multiprocessing.get_context("fork")


class Stage:
    """The things that the operations work on, made anew for every list of them."""

    def __init__(self):
        self.lock, self.rlock, self.sem = CTX.Lock(), CTX.RLock(), CTX.Semaphore(2)
        self.a, self.b = CTX.Pipe()
        self.pending, self.orders, self.answers = 0, queue.SimpleQueue(), queue.SimpleQueue()
        self.thread = threading.Thread(target=self.obey)
        self.thread.start()
        self.keys = {getattr(self, name)._mptrace.key: name for name in ("lock", "rlock", "sem", "a", "b")}

    def obey(self):
        while order := self.orders.get():
            self.answers.put(attempt(self, *order))

    def end(self):
        self.orders.put(None)
        while self.thread.is_alive():  # a join would be noted, or not, depending on who is faster
            time.sleep(0.0005)


def acquire(stage, which, *args):
    """With arguments that cannot block for long."""
    return getattr(stage, which).acquire(*args)


def named(stage, which, kwargs):
    return getattr(stage, which).acquire(**kwargs)


def release(stage, which, *args):
    return getattr(stage, which).release(*args)


def enter(stage, which):
    thing = getattr(stage, which)
    return thing.__enter__() if available(thing) else None


def leave(stage, which, *args):
    return getattr(stage, which).__exit__(*args)


def inside(stage, which):
    thing = getattr(stage, which)
    if available(thing):
        with thing:
            return board(stage)
    return None


def available(thing):
    return thing._semlock._get_value() > 0 or (thing._semlock.kind == 0 and thing._semlock._is_mine())


def fix(stage, which):
    """Only the library uses it, from now on."""
    end = {"a": stage.a, "b": stage.b}.get(which)
    if end is not None:
        end._mptrace.recv.fixed = end._mptrace.send.fixed = True
    else:
        getattr(stage, which)._mptrace.fixed = True


def often(stage, which):
    """More often than a lock can be noted each time."""
    thing = getattr(stage, which)
    for _ in range(300 * available(thing)):
        with thing:
            pass


def send(stage, size):
    stage.a.send_bytes(b"x" * size)
    stage.pending += 1


def recv(stage, *args):
    if stage.pending and not stage.b.closed:
        stage.pending -= 1
        return len(stage.b.recv_bytes(*args))
    return None


def blocked(stage, which):
    """Wait until a signal handler, which has looked at the board, ends the wait."""
    thing, seen = getattr(stage, which), []
    while thing.acquire(False):
        pass
    interrupting(seen, stage, thing.release)
    return thing.acquire(), seen, last_long(stage, 1)


def blocked_recv(stage):
    seen = []
    if stage.b.closed:
        return None
    while stage.pending:
        recv(stage)
    interrupting(seen, stage, lambda: stage.a.send_bytes(b"four"))
    return stage.b.recv_bytes(), seen, last_long(stage, 2)


def blocked_ready(stage, *args):
    """Wait for a connection, or for something that no probe knows and then a connection."""
    seen = []
    if stage.b.closed:
        return None
    while stage.pending:
        recv(stage)
    interrupting(seen, stage, lambda: stage.a.send_bytes(b"four"))
    ready = multiprocessing.connection.wait([stage.b], *args)
    return len(ready), stage.b.recv_bytes(), seen, last_long(stage, 4)


def polled(stage, *args):
    return stage.b.poll(*args)


def interrupting(seen, stage, end):
    def handler(_number, _frame):
        slot = recorder.threads.get(threading.get_ident(), layout.H_UNREAD - layout.T_WAIT) + layout.T_WAIT
        since = recorder.words[slot + layout.S_SINCE] if recorder.words[slot] else time.monotonic_ns()
        if time.monotonic_ns() - since < 2 * waits.SHORT_NS:
            signal.setitimer(signal.ITIMER_REAL, 0.003)
        else:
            seen.append(board(stage))
            end()

    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.003)


def elsewhere(stage, operation, *args):
    """The same in another thread: one for all of a list, since the idents of two could be the same or not."""
    stage.orders.put((operation, args))
    return stage.answers.get()


def rest(_stage):
    waits._rest(time.monotonic_ns())


OPERATIONS = {
    f.__name__: f
    for f in (
        acquire,
        named,
        release,
        enter,
        leave,
        inside,
        fix,
        often,
        send,
        recv,
        blocked,
        blocked_recv,
        blocked_ready,
        polled,
        elsewhere,
        rest,
    )
}


def attempt(stage, operation, args):
    try:
        return repr(OPERATIONS[operation](stage, *args))
    except TypeError:  # a Python function refuses arguments in other words than a builtin; those of C are the primitive's own
        return "TypeError"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def board(stage):
    """Return what the recording says now, as far as it can be the same in another process."""
    words = recorder.words
    return {
        "held": [who(words[layout.HELD // 8 + n]) for n in range(8)],
        "cells": [
            [stage.keys.get(words[at], 0), bool(words[at + 1]), place(words[at + 2] & ~layout.FOREIGN), words[at + 2] >> 63]
            for at in range(layout.CELLS // 8, layout.CELLS // 8 + 8 * layout.CELL_WORDS, layout.CELL_WORDS)
            if words[at]
        ],
        "tallies": [
            [stage.keys.get(words[at], 0), *words[at + 1 : at + 4].tolist()]
            for at in range(layout.TALLY // 8, layout.TALLY // 8 + 4 * layout.TALLY_WORDS, layout.TALLY_WORDS)
        ],
        "slots": [
            [who(words[at]), words[at + 2], slot(stage, at + layout.T_WAIT)]
            for at in range(layout.BOARD // 8, layout.BOARD // 8 + 4 * layout.THREAD_WORDS, layout.THREAD_WORDS)
        ],
    }


def who(ident):
    return "" if not ident else "main" if ident == threading.main_thread().ident else "other"


def slot(stage, at):
    found = recorder.words[at : at + 7].tolist()
    if not found[0]:
        return 0
    found[1], found[2] = stage.keys.get(found[1], 0), bool(found[2])
    found[4], found[6] = place(found[4]), stack(found[6])
    if not found[0] >> 16 & 1:
        found[3] = 0
    if found[0] & 0xFF != 3:
        found[5] = 0
    return found


def place(number):
    """Return the line behind a site: in 3.11 a call of a builtin has another instruction, and so a second number, once it is warm."""
    codes = {id(code): code for code in callsite._kept}
    return next((line_at(codes[code], lasti) for (code, lasti), known in callsite._sites.items() if known == number), 0)


def stack(number):
    return next((list(map(place, known)) for known, n in callsite._stacks.items() if n == number), 0)


def last_long(stage, kind):
    """Return the newest record of the ring of a wait of that kind (others depend on how busy the machine is)."""
    words = recorder.words
    found = [at for at in range(layout.RING // 8, layout.LOG // 8, layout.RING_WORDS) if words[at + 3] & 0xFF == kind]
    _seq, _time, what, wait, key, since, site, _again = words[(at := max(found, key=words.__getitem__)) : at + 8].tolist()
    return [what & 0xFFFF, wait, stage.keys.get(key, 0), bool(since), place(site)]


def main():
    print(json.dumps("compiled" if native.recorder else "pure"), flush=True)
    recorder.new_thread()
    for line in sys.stdin:
        stage, answers = Stage(), []
        for operation, *args in json.loads(line):
            answers.append([attempt(stage, operation, args), board(stage)])
        stage.end()
        del stage
        print(json.dumps(answers), flush=True)


if __name__ == "__main__":
    main()
