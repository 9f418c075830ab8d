"""When a database was last written to, as the processes of one machine tell each other.

A stamp of eight random bytes, in a file that all of them have in memory: whoever ended a transaction writes a new one,
whoever remembers something compares.  Eight aligned bytes are written at once; a stamp that was read in halves would be
one that nobody remembers.  A process that is killed between its commit and its stamp tells nobody: what must not be
missed needs a time limit as well.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Final

_BYTES: Final = 8


class Commits:
    """The stamp of one database, safe to use from many threads.

    Parameters
    ----------
    path : where other processes see it; None, or where the file cannot be opened: nobody does
    """

    def __init__(self, path: Path | None = None) -> None:
        self._stamp: mmap.mmap | bytearray = bytearray(_BYTES)
        if path is not None:
            try:
                self._stamp = _shared(path)
            except OSError:
                return

    def stamp(self) -> bytes:
        """What stands there now; the same as before only if nothing was committed since."""
        return bytes(self._stamp[:_BYTES])

    def mark(self) -> None:
        """Say that something was committed."""
        self._stamp[:_BYTES] = os.urandom(_BYTES)


def _shared(path: Path) -> mmap.mmap:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(file).st_size < _BYTES:
            os.truncate(file, _BYTES)
        return mmap.mmap(file, _BYTES)
    finally:
        os.close(file)
