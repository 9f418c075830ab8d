"""Locks over processes and threads, one file a workspace: who holds one that dies lets it go.

Each lock is one byte of the file, at a place that follows from its name (open file description locks of Linux), so
that no file has to be made or removed for it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from appliance.errors import Conflict
from appliance.objects.filesystem import storage_error

#: The code of the refusal where somebody else holds a lock.
LOCKED: Final = "upload.locked"
_FILE: Final = ".locks"
#: ``struct flock`` of 64-bit Linux: type, whence, start, length, pid (which must be 0).
_REQUEST: Final = struct.Struct("hhqqi4x")


@contextmanager
def locked(folder: Path, name: str, *, wait: bool = False) -> Iterator[None]:
    """Hold the lock ``name`` of the workspace whose uploads lie in ``folder``.

    Raises
    ------
    Conflict : somebody else holds it, and ``wait`` is false
    """
    place = _place(name)
    try:
        descriptor = os.open(folder / _FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise storage_error(error) from error
    try:
        _lock(descriptor, place, wait)
        yield
    finally:
        os.close(descriptor)


def is_locked(folder: Path, name: str) -> bool:
    """Whether somebody holds the lock ``name`` right now; asking takes nothing from anybody."""
    try:
        descriptor = os.open(folder / _FILE, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        request = _REQUEST.pack(fcntl.F_WRLCK, os.SEEK_SET, _place(name), 1, 0)
        answer = _REQUEST.unpack(fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, request))
    finally:
        os.close(descriptor)
    return bool(answer[0] != fcntl.F_UNLCK)


def _place(name: str) -> int:
    return int.from_bytes(sha256(name.encode()).digest()[:7])


def _lock(descriptor: int, place: int, wait: bool) -> None:
    request = _REQUEST.pack(fcntl.F_WRLCK, os.SEEK_SET, place, 1, 0)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLKW if wait else fcntl.F_OFD_SETLK, request)
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            raise storage_error(error) from error
        raise Conflict(LOCKED, "Another request is sending this upload.", "Wait, ask for the offset.") from error
