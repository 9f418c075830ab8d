"""Files that are either whole or absent, and their hashes.

A file written here appears under its name only after its bytes are on the disk; a crash at any
instruction leaves the old file or the new one, never a torn one.
"""

from __future__ import annotations

import ctypes
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO

from appliance.errors import InvalidInput, Unavailable

_HASH_BLOCK_BYTES = 1 << 20
_LIBC = ctypes.CDLL(None, use_errno=True)


def sha256_of_file(path: Path) -> str:
    """Lower-case hex SHA-256 of a file's bytes, read in one pass of 1 MiB blocks.

    Raises
    ------
    InvalidInput : the file is missing or cannot be read
    """
    digest = sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_HASH_BLOCK_BYTES):
                digest.update(block)
    except OSError as error:
        raise unreadable(path, error) from error
    return digest.hexdigest()


@contextmanager
def whole_file(path: Path, mode: int = 0o644) -> Iterator[IO[bytes]]:
    """A writable file that takes the name ``path`` when the block ends well, and else vanishes.

    Raises
    ------
    Unavailable : the disk is full or the folder is not writable
    """
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write ``data`` under ``path``, whole or not at all."""
    with whole_file(path, mode) as file:
        file.write(data)


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file_system(folder: Path) -> None:
    """Make everything durable on the file system of ``folder``: one wait for many files, which tells their errors.

    Raises
    ------
    OSError : something could not be written
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if _LIBC.syncfs(descriptor):
            reason = ctypes.get_errno()
            raise OSError(reason, os.strerror(reason))
    finally:
        os.close(descriptor)


def unreadable(path: Path, error: OSError) -> InvalidInput:
    """The error for a file that the user named and that cannot be read."""
    reason = error.strerror or str(error)
    return InvalidInput("file.unreadable", f"{path}: {reason}.", "Check the path and its permissions.")


def _unwritable(path: Path, error: OSError) -> Unavailable:
    reason = error.strerror or str(error)
    return Unavailable("file.unwritable", f"{path}: {reason}.", "Check free space and permissions.")
