"""Which ``with`` blocks of locks the threads of a process are inside of: their frames keep the lock's ``__exit__`` on the value stack.

That is the one place where CPython says who has a plain Lock. A slot above the top of the stack may still show what a block that
was left has put there: a method counts only while it is referred to, and once, for the innermost slot; one that two threads show
counts for neither. A thread that waits in ``with lock`` has pushed the method already: its innermost one is not a block yet. The block of a Condition
is one of its lock, which wait() gives back for a while. From 3.14 on the method and its object are two slots, the low bits of which are
marks, and the frame says where its stack ends.

::

    thread state    0 prev   8 next   16 interpreter   3.10: 24 frame   3.11, 3.12: 56 -> cframe   3.13 on: 72 frame
    frame           3.10: 24 back, 32 code, 64 value stack   3.11: 32 code, 48 previous, 72 locals, then the value stack
                    3.12, 3.13: 0 code, 8 previous, 72 locals, then the value stack
                    3.14, 3.15: 0 code, 8 previous, 64 end of the stack, 80 locals, then the value stack
    code            stack size, number of locals: see _CODE
    builtin method  0 references   16 its definition (0 name)   24 self
    method          0 references   16 function (32 name)   24 self             method descriptor  24 name
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mptrace.attach.cpython.interpreter import Interpreter
from mptrace.attach.memory import Memory, Unreadable

THREADS, FRAMES, SLOTS = 1000, 200, 64
"""Most threads, frames of one thread, and slots of one frame that are looked at."""

_INTERPRETER_WORDS = 1024
_IDENT_WORDS = 64

PAIRS = (3, 14)
"""Since when a method and its object are two slots."""

_SINCE_312 = ((3, 12), (3, 13), (3, 14), (3, 15))
_PREVIOUS = {(3, 10): 24, (3, 11): 48} | dict.fromkeys(_SINCE_312, 8)
_CODE_OF = {(3, 10): 32, (3, 11): 32} | dict.fromkeys(_SINCE_312, 0)
_LOCALS, _LOCALS_OF_PAIRS, _STACK_END, _MARKS = 72, 80, 64, 3
_OWNER, _OWNER_OF_PAIRS, _C_STACK = 70, 74, 3
_CODE = {(3, 10): (40, 0), (3, 11): (68, 76)} | dict.fromkeys(_SINCE_312, (64, 72))
"""In a code object: where the size of its value stack, and (from 3.11 on) the number of its locals are."""


@dataclass(frozen=True, slots=True)
class Block:
    """A thread (its ident) is inside of a ``with`` of the lock at this address, or about to be.

    ``depth``: its frame, 0 the innermost; ``method``: the bound ``__exit__``, or its slot; ``condition``: whose lock it is, or 0.
    """

    ident: int
    lock: int
    depth: int
    method: int
    condition: int = 0


class Blocks:
    """Reads the blocks of all threads of one interpreter, up to 3.13; [] where its frames are not laid out as we know them."""

    def __init__(self, interpreter: Interpreter) -> None:
        self._objects, self._version = interpreter.objects, interpreter.version
        self._memory: Memory = interpreter.objects.memory
        self._interpreter = interpreter

    def read(self, idents: frozenset[int]) -> list[Block]:
        """Return the blocks of these threads, of each thread the innermost first."""
        found: list[Block] = []
        if self._version not in _CODE:
            return []
        try:
            for state in self._thread_states():
                ident = self._ident(state, idents)
                if ident:
                    found += self._blocks(state, ident)
        except Unreadable:
            return []
        owners: dict[int, set[int]] = {}
        for block in found:
            owners.setdefault(block.method, set()).add(block.ident)
        first = {block.method: block for block in reversed(found)}
        return [block for block in found if first[block.method] is block and len(owners[block.method]) == 1]

    def _thread_states(self) -> Iterator[int]:
        """Yield the thread states: the list that an interpreter's words lead to, each of which leads back to the interpreter."""
        interpreter = self._interpreter.address
        words = self._memory.words(interpreter, _INTERPRETER_WORDS)
        state = next((word for word in words if self._is_state_of(word, interpreter)), 0)
        for _ in range(THREADS):
            if not self._is_state_of(state, interpreter):
                return
            yield state
            state = self._memory.u64(state + 8)

    def _is_state_of(self, word: int, interpreter: int) -> bool:
        if not word or word % 8 or not 1 << 12 < word < 1 << 47:
            return False
        try:
            return self._memory.u64(word + 16) == interpreter and self._memory.u64(word) in {0} | self._behind(word)
        except Unreadable:
            return False

    def _behind(self, word: int) -> set[int]:
        """Return the state before this one in the list, if that one says so, too."""
        before = self._memory.u64(word)
        return {before} if before and self._memory.u64(before + 8) == word else set()

    def _ident(self, state: int, idents: frozenset[int]) -> int:
        words = self._memory.words(state, _IDENT_WORDS)
        return next((word for word in words[3:] if word in idents), 0)

    def _blocks(self, state: int, ident: int) -> Iterator[Block]:
        frame, depth = self._first(state), 0
        for _ in range(FRAMES):
            if not frame:
                return
            for lock, condition, method in self._kept(frame):
                yield Block(ident, lock, depth, method, condition)
            depth += not self._is_entry(frame)
            frame = self._memory.u64(frame + _PREVIOUS[self._version])

    def _is_entry(self, frame: int) -> bool:
        """Is it none of Python's, but where C has called the interpreter?"""
        owner = _OWNER_OF_PAIRS if self._version >= PAIRS else _OWNER
        return self._version >= (3, 12) and self._memory.read(frame + owner, 1)[0] >= _C_STACK

    def _kept(self, frame: int) -> Iterator[tuple[int, int, int]]:
        """Yield each lock whose ``__exit__`` a frame keeps, the innermost first: the lock, its Condition or 0, and where it is kept."""
        slots = self._slots(frame)
        if self._version < PAIRS:
            found = ((*self._exits(slot), slot) for slot in reversed(slots))
        else:
            pairs = [tuple(slot & ~_MARKS for slot in slots[at : at + 2]) for at in range(len(slots) - 1)]
            found = ((*self._pair(*pair), frame + 8 * at) for at, pair in reversed([*enumerate(pairs)]))
        return ((lock, condition, method) for lock, condition, method in found if lock)

    def _pair(self, method: int, owner: int) -> tuple[int, int]:
        """Return the lock that two slots are the ``__exit__`` of, and its Condition or 0; (0, 0) if they are anything else."""
        if not all(1 << 12 < word < 1 << 47 and word % 8 == 0 for word in (method, owner)):
            return 0, 0
        try:
            kind = self._objects.class_of(method)
            if kind == _FUNCTION:
                return self._of_condition(method, owner), owner
            is_exit = kind == _DESCRIPTOR and self._objects.text(self._memory.u64(method + _DESCRIPTOR_NAME)) == "__exit__"
            return (owner if is_exit and self._objects.class_of(owner) in _LOCKS else 0), 0
        except (Unreadable, ValueError):
            return 0, 0

    def _first(self, state: int) -> int:
        if self._version == (3, 10):
            return self._memory.u64(state + 24)
        if self._version >= (3, 13):
            return self._memory.u64(state + 72)
        cframe = self._memory.u64(state + 56)
        return self._memory.u64(cframe + (8 if self._version == (3, 11) else 0)) if cframe else 0

    def _slots(self, frame: int) -> tuple[int, ...]:
        """Return what is on the value stack of a frame, and perhaps above its top; () for a frame that has no code."""
        code = self._memory.u64(frame + _CODE_OF[self._version]) & (~_MARKS if self._version >= PAIRS else -1)
        if not code or self._objects.class_of(code) != ("builtins", "code"):
            return ()
        size_at, locals_at = _CODE[self._version]
        size = min(self._memory.u32(code + size_at), SLOTS)
        if self._version == (3, 10):
            start = self._memory.u64(frame + 64)
        else:
            fields = _LOCALS_OF_PAIRS if self._version >= PAIRS else _LOCALS
            start = frame + fields + 8 * self._memory.u32(code + locals_at)
        if self._version >= PAIRS:
            size = min(size, max(self._memory.u64(frame + _STACK_END) - start, 0) // 8)
        return self._memory.words(start, size) if size else ()

    def _exits(self, slot: int) -> tuple[int, int]:
        """Return the lock whose ``__exit__`` a slot refers to, and the Condition that it is of; (0, 0) if it is anything else."""
        if not slot or slot % 8 or not 1 << 12 < slot < 1 << 47:
            return 0, 0
        try:
            kind = self._objects.class_of(slot)
            if kind not in (_METHOD, _BUILTIN_METHOD) or not self._memory.u32(slot):
                return 0, 0
            owner = self._memory.u64(slot + 24)
            if kind == _METHOD:
                return self._of_condition(self._memory.u64(slot + 16), owner), owner
            name = self._memory.text(self._memory.u64(self._memory.u64(slot + 16)))
            return (owner if name == "__exit__" and self._objects.class_of(owner) in _LOCKS else 0), 0
        except (Unreadable, ValueError):
            return 0, 0

    def _of_condition(self, function: int, condition: int) -> int:
        """Return the lock of a Condition whose ``__exit__`` this is; 0 if it is anything else."""
        if self._objects.class_of(condition) != ("threading", "Condition"):
            return 0
        name = self._memory.u64(function + _FUNCTION_NAME)
        lock = self._objects.attributes(condition).get("_lock", 0)
        is_lock = bool(lock) and self._objects.class_of(lock) in _LOCKS
        return lock if is_lock and self._objects.text(name) == "__exit__" else 0


_METHOD, _BUILTIN_METHOD = ("builtins", "method"), ("builtins", "builtin_function_or_method")
_FUNCTION, _DESCRIPTOR = ("builtins", "function"), ("builtins", "method_descriptor")
_FUNCTION_NAME, _DESCRIPTOR_NAME = 32, 24

_LOCKS = frozenset({("_thread", "lock"), ("_thread", "RLock")})
