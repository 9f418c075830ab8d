"""Where a parser puts its arrays: anonymous shared memory that the parent maps without a copy.

A column grows as it is filled; pages that are not written cost nothing, so that room may be
reserved for a whole file and the rest be given back at the end.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_FIRST_ROWS: Final = 1 << 14
#: Steps of progress that are worth a message.
_PROGRESS_STEP: Final = 0.01


class Column:
    """One growing array of rows of equal shape.

    Parameters
    ----------
    rows : rows to make room for at once; more are added as they come
    """

    def __init__(self, name: str, dtype: npt.DTypeLike, tail: tuple[int, ...] = (), rows: int = 0) -> None:
        self.name = name
        self.dtype = np.dtype(dtype)
        self.tail = tail
        self.length = 0
        self.descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        self._row_bytes = self.dtype.itemsize * int(np.prod(tail, dtype=np.int64))
        self._array = self._mapped(max(rows, 1))

    def _mapped(self, rows: int) -> Array:
        try:
            os.ftruncate(self.descriptor, rows * self._row_bytes)
            memory = mmap.mmap(self.descriptor, rows * self._row_bytes)
        except (OSError, OverflowError, ValueError) as error:
            raise MemoryError(f"no room for {rows} rows of '{self.name}'") from error
        return np.frombuffer(memory, dtype=self.dtype).reshape((rows, *self.tail))

    @property
    def filled(self) -> Array:
        """The rows so far, writable (n, *tail)."""
        return self._array[: self.length]

    def room(self, rows: int) -> Array:
        """Writable view of the next ``rows`` rows; ``advance`` keeps them."""
        needed = self.length + rows
        if needed > len(self._array):
            self._array = self._mapped(max(needed, 2 * len(self._array), _FIRST_ROWS))
        return self._array[self.length : needed]

    def advance(self, rows: int) -> None:
        """Keep the first ``rows`` rows of what ``room`` gave."""
        self.length += rows

    def append(self, block: Array) -> None:
        """Copy a block of rows to the end."""
        self.room(len(block))[:] = block
        self.advance(len(block))

    def finish(self) -> tuple[str, str, list[int]]:
        """Give back what was not filled; name, dtype and shape of what was."""
        os.ftruncate(self.descriptor, self.length * self._row_bytes)
        return self.name, self.dtype.str, [self.length, *self.tail]


class Sink:
    """The columns of one file and the way to say how far its reading has come.

    Parameters
    ----------
    report : receives the fraction done, 0 to 1, at most a hundred times
    """

    def __init__(self, report: Callable[[float], None]) -> None:
        self.columns: dict[str, Column] = {}
        self._report = report
        self._reported = 0.0

    def column(self, name: str, dtype: npt.DTypeLike, tail: tuple[int, ...] = (), rows: int = 0) -> Column:
        """The column of that name; it is made with room for ``rows`` when first asked for."""
        if name not in self.columns:
            self.columns[name] = Column(name, dtype, tail, rows)
        return self.columns[name]

    def append(self, name: str, block: Array) -> None:
        """Copy a block to the end of a column, which takes its type and shape from the first block."""
        self.column(name, block.dtype, block.shape[1:]).append(block)

    def progress(self, fraction: float) -> None:
        """Say how much of the file has been read."""
        if fraction >= self._reported + _PROGRESS_STEP:
            self._reported = fraction
            self._report(min(fraction, 1.0))
