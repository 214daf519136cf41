"""Pipes and sockets by inode: bytes that lie in them, and who is at the other end of a socket."""

from __future__ import annotations

import array
import ctypes
import fcntl
import os
import socket
import struct
from dataclasses import dataclass

FIONREAD, SIOCOUTQ, F_GETPIPE_SZ = 0x541B, 0x5411, 1032
_GETFD = 438  # the number of pidfd_getfd on every machine
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Fill:
    """Bytes that wait to be read, bytes that were sent and not yet read at the other end, and the room; -1: not known."""

    queued: int = -1
    sent: int = -1
    capacity: int = -1


def read_fill(pid: int, descriptor: int) -> Fill:
    """Ask a pipe or socket through a duplicate of the process's descriptor; nothing is read from it."""
    try:
        duplicate = _duplicate(pid, descriptor)
    except OSError:
        return Fill()
    try:
        return Fill(_ask(duplicate, FIONREAD), _ask(duplicate, SIOCOUTQ), _capacity(duplicate))
    finally:
        os.close(duplicate)


def peek(pid: int, descriptor: int, size: int = 8) -> bytes:
    """Return the first bytes that lie in a pipe, without taking them (tee(2) copies); b"" if there are none."""
    try:
        duplicate = _duplicate(pid, descriptor)
    except OSError:
        return b""
    reader, writer = os.pipe()
    try:
        copied = _libc.tee(duplicate, writer, ctypes.c_size_t(size), 2)  # 2: SPLICE_F_NONBLOCK
        return os.read(reader, copied) if copied > 0 else b""
    finally:
        for number in (duplicate, reader, writer):
            os.close(number)


def _duplicate(pid: int, descriptor: int) -> int:
    handle = os.pidfd_open(pid)
    try:
        number = int(_libc.syscall(_GETFD, handle, descriptor, 0))
    finally:
        os.close(handle)
    if number < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    os.set_inheritable(number, False)
    return number


def _ask(descriptor: int, request: int) -> int:
    answer = array.array("i", [0])
    try:
        fcntl.ioctl(descriptor, request, answer)
    except OSError:
        return -1
    return answer[0]


def _capacity(descriptor: int) -> int:
    try:
        return fcntl.fcntl(descriptor, F_GETPIPE_SZ)
    except OSError:
        return -1


_REQUEST = struct.pack("<BBHIIIII", socket.AF_UNIX, 0, 0, 0xFFFFFFFF, 0, 4, 0xFFFFFFFF, 0xFFFFFFFF)  # 4: UDIAG_SHOW_PEER
_MESSAGE, _DUMP = struct.Struct("<IHHII"), 0x301
_SOCK_DIAG_BY_FAMILY, _UNIX_DIAG_PEER = 20, 2


def read_unix_peers() -> dict[int, int]:
    """Return inode -> inode of the peer for the connected Unix sockets of our network namespace; {} if the kernel refuses."""
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as link:
            link.settimeout(2.0)
            link.bind((0, 0))
            link.send(_MESSAGE.pack(16 + len(_REQUEST), _SOCK_DIAG_BY_FAMILY, _DUMP, 1, 0) + _REQUEST)
            return _receive_peers(link)
    except (OSError, struct.error):
        return {}


def _receive_peers(link: socket.socket) -> dict[int, int]:
    peers: dict[int, int] = {}
    while True:
        data, at = link.recv(1 << 17), 0
        while at < len(data):
            length, kind, *_ = _MESSAGE.unpack_from(data, at)
            if kind != _SOCK_DIAG_BY_FAMILY or length < 16:  # the end, or an error
                return peers
            _note_peer(data[at + 16 : at + length], peers)
            at += length + -length % 4


def _note_peer(message: bytes, peers: dict[int, int]) -> None:
    (inode,) = struct.unpack_from("<I", message, 4)
    at = 16
    while at + 4 <= len(message):
        length, kind = struct.unpack_from("<HH", message, at)
        if length < 4:
            return
        if kind == _UNIX_DIAG_PEER:
            peers[inode] = struct.unpack_from("<I", message, at + 4)[0]
        at += length + -length % 4
