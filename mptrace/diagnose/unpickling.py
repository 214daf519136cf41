"""Why something cannot be rebuilt from its pickle, read from the exception and from where in the library it came up."""

from __future__ import annotations

from dataclasses import dataclass

from mptrace.diagnose.deaths import deepest_of
from mptrace.model.event import Event
from mptrace.model.site import Site


@dataclass(frozen=True, slots=True)
class Cause:
    """``why`` in a sentence, ``fix`` as an order; ``at``: which line the fix is about."""

    why: str
    fix: str
    at: str = "sent"


HANDED_OVER = Cause(
    "Part of it holds a file descriptor: a connection, a socket, a tensor of PyTorch. It travels as the address of its sender, "
    "who hands the descriptor over when the receiver asks; nobody answers there any more.",
    "keep the sender running until all it sent has been read (of tensors: or "
    "torch.multiprocessing.set_sharing_strategy('file_system')); it is read at",
    at="received",
)
"""CPython: multiprocessing/resource_sharer.py; PyTorch: torch/multiprocessing/reductions.py."""

SEGMENT_GONE = Cause(
    "It travels as the name of a shared memory segment, and there is none of that name: it was unlinked before.",
    "call unlink() only when every process has opened the segment; it is read at",
    at="received",
)

NO_SUCH_NAME = Cause(
    "It travels as a name that the receiver looks up in its own modules, and there it is not, or cannot be made.",
    "define what is sent at the top level of a module, not under the main guard or inside a function; it is sent at",
)

NO_PICKLE = Cause(
    "What arrived is no pickle, or none that this Python can read: something else was written into the connection, or a part of "
    "the message was read elsewhere.",
    "let only send() write to that connection, and one process at a time; it is read at",
    at="received",
)

OTHER_PROTOCOL = Cause(
    "It was pickled by a newer protocol than the receiver's Python has.",
    "run both sides on one version of Python, or pickle with protocol=4; it is read at",
    at="received",
)

OTHER_ARGUMENTS = Cause(
    "It is rebuilt by calling its class with what its __reduce__ gave, and the class takes other arguments.",
    "give the class a __reduce__ that returns what its __init__ takes; it is sent at",
)

OWN_CODE = Cause(
    "Rebuilding runs code of its class: __setstate__, __init__, or what its __reduce__ names. That raised.",
    "mend what raises at",
    at="raised",
)

INTERRUPTED = Cause(
    "The exception comes from no line of the program: code of a library, or what a signal handler did meanwhile.",
    "mend what the exception says; it is read at",
    at="received",
)

_LOOKING_UP = ("AttributeError", "ModuleNotFoundError", "ImportError", "NameError")
_REFUSED = ("FileNotFoundError", "ConnectionRefusedError", "ConnectionResetError", "EOFError", "KeyError", "BrokenPipeError")


def cause_of(event: Event) -> Cause:
    """Return why this message (``unpickle.failed``) could not be rebuilt."""
    if event.text("error") in _LOOKING_UP:
        return NO_SUCH_NAME
    own = deepest_of(event.text("traceback"))
    return _by_library(event) or (INTERRUPTED if own is None or own == event.site else OWN_CODE)


def _by_library(event: Event) -> Cause | None:
    """Return the cause that the library's own message or frames tell."""
    error, message, trace = event.text("error"), event.text("message"), event.text("traceback")
    told = (
        (HANDED_OVER, error in _REFUSED and "resource_sharer.py" in trace),
        (SEGMENT_GONE, error == "FileNotFoundError" and "shared_memory.py" in trace),
        (OTHER_PROTOCOL, "unsupported pickle protocol" in message),
        (NO_PICKLE, error in ("UnpicklingError", "EOFError")),
        (OTHER_ARGUMENTS, error == "TypeError" and "argument" in message),
    )
    return next((cause for cause, fits in told if fits), None)


def line_of(cause: Cause, event: Event, sent: Site | None) -> Site | None:
    """Return the line that a fix for this is about; ``sent``: the one that sent the message, if it is known."""
    if cause.at == "raised":
        return deepest_of(event.text("traceback"))
    return (event.site if cause.at == "received" else sent) or event.site
