"""Value, Array and SharedMemory: where shared memory was made, and which lock guards it."""

from __future__ import annotations

from functools import partial

from ...wire.events import resources
from ...wire.resource import OBJECT, SEGMENT, SEM, text_key
from .. import callsite, guard, identity, originals, recorder
from ..failure import hide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

NAME = "sharedctypes"


def install(module: ModuleType) -> None:
    """Have what is made by these modules told."""
    if module.__name__ == "multiprocessing.sharedctypes":
        for name in ("Value", "Array", "RawValue", "RawArray"):
            originals.patch(NAME, module, name, partial(_make, kind=name))
    elif module.__name__ == "multiprocessing.shared_memory":
        originals.patch(NAME, module.SharedMemory, "__init__", _init)
        originals.patch(NAME, module.SharedMemory, "unlink", _unlink)


def _make(original: Callable[..., Any], kind: str) -> Callable[..., Any]:
    def make(typecode_or_type: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            made = original(typecode_or_type, *args, **kwargs)
        except BaseException as error:
            hide(error)
            raise
        try:
            if callsite.asker() != "multiprocessing.sharedctypes":  # Value makes a RawValue
                _tell(made, kind)
        except Exception:  # noqa: BLE001 - the guest's oath
            guard.trouble(NAME)
        return made

    return make


def _tell(made: Any, kind: str) -> None:
    lock = identity.key_of(getattr(made, "_lock", None))
    key = lock or identity.private()
    size = len(made) if kind.endswith("Array") else 1
    recorder.log_some(resources.MADE, OBJECT, key, kind, callsite.here(), callsite.asker(), size)
    if lock:
        recorder.log_some(resources.PART, SEM, lock, OBJECT, key, "_lock")


def _init(original: Callable[..., None]) -> Callable[..., None]:
    def __init__(self: Any, name: Any = None, create: Any = False, size: Any = 0, **kwargs: Any) -> None:  # noqa: N807
        try:
            original(self, name, create, size, **kwargs)
        except BaseException as error:
            hide(error)
            raise
        try:
            key = text_key(self._name)
            if create:
                recorder.log_some(resources.MADE, SEGMENT, key, "SharedMemory", callsite.here(), str(self._name), self._size)
            else:
                recorder.log_some(resources.KNOWN, SEGMENT, key, "SharedMemory")
        except Exception:  # noqa: BLE001 - the guest's oath
            guard.trouble(NAME)

    return __init__


def _unlink(original: Callable[..., None]) -> Callable[..., None]:
    def unlink(self: Any) -> None:
        try:
            original(self)
        except BaseException as error:
            hide(error)
            raise
        try:
            recorder.log_some(resources.CLOSED, SEGMENT, text_key(self._name), "unlink", callsite.here())
        except Exception:  # noqa: BLE001 - the guest's oath
            guard.trouble(NAME)

    return unlink
