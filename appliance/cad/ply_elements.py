"""PLY with polygons, text and binary, in either byte order: every element of a file, lists included.

The header (``appliance.foreign.ply``) declares *elements* (``vertex``, ``face``, ...) with scalar and
list properties; the rows of each element follow in that order.  Rows are read as declared: a file that
ends early, a list of negative length or a word that is no number is refused.  Scalar elements stream in
blocks of bounded size; elements with lists are one block.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final

import numpy as np
import numpy.typing as npt

from appliance.errors import InvalidInput
from appliance.foreign.ply import PlyElement, PlyHeader, PlyProperty, broken_ply

#: Rows of a scalar element in one block (tens of MB at the usual widths).
BLOCK_ROWS: Final = 1 << 18

Column = npt.NDArray[np.generic]


@dataclass(frozen=True)
class PlyBlock:
    """Rows of one element: scalar ``columns`` (n,), and ``lists`` as lengths int64 (n,) and all values in a row."""

    rows: int
    columns: dict[str, Column]
    lists: dict[str, tuple[npt.NDArray[np.int64], Column]]


def element_blocks(file: IO[bytes], header: PlyHeader, element: PlyElement) -> Iterator[PlyBlock]:
    """The rows of ``element``; elements must be read to their end, in the order of the header.

    Raises
    ------
    InvalidInput : the file ends early, or a row is not as declared
    """
    if header.order and element.has_lists:
        yield _binary_lists(file, header.order, element)
        return
    step = element.count if element.has_lists else BLOCK_ROWS
    for start in range(0, element.count, max(step, 1)):
        rows = min(step, element.count - start)
        yield _binary_rows(file, header.order, element, rows) if header.order else _text_rows(file, element, rows)


def _binary_rows(file: IO[bytes], order: str, element: PlyElement, rows: int) -> PlyBlock:
    kind = np.dtype([(item.name, order + item.kind) for item in element.properties])
    data = file.read(rows * kind.itemsize)
    if len(data) < rows * kind.itemsize:
        raise _short(element)
    table = np.frombuffer(data, dtype=kind)
    return PlyBlock(rows, {item.name: table[item.name] for item in element.properties}, {})


def _binary_lists(file: IO[bytes], order: str, element: PlyElement) -> PlyBlock:
    """Rows with lists, from all that is left of the file; ``file`` is set behind them afterwards."""
    start = file.tell()
    data = file.read()
    least = sum(np.dtype(item.size_kind or item.kind).itemsize for item in element.properties)
    if element.count * least > len(data):
        raise _short(element)
    offsets, sizes, used = _uniform(data, order, element) or _walk(data, order, element)
    file.seek(start + used)
    codes = np.frombuffer(data, dtype=np.uint8)
    columns: dict[str, Column] = {}
    lists: dict[str, tuple[npt.NDArray[np.int64], Column]] = {}
    for item, begins, lengths in zip(element.properties, offsets, sizes, strict=True):
        values = _gather(codes, begins, lengths, np.dtype(order + item.kind))
        if item.size_kind:
            lists[item.name] = (lengths, values)
        else:
            columns[item.name] = values
    return PlyBlock(element.count, columns, lists)


_Layout = tuple[list[npt.NDArray[np.int64]], list[npt.NDArray[np.int64]], int]


def _uniform(data: bytes, order: str, element: PlyElement) -> _Layout | None:
    """Where the values of each property begin, if every row has list lengths of the first row."""
    if not element.count:
        return None
    first = PlyElement(element.name, 1, element.properties)
    starts, sizes, width = _walk(data, order, first)
    if width * element.count > len(data):
        return None
    rows = np.arange(element.count, dtype=np.int64) * width
    table = np.frombuffer(data, dtype=np.uint8, count=width * element.count).reshape(-1, width)
    for item, start, size in zip(element.properties, starts, sizes, strict=True):
        if item.size_kind:
            kind = np.dtype(order + item.size_kind)
            at = int(start[0]) - kind.itemsize
            lengths = np.ascontiguousarray(table[:, at : at + kind.itemsize]).view(kind)
            if np.any(lengths != size[0]):
                return None
    whole = [np.full(element.count, size[0], dtype=np.int64) for size in sizes]
    return [rows + start[0] for start in starts], whole, width * element.count


def _walk(data: bytes, order: str, element: PlyElement) -> _Layout:
    """Where the values of each property begin in every row, found row by row."""
    plan = [
        (np.dtype(item.kind).itemsize, np.dtype(item.size_kind).itemsize if item.size_kind else 0, item.size_kind[:1])
        for item in element.properties
    ]
    endian = "big" if order == ">" else "little"
    begins: list[list[int]] = [[] for _ in plan]
    lengths: list[list[int]] = [[] for _ in plan]
    at, end = 0, len(data)
    for _ in range(element.count):
        for column, (width, size_width, signed) in enumerate(plan):
            length = 1
            if size_width:
                length = int.from_bytes(data[at : at + size_width], endian, signed=signed == "i")  # type: ignore[arg-type]
                at += size_width
            begins[column].append(at)
            lengths[column].append(length)
            at += width * length
            if length < 0 or at > end:
                raise _short(element) if length >= 0 else broken_ply("A list has a negative length")
    return [np.array(b, dtype=np.int64) for b in begins], [np.array(n, dtype=np.int64) for n in lengths], at


def _gather(
    codes: npt.NDArray[np.uint8],
    begins: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.int64],
    kind: np.dtype[np.generic],
) -> Column:
    """Values at ``begins``, ``lengths`` of them each, one row after the other."""
    within = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    at = np.repeat(begins, lengths) + within * kind.itemsize
    return np.asarray(codes[at[:, None] + np.arange(kind.itemsize)].reshape(-1).view(kind))


def _text_rows(file: IO[bytes], element: PlyElement, rows: int) -> PlyBlock:
    lines = list(itertools.islice((line for line in file if line.strip()), rows))
    if len(lines) < rows:
        raise _short(element)
    numbers = _numbers(b" ".join(lines))
    if element.has_lists:
        return _text_lists(numbers, element, rows)
    if len(numbers) != rows * len(element.properties):
        raise broken_ply(f"A row of '{element.name}' has not {len(element.properties)} numbers")
    table = numbers.reshape(rows, len(element.properties))
    return PlyBlock(rows, {item.name: _typed(table[:, k], item) for k, item in enumerate(element.properties)}, {})


def _text_lists(numbers: npt.NDArray[np.float64], element: PlyElement, rows: int) -> PlyBlock:
    begins: list[list[int]] = [[] for _ in element.properties]
    lengths: list[list[int]] = [[] for _ in element.properties]
    at = 0
    for _ in range(rows):
        for column, item in enumerate(element.properties):
            length = 1
            if item.size_kind:
                length = int(numbers[at]) if at < len(numbers) and numbers[at] >= 0 else -1
                at += 1
            begins[column].append(at)
            lengths[column].append(length)
            at += length
            if length < 0 or at > len(numbers):
                raise broken_ply(f"A list of '{element.name}' is not as long as it says")
    if at != len(numbers):
        raise broken_ply(f"A row of '{element.name}' has more numbers than declared")
    columns: dict[str, Column] = {}
    lists: dict[str, tuple[npt.NDArray[np.int64], Column]] = {}
    for column, item in enumerate(element.properties):
        sizes = np.array(lengths[column], dtype=np.int64)
        within = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        values = _typed(numbers[np.repeat(np.array(begins[column], dtype=np.int64), sizes) + within], item)
        if item.size_kind:
            lists[item.name] = (sizes, values)
        else:
            columns[item.name] = values
    return PlyBlock(rows, columns, lists)


def _typed(values: npt.NDArray[np.float64], item: PlyProperty) -> Column:
    """Numbers of a text in the type that the header declares; real ones stay float64 as written."""
    if item.kind[0] == "f":
        return values
    kind = np.dtype(item.kind)
    bounds = np.iinfo(kind)
    if not np.all((values >= bounds.min) & (values <= bounds.max) & (values == np.floor(values))):
        raise broken_ply(f"A value of '{item.name}' does not fit its declared type")
    return values.astype(kind)


def _numbers(text: bytes) -> npt.NDArray[np.float64]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return np.fromstring(text, dtype=np.float64, sep=" ") if text.strip() else np.empty(0)
    except (ValueError, DeprecationWarning) as error:
        raise broken_ply("A word stands where a number must be") from error


def _short(element: PlyElement) -> InvalidInput:
    return broken_ply(f"The PLY file ends before its {element.count} rows of '{element.name}' do")
