"""Plain numbers in text: rows of equal length, every token a number, nothing skipped in silence.

Blocks of large files are read by compiled code (``appliance.foreign.decimals``), which hands back what is
unusual; the short way here reads that, and small files, and says what is wrong.  Both give the same numbers.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import IO, Final

import numpy as np
import numpy.typing as npt

from appliance.errors import InvalidInput

Float64 = npt.NDArray[np.float64]

_BLOCK_BYTES: Final = 4 << 20
#: From here on the compiled reader saves more than its start takes (half a second).
COMPILED_FROM_BYTES: Final = 1 << 20
#: A line of text beyond this is not a row of numbers.
_LONGEST_LINE_BYTES: Final = 1 << 16
#: Signs that some programs write between numbers.
_EMPTY_FIELD: Final = re.compile(rb"[,;][ \t]*[,;]")
_BLANKS: Final = bytes.maketrans(b",;\t\r\f\v", b"      ")


def line_blocks(file: IO[bytes]) -> Iterator[bytes]:
    """What is left of the file in pieces of about 4 MiB that end with a line.

    Raises
    ------
    InvalidInput : a line without end
    """
    rest = b""
    while block := file.read(_BLOCK_BYTES):
        block = rest + block
        end = block.rfind(b"\n") + 1
        rest = block[end:]
        if len(rest) > _LONGEST_LINE_BYTES:
            raise InvalidInput("text.line", "The file has a line too long to be numbers.", "Is it a text file?")
        if end:
            yield block[:end]
    if rest.strip():
        yield rest + b"\n"


def rows_of(block: bytes, columns: int | None = None) -> Float64:
    """The numbers of whole lines, float64 (lines, columns); empty lines do not count.

    Parameters
    ----------
    columns : numbers that every line must have; None means as many as the first line has

    Raises
    ------
    InvalidInput : a token that is no number, or a line with more or fewer numbers
    """
    rows = even_rows(block, columns)
    return _checked_rows(block, columns) if rows is None else rows


def even_rows(block: bytes, columns: int | None = None) -> Float64 | None:
    """The rows of a block of equal lines, by compiled code; None where lines differ, or the block is too small for it.

    Raises
    ------
    InvalidInput : an unusual token that is no number
    """
    if len(block) < COMPILED_FROM_BYTES:
        return None
    from appliance.foreign.decimals import read_rows

    read = read_rows(block, columns)
    if read is None:
        return None
    rows, left = read
    if len(left):
        unusual = b"\n".join(block[start:stop] for start, stop in left[:, 1:].tolist())
        rows.reshape(-1)[left[:, 0]] = _numbers(unusual, len(left))
    return rows


def _checked_rows(block: bytes, columns: int | None) -> Float64:
    if _EMPTY_FIELD.search(block):
        raise InvalidInput("text.columns", "A line has an empty field between two separators.", "Is it cut?")
    text = block.translate(_BLANKS)
    counts = _tokens_by_line(text)
    counts = counts[counts > 0]
    if not len(counts):
        return np.empty((0, columns or 0))
    width = columns or int(counts[0])
    if (counts != width).any():
        wrong = int(counts[counts != width][0])
        raise InvalidInput("text.columns", f"A line has {wrong} numbers where {width} are expected.", "Is it cut?")
    return _numbers(text, len(counts) * width).reshape(-1, width)


def _tokens_by_line(text: bytes) -> npt.NDArray[np.int64]:
    codes = np.frombuffer(text, dtype=np.uint8)
    filled = codes > ord(" ")
    starts = filled.copy()
    starts[1:] &= ~filled[:-1]
    so_far: npt.NDArray[np.int64] = np.cumsum(starts)[codes == ord("\n")]
    so_far[1:] -= so_far[:-1].copy()
    return so_far


def lines_of(file: IO[bytes], lines: int) -> bytes:
    """At most so many whole lines, and at most 4 MiB, from where the file stands; a last line without end counts."""
    start = file.tell()
    block = file.read(_BLOCK_BYTES)
    ends = np.flatnonzero(np.frombuffer(block, dtype=np.uint8) == ord("\n"))
    if len(ends) < lines and len(block) < _BLOCK_BYTES:
        return block
    if not len(ends):
        raise InvalidInput("text.line", "The file has a line too long to be numbers.", "Is it a text file?")
    stop = int(ends[min(lines, len(ends)) - 1]) + 1
    file.seek(start + stop)
    return block[:stop]


def _numbers(text: bytes, count: int) -> Float64:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            numbers = np.fromstring(text.decode("ascii"), dtype=np.float64, sep=" ")
        except (DeprecationWarning, ValueError) as error:
            raise InvalidInput("text.number", "The file has text where a number is expected.", "Is it cut?") from error
    if len(numbers) != count:
        raise InvalidInput("text.number", "The file has text where a number is expected.", "Is it cut?")
    return numbers
