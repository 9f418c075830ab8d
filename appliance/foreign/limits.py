"""What a parser of a stranger's file may use: memory, processor time, wall time."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.core.files import unreadable

_MIB: Final = 1 << 20
#: The interpreter, numpy and one format library need about 300 MiB of address space; threads and
#: allocator arenas reserve more than they touch.
_BASE_MEMORY_BYTES: Final = 1536 * _MIB
#: Address space per byte of file.  The densest honest formats hold a point of 33 bytes in memory in
#: 2 bytes of file, and a growing array is mapped twice for a moment.
_MEMORY_PER_FILE_BYTE: Final = 48
#: Start-up on a busy machine, with room.
_BASE_WALL_SECONDS: Final = 20.0
#: The slowest honest readers (text with unusual numbers, CAD as text) do 5 to 20 MB/s on a quiet core.
_FILE_BYTES_PER_SECOND: Final = 1_000_000.0


@dataclass(frozen=True)
class Limits:
    """Bounds of one run of a parser.

    Attributes
    ----------
    memory_bytes : address space of the child, the arrays that it returns included
    cpu_seconds : processor time of all its threads together
    wall_seconds : time from start to result
    """

    memory_bytes: int
    cpu_seconds: int
    wall_seconds: float

    @classmethod
    def for_file(cls, path: Path) -> Limits:
        """Limits that grow with the size of the file.

        Raises
        ------
        InvalidInput : the file is missing or cannot be read
        """
        try:
            size = path.stat().st_size
        except OSError as error:
            raise unreadable(path, error) from error
        return cls.for_size(size)

    @classmethod
    def for_size(cls, file_bytes: int) -> Limits:
        """Limits for a file of ``file_bytes``."""
        wall = _BASE_WALL_SECONDS + file_bytes / _FILE_BYTES_PER_SECOND
        return cls(
            memory_bytes=_BASE_MEMORY_BYTES + _MEMORY_PER_FILE_BYTE * file_bytes,
            cpu_seconds=int(wall) * max(1, os.cpu_count() or 1) + 1,
            wall_seconds=wall,
        )
