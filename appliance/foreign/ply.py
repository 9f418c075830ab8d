"""PLY, text and binary of either byte order: its header, and the vertices block by block.

Scans and CAD share the format.  Vertices are fixed rows; elements before them are skipped where their
size is known.  A file that ends before its last vertex is refused, in the header where that can be seen.

Source: G. Turk, The PLY polygon file format, 1994.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
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
_HEADER_BYTES: Final = 1 << 16
_HEADER_LINES: Final = 1000
_BLOCK_ROWS: Final = 1 << 17
#: The shortest row of text: a digit and the end of the line.
_SHORTEST_LINE_BYTES: Final = 2
_AGAIN: Final = "The file is damaged or cut: copy or export it again."


@dataclass(frozen=True)
class Element:
    """One kind of rows; a property of type '' is a list, whose rows have no fixed size."""

    name: str
    count: int
    properties: tuple[tuple[str, str], ...]

    @property
    def has_lists(self) -> bool:
        return any(not kind for _, kind in self.properties)


@dataclass(frozen=True)
class PlyHeader:
    """What a PLY file says about itself; ``order`` is '' for text, else numpy's sign of the byte order."""

    order: str
    elements: tuple[Element, ...]

    def row_type(self, element: Element) -> np.dtype[Any]:
        """The binary row of an element without lists."""
        return np.dtype([(name, self.order + kind) for name, kind in element.properties])


def read_header(file: IO[bytes]) -> PlyHeader:
    """Read the header; the file then stands at its first row.

    Raises
    ------
    InvalidInput : no PLY header, a type that is not one, a property twice
    """
    lines = _header_lines(file)
    if lines[0] != ["ply"] or len(lines) < 2 or lines[1][0] != "format" or lines[1][1:2] == []:
        raise _bad("The file does not begin as a PLY file")
    order = _ORDERS.get(lines[1][1])
    if order is None:
        raise _bad(f"The PLY form '{lines[1][1]}' is not known")
    elements: list[Element] = []
    for words in lines[2:]:
        if words[0] in ("comment", "obj_info"):
            continue
        if words[0] == "element" and len(words) == 3 and words[2].isdecimal():
            elements.append(Element(words[1], int(words[2]), ()))
        elif words[0] == "property" and elements:
            elements[-1] = _with_property(elements[-1], words)
        else:
            raise _bad("A line of the PLY header is not understood")
    return PlyHeader(order, tuple(elements))


def _header_lines(file: IO[bytes]) -> list[list[str]]:
    lines: list[list[str]] = []
    for _ in range(_HEADER_LINES):
        line = file.readline(_HEADER_BYTES)
        words = line.decode("utf-8", "replace").split()
        if words == ["end_header"]:
            if lines:
                return lines
            break
        if not line.endswith(b"\n"):
            break
        if words:
            lines.append(words)
    raise _bad("The PLY header has no end")


def _with_property(element: Element, words: list[str]) -> Element:
    if len(words) == 5 and words[1] == "list" and words[2] in _TYPES and words[3] in _TYPES:
        name, kind = words[4], ""
    elif len(words) == 3 and words[1] in _TYPES:
        name, kind = words[2], _TYPES[words[1]]
    else:
        raise _bad("A property of the PLY header has no known type")
    if any(name == other for other, _ in element.properties):
        raise _bad(f"The PLY header names the property '{name}' twice")
    return Element(element.name, element.count, (*element.properties, (name, kind)))


def vertex_element(header: PlyHeader) -> Element:
    """The element ``vertex``.

    Raises
    ------
    InvalidInput : there is none, it holds lists, or rows of unknown size stand before it
    """
    before = list(takewhile(lambda element: element.name != "vertex", header.elements))
    if len(before) == len(header.elements):
        raise _bad("The PLY file has no vertices")
    vertex = header.elements[len(before)]
    if vertex.has_lists or any(element.has_lists for element in before):
        raise _bad("The PLY file has lists in or before its vertices")
    if not {"x", "y", "z"} <= {name for name, _ in vertex.properties}:
        raise _bad("The PLY file has vertices without x, y and z")
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
            raise _bad(f"The PLY file states {vertex.count} vertices and is too short for them")
        file.seek(skipped, 1)
        yield from _binary_blocks(file, header.row_type(vertex), vertex.count)
    else:
        skipped = sum(element.count for element in before)
        if (skipped + vertex.count) * _SHORTEST_LINE_BYTES > room + 1:
            raise _bad(f"The PLY file states {vertex.count} vertices and is too short for them")
        yield from _text_blocks(file, vertex, skipped)


def _binary_blocks(file: IO[bytes], row: np.dtype[Any], count: int) -> Iterator[dict[str, npt.NDArray[Any]]]:
    for start in range(0, count, _BLOCK_ROWS):
        rows = min(_BLOCK_ROWS, count - start)
        data = file.read(rows * row.itemsize)
        if len(data) < rows * row.itemsize:
            raise _bad("The PLY file ends within its vertices")
        block = np.frombuffer(data, row)
        yield {name: block[name] for name in row.names or ()}


def _text_blocks(file: IO[bytes], vertex: Element, skip: int) -> Iterator[dict[str, npt.NDArray[Any]]]:
    for _ in range(skip):
        file.readline(_HEADER_BYTES)
    left = vertex.count
    for block in line_blocks(file):
        if not left:
            return
        if block.count(b"\n") > left:  # what follows the last vertex is not for us
            filled = [line for line in block.split(b"\n") if line.strip()]
            block = b"\n".join(filled[:left]) + b"\n"
        rows = rows_of(block, len(vertex.properties))
        left -= len(rows)
        yield {name: rows[:, at] for at, (name, _) in enumerate(vertex.properties)}
    if left:
        raise _bad(f"The PLY file ends {left} vertices too early")


def _bad(what: str) -> InvalidInput:
    return InvalidInput("ply.structure", f"{what}.", _AGAIN)
