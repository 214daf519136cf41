"""How a process ended: asked of whoever still knows it, the wait of a parent (us), its zombie, or the kernel by its pidfd."""

from __future__ import annotations

import fcntl
import os
from struct import Struct, error

from mptrace.observe import procfs

UNKNOWN = -1000

_GET_INFO = 0xC040FF0B  # _IOWR(0xFF, 11, 64 bytes): PIDFD_GET_INFO
_INFO_EXIT = 1 << 3
_INFO = Struct("<QQ11Ii")  # mask, cgroup, pid, tgid, ppid and eight ids of users, exit_code


def open_pidfd(pid: int) -> int:
    """Return a descriptor that becomes readable when the process ends; -1 where there is none."""
    try:
        return os.pidfd_open(pid)
    except (OSError, AttributeError):
        return -1


def ended_status(pid: int, pidfd: int) -> tuple[int, str, bool]:
    """Return (status as Process.exitcode, who told us, whether a core was written) of a process that has just ended.

    A child of ours is reaped by this.
    """
    seen = procfs.stat(pid)
    if seen is not None and seen.ppid == os.getpid():
        return _reap(pid)
    if seen is not None and seen.state in "ZX":
        status, core = _decode(seen.exit_code)
        return status, "zombie", core
    return ask_kernel(pidfd)


def _reap(pid: int) -> tuple[int, str, bool]:
    try:
        info = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG)
    except ChildProcessError:
        return UNKNOWN, "", False
    if info is None:
        return UNKNOWN, "", False
    if info.si_code == os.CLD_EXITED:
        return info.si_status, "launcher", False
    return -info.si_status, "launcher", info.si_code == os.CLD_DUMPED


def _decode(wait_status: int) -> tuple[int, bool]:
    return os.waitstatus_to_exitcode(wait_status & 0xFF7F), bool(wait_status & 0x80)


def ask_kernel(pidfd: int) -> tuple[int, str, bool]:
    """Return the same of a process that is gone.

    Since Linux 6.15 the kernel keeps the status for whoever holds a pidfd, also after the parent reaped the process.
    """
    request = bytearray(_INFO.pack(_INFO_EXIT, *[0] * 13))
    try:
        fcntl.ioctl(pidfd, _GET_INFO, request)
        fields = _INFO.unpack_from(request)
    except (OSError, error):
        return UNKNOWN, "", False
    if not fields[0] & _INFO_EXIT:
        return UNKNOWN, "", False
    status, core = _decode(fields[-1])
    return status, "kernel", core
