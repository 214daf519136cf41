"""Is a directory on a file system of another machine? Mapping a file there is slow, and a server that is away stops who stores."""

from __future__ import annotations

import os

from mptrace.observe import libc

REMOTE = frozenset((
    0x6969,  # nfs
    0x517B, 0xFF534D42, 0xFE534D42,  # smb, cifs, smb2
    0x01021997,  # 9p, also of virtual machines
    0x65735546,  # fuse: sshfs, s3fs, gcsfuse, gluster, virtiofs
    0x0BD00BD0,  # lustre
    0x00C36400,  # ceph
    0x47504653,  # gpfs
    0x19830326,  # beegfs
    0x20030528,  # orangefs
    0xAAD7AAEA,  # panfs
    0x5346414F, 0x6B414653,  # afs
    0x73757245,  # coda
    0x7461636F, 0x01161970,  # ocfs2, gfs2: local to several machines
))  # fmt: skip
"""Magic numbers of statfs(2)."""


def is_remote(path: str) -> bool:
    """Is the directory, or the nearest one above it that exists, on such a file system? No, if that cannot be told."""
    while not os.path.isdir(path) and os.path.dirname(path) != path:
        path = os.path.dirname(path)
    try:
        return libc.file_system(path) in REMOTE
    except OSError:
        return False
