"""A mark that all processes of a machine see change: eight bytes of memory that they share through a file.

Whoever changed something renews it; whoever remembers something compares.  Reading costs no call of the system.  The
bytes are random, so that two who renew at once never leave what was there before.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Final

_BYTES: Final = 8


class Stamp:
    """The mark in one file; where it cannot be had (a full disk), one of this process alone."""

    def __init__(self, path: Path) -> None:
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                if os.fstat(file).st_size < _BYTES:
                    os.pwrite(file, os.urandom(_BYTES), 0)
                self._memory = mmap.mmap(file, _BYTES)
            finally:
                os.close(file)
        except OSError:
            self._memory = mmap.mmap(-1, _BYTES)

    @property
    def value(self) -> bytes:
        """What it is now."""
        return self._memory[:_BYTES]

    def renew(self) -> None:
        """Make it another one, for everybody."""
        self._memory[:_BYTES] = os.urandom(_BYTES)
