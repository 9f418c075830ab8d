"""PLY, text and binary of either byte order: its header, and the vertices block by block.

Scans and CAD share the header.  The vertices are read here for scans; CAD reads every row, lists included,
in ``appliance.cad.ply_elements``.  Vertices are fixed rows; elements before them are skipped where their
size is known.  A file that ends before its last vertex is refused, in the header where that can be seen.

Source: G. Turk, The PLY polygon file format, 1994.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from appliance.errors import InvalidInput
from appliance.foreign.numbers import line_blocks, rows_of

_TYPES: Final = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2",
    "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "float": "f4", "float32": "f4",
    "double": "f8", "float64": "f8",
}  # fmt: skip
_ORDERS: Final = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
_LINE_BYTES: Final = 1 << 16
_HEADER_LINES: Final = 10_000
_BLOCK_ROWS: Final = 1 << 17
#: The shortest row of text: a digit and the end of the line.
_SHORTEST_LINE_BYTES: Final = 2
_AGAIN: Final = "The file is damaged or cut: copy or export it again."


@dataclass(frozen=True)
class PlyProperty:
    """``kind`` is a numpy type code without byte order; ``size_kind`` is that of a list's length, else empty."""

    name: str
    kind: str
    size_kind: str = ""


@dataclass(frozen=True)
class PlyElement:
    """One kind of rows: its name, their number, and what each row holds."""

    name: str
    count: int
    properties: tuple[PlyProperty, ...]

    @property
    def has_lists(self) -> bool:
        """Whether rows differ in length."""
        return any(item.size_kind for item in self.properties)

    def kind_of(self, name: str) -> str:
        """Type code of a property, empty where there is none of that name."""
        return next((item.kind for item in self.properties if item.name == name), "")


@dataclass(frozen=True)
class PlyHeader:
    """What a PLY file says about itself; ``order`` is '' for text, else numpy's sign of the byte order."""

    order: str
    elements: tuple[PlyElement, ...]

    def row_type(self, element: PlyElement) -> np.dtype[Any]:
        """The binary row of an element without lists."""
        return np.dtype([(item.name, self.order + item.kind) for item in element.properties])


def read_header(file: IO[bytes]) -> PlyHeader:
    """Read the header; the file then stands at its first row.

    Raises
    ------
    InvalidInput : no PLY header, or a declaration that makes no sense
    """
    if file.readline(_LINE_BYTES).rstrip() != b"ply":
        raise broken_ply("The file does not begin as a PLY file")
    order: str | None = None
    elements: list[PlyElement] = []
    for line in islice(iter(lambda: file.readline(_LINE_BYTES), b""), _HEADER_LINES):
        words = line.decode("utf-8", "replace").split()
        match words:
            case ["end_header"] if order is not None:
                return PlyHeader(order, _checked(elements))
            case ["format", name, _] if order is None and name in _ORDERS:
                order = _ORDERS[name]
            case ["element", name, count] if count.isascii() and count.isdigit() and len(count) < 16:
                elements.append(PlyElement(name, int(count), ()))
            case ["property", *rest] if elements:
                last = elements[-1]
                elements[-1] = PlyElement(last.name, last.count, (*last.properties, _property(rest)))
            case [] | ["comment" | "obj_info", *_]:
                continue
            case _:
                raise broken_ply(f"The line '{' '.join(words)[:60]}' of the PLY header makes no sense")
    raise broken_ply("The PLY header has no end")


def _property(words: list[str]) -> PlyProperty:
    match words:
        case ["list", size, kind, name] if size in _TYPES and kind in _TYPES and _TYPES[size][0] != "f":
            return PlyProperty(name, _TYPES[kind], _TYPES[size])
        case [kind, name] if kind in _TYPES:
            return PlyProperty(name, _TYPES[kind])
    raise broken_ply(f"The property '{' '.join(words)[:60]}' of the PLY header makes no sense")


def _checked(elements: list[PlyElement]) -> tuple[PlyElement, ...]:
    for element in elements:
        names = [item.name for item in element.properties]
        if len(set(names)) != len(names):
            raise broken_ply(f"The element '{element.name}' of the PLY header declares a property twice")
        if element.count and not names:
            raise broken_ply(f"The element '{element.name}' of the PLY header has rows without properties")
    if len({element.name for element in elements}) != len(elements):
        raise broken_ply("The PLY header declares an element twice")
    return tuple(elements)


def vertex_element(header: PlyHeader) -> PlyElement:
    """The element ``vertex``.

    Raises
    ------
    InvalidInput : there is none, it holds lists, or rows of unknown size stand before it
    """
    before = list(takewhile(lambda element: element.name != "vertex", header.elements))
    if len(before) == len(header.elements):
        raise broken_ply("The PLY file has no vertices")
    vertex = header.elements[len(before)]
    if vertex.has_lists or any(element.has_lists for element in before):
        raise broken_ply("The PLY file has lists in or before its vertices")
    if not {"x", "y", "z"} <= {item.name for item in vertex.properties}:
        raise broken_ply("The PLY file has vertices without x, y and z")
    return vertex


def vertex_blocks(file: IO[bytes], header: PlyHeader, file_bytes: int) -> Iterator[dict[str, npt.NDArray[Any]]]:
    """The vertices by property, in blocks; the file stands where the header ended.

    Raises
    ------
    InvalidInput : the file ends before its last vertex, or a row is not by the header
    """
    vertex = vertex_element(header)
    before = list(takewhile(lambda element: element is not vertex, header.elements))
    room = file_bytes - file.tell()
    if header.order:
        skipped = sum(element.count * header.row_type(element).itemsize for element in before)
        if skipped + vertex.count * header.row_type(vertex).itemsize > room:
            raise broken_ply(f"The PLY file states {vertex.count} vertices and is too short for them")
        file.seek(skipped, 1)
        yield from _binary_blocks(file, header.row_type(vertex), vertex.count)
    else:
        skipped = sum(element.count for element in before)
        if (skipped + vertex.count) * _SHORTEST_LINE_BYTES > room + 1:
            raise broken_ply(f"The PLY file states {vertex.count} vertices and is too short for them")
        yield from _text_blocks(file, vertex, skipped)


def _binary_blocks(file: IO[bytes], row: np.dtype[Any], count: int) -> Iterator[dict[str, npt.NDArray[Any]]]:
    for start in range(0, count, _BLOCK_ROWS):
        rows = min(_BLOCK_ROWS, count - start)
        data = file.read(rows * row.itemsize)
        if len(data) < rows * row.itemsize:
            raise broken_ply("The PLY file ends within its vertices")
        block = np.frombuffer(data, row)
        yield {name: block[name] for name in row.names or ()}


def _text_blocks(file: IO[bytes], vertex: PlyElement, skip: int) -> Iterator[dict[str, npt.NDArray[Any]]]:
    for _ in range(skip):
        file.readline(_LINE_BYTES)
    left = vertex.count
    for block in line_blocks(file):
        if not left:
            return
        if block.count(b"\n") > left:  # what follows the last vertex is not for us
            filled = [line for line in block.split(b"\n") if line.strip()]
            block = b"\n".join(filled[:left]) + b"\n"
        rows = rows_of(block, len(vertex.properties))
        left -= len(rows)
        yield {item.name: rows[:, at] for at, item in enumerate(vertex.properties)}
    if left:
        raise broken_ply(f"The PLY file ends {left} vertices too early")


def broken_ply(what: str) -> InvalidInput:
    """The refusal of a PLY file, by what is wrong with it."""
    return InvalidInput("ply.structure", f"{what}.", _AGAIN)
