"""The bytes of a recorder file, drawn; written by the agent through a memory map, read by the collector.

All numbers little-endian u64 words unless said otherwise::

    0       HEADER   512 B   magic, version, who, when, where the regions are, losses
    512     BOARD    64 x 192 B   one entry a thread: who it is, what it waits for right now
    12800   HELD     512 x 8 B    ident of the thread that holds lock i, or 0
    16896   CELLS    512 x 24 B   of lock i: resource key, since ns, site
    29184   TALLY    128 x 32 B   of connection i: resource key, messages sent, received, end bits
    33280   DOING    2 x 1024 B   task that a worker thread runs right now, as it came
    35328   RING     128 x 64 B   recent ordinary events, overwritten round and round
    43520   LOG      24 KiB       rare events, never overwritten (see wire/event.py); continued in segment files
    68096   WORDS    grows        what faulthandler wrote when the process died of a fatal signal

A board entry (24 words)::

    0 ident   1 native tid   2 state: 0 free, 1 in use, 2 ended   3-7 spare
    8..15  the wait: what blocks the thread now   (SLOT below)
    16..23 the intent: the call of the program that leads to such waits (Pool.map, Event.wait, ...)

A SLOT (8 words)::

    0 state: 0 none, else kind | family << 8 | flags << 16, stored last and cleared first
    1 resource key   2 since ns   3 timeout ns   4 site   5 detail   6 stack   7 spare

Of a lock: while HELD is not 0, since and site tell of that hold; since 0: it is taken too often to note each time, and site
is that of an earlier time. While HELD is 0, they are old, but with FOREIGN set in site: this process released the lock at
``since`` although it did not hold it, so whoever is noted as holder since before then does not hold it any more.

A DOING cell: 0 state (0 none, 1 task told as text, 2 task as it was received, pickled) | native tid << 32, 1 object key, 2 number
of the task (a pickle says it itself), 3 since ns, 4 length of the text or of the pickle, of which the first bytes follow.

A RING record: 0 seq (from 1), 1 time ns, 2 kind | native tid << 32, 3..6 four numbers, 7 seq again. A record
whose two seqs differ was being written (with only one, 46 of 300 kills left a wrong record that looked whole).

``HEADER`` words: see the ``H_`` numbers. A segment file (``.1``, ``.2``, ...) has a header and a log only.

History of VERSION: 1 first. 2 tasks as they were received, in fewer and larger cells.
"""

from __future__ import annotations

MAGIC = b"MPTRACE\0"
VERSION = 2

HEADER_SIZE = 512
BOARD, THREADS, THREAD_WORDS = 512, 64, 24
HELD = BOARD + THREADS * THREAD_WORDS * 8
LOCKS = 512
CELLS, CELL_WORDS = HELD + LOCKS * 8, 3
TALLY, TALLIES, TALLY_WORDS = CELLS + LOCKS * CELL_WORDS * 8, 128, 4
DOING, DOINGS, DOING_SIZE = TALLY + TALLIES * TALLY_WORDS * 8, 2, 1024
RING, RING_RECORDS, RING_WORDS = DOING + DOINGS * DOING_SIZE, 128, 8
LOG = RING + RING_RECORDS * RING_WORDS * 8
LOG_SIZE = 24 * 1024
SIZE = LOG + LOG_SIZE
"""Bytes of a first file, allocated up front; last words may make it longer."""

SEGMENT_LOG_SIZE = 64 * 1024 - HEADER_SIZE
SEGMENT_SIZE = HEADER_SIZE + SEGMENT_LOG_SIZE
SEGMENTS = 64
"""Most segment files of one process; records beyond them are counted as lost (4 MiB of rare events)."""

# Words of the header.
H_MAGIC, H_VERSION, H_PID, H_PPID, H_TID, H_OPENED, H_REALTIME, H_PYTHON = range(8)
H_FLAGS, H_PARENT_OPENED, H_SEGMENT, H_LOG, H_LOG_SIZE, H_SIZE = range(8, 14)
H_LOST_LOG, H_LOST_THREADS, H_LOST_LOCKS, H_LOST_TALLIES, H_LOST_DOING = range(16, 21)
H_ENDED = 24  # monotonic ns at which the exit handlers had run; 0: the process did not end in an orderly way

H_BUSY = 32  # ns that tasks of a pool or executor ran in this process, in all

H_UNREAD = 63  # where stores go that are to have no effect

FOREIGN = 1 << 63
"""Bit of the site in a lock's cell: see above."""

FORKED, FREE_THREADED, COMPILED, UNRECORDED_PARENT = 1, 2, 4, 8
ATTACHED = 16  # written by attach from what it saw outside: observed, not recorded
"""Bits of H_FLAGS."""

# Words of a board entry and of a slot.
T_IDENT, T_TID, T_STATE = 0, 1, 2
T_WAIT, T_INTENT = 8, 16
S_STATE, S_KEY, S_SINCE, S_TIMEOUT, S_SITE, S_DETAIL, S_STACK = range(7)

TOLD, PICKLED = 1, 2
"""States of a DOING cell."""

# Kinds of ring records.
R_WAITED = 1  # a wait of over a millisecond ended: wait kind | family << 8, key, since ns, site
R_TASK_BEGUN = 2  # no longer written (the DOING cells say it): object key, task number, text id, 0
R_TASK_ENDED = 3  # of a task that took over a millisecond: object key, task number, 1 if it returned, began ns

FAULT_MARK = b"Fatal Python error"
"""What faulthandler's text begins with; the last words are read from the end of the log region on."""
