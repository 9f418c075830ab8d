"""STL, binary and text: triangles without shared vertices, in single precision, without a unit.

A file is binary if its length is the one that its triangle count demands; many exporters begin
binary files with the word ``solid``.  Text is read by its grammar: a facet that lacks a number, a
vertex or a closing word is refused, never skipped.  The facet normals of the file are not used:
the order of the vertices says which side is outside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.cad.raw import RawMesh, float32_resolution, no_faces
from appliance.cad.text import numbers_of, token_starts
from appliance.core.files import unreadable
from appliance.errors import InvalidInput

_HEADER_BYTES: Final = 84
_RECORD: Final = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_BLOCK_BYTES: Final = 16 << 20
_END: Final = re.compile(rb"endfacet", re.IGNORECASE)
#: Words of the grammar and the mark that stands for each; long words first.
_MARKS: Final = ((b"endfacet", b" E "), (b"endloop", b" L "), (b"vertex", b" V "), (b"outer", b" "), (b"loop", b" O "))
_FACET: Final = np.frombuffer(b"FnnnOVnnnVnnnVnnnLE", dtype=np.uint8)
_NUMBER: Final = ord("n")


def parse_stl(path: Path) -> RawMesh:
    """Read an STL file of either form.

    Raises
    ------
    InvalidInput : cut off, longer than its count says, or not by the grammar of the text form
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    if len(data) >= _HEADER_BYTES and len(data) == _HEADER_BYTES + _RECORD.itemsize * _count(data):
        return _binary(data)
    if data.lstrip()[:5].lower() == b"solid":
        return _text(data)
    raise _not_stl(data)


def _count(data: bytes) -> int:
    return int.from_bytes(data[80:_HEADER_BYTES], "little")


def _not_stl(data: bytes) -> InvalidInput:
    if len(data) < _HEADER_BYTES:
        return InvalidInput("cad.stl.short", f"The STL file has {len(data)} bytes, too few for a header.")
    found = (len(data) - _HEADER_BYTES) / _RECORD.itemsize
    message = f"The STL file announces {_count(data)} triangles and holds {found:.1f}."
    return InvalidInput("cad.stl.length", message, "The file is cut off or damaged: export it again.")


def _binary(data: bytes) -> RawMesh:
    corners = np.frombuffer(data, dtype=_RECORD, offset=_HEADER_BYTES)["corners"]
    return _soup(corners.reshape(-1, 3).astype(np.float64), no_faces(len(corners)), {})


def _text(data: bytes) -> RawMesh:
    """The text form; each ``solid`` is a face of its name."""
    marks = list(_solid_lines(data))
    ends = [start for start, _, _ in marks[1:]] + [len(data)]
    parts: list[npt.NDArray[np.float64]] = [np.empty((0, 3))]
    labels: list[npt.NDArray[np.int32]] = [no_faces(0)]
    names: dict[int, str] = {}
    for place, ((_, stop, closing), end) in enumerate(zip(marks, ends, strict=True)):
        if closing != bool(place % 2):
            raise _grammar("'solid' and 'endsolid' do not alternate")
        body = data[stop:end]
        if closing:
            if body.strip():
                raise _grammar("there is text after 'endsolid'")
            continue
        names[place // 2] = _solid_name(data[marks[place][0] : stop])
        corners = np.concatenate([np.empty((0, 3)), *map(_corners, _blocks(body))])
        parts.append(corners)
        labels.append(np.full(len(corners) // 3, place // 2, dtype=np.int32))
    if len(marks) % 2:
        raise _grammar("'endsolid' is missing: the file is cut off")
    named = {face: name for face, name in names.items() if name}
    return _soup(np.concatenate(parts), np.concatenate(labels), named)


def _solid_lines(data: bytes) -> Iterator[tuple[int, int, bool]]:
    """Start, end and kind (closing or not) of every line that begins with ``solid`` or ``endsolid``."""
    lower = data.lower()
    found = lower.find(b"solid")
    while found >= 0:
        start = max(lower.rfind(b"\n", 0, found), lower.rfind(b"\r", 0, found)) + 1
        before = lower[start:found].split()
        stop = min((end for end in (lower.find(b"\n", found), lower.find(b"\r", found)) if end >= 0), default=len(data))
        if before in ([], [b"end"]):
            yield start, stop, bool(before)
        found = lower.find(b"solid", stop)


def _solid_name(line: bytes) -> str:
    return line.strip()[len(b"solid") :].strip().decode("utf-8", "replace")


def _blocks(body: bytes) -> Iterator[bytes]:
    """Pieces of about 16 MiB that end where a facet ends."""
    start = 0
    while start < len(body):
        stop = len(body)
        if stop - start > _BLOCK_BYTES and (end := _END.search(body, start + _BLOCK_BYTES)):
            stop = end.end()
        yield body[start:stop]
        start = stop


def _corners(block: bytes) -> npt.NDArray[np.float64]:
    """Corners (3 k, 3) of the k facets of a block, after its grammar was checked token by token."""
    text = block.lower()
    for word, mark in _MARKS:
        text = text.replace(word, mark)
    text = text.replace(b"facet", b" F ").replace(b"normal", b" ")
    codes = np.frombuffer(text, dtype=np.uint8)
    first = codes[token_starts(codes)]
    kinds = np.where((first >= ord("A")) & (first <= ord("Z")), first, _NUMBER)
    facets, rest = divmod(len(kinds), len(_FACET))
    if rest or not np.array_equal(kinds.reshape(facets, len(_FACET)), np.broadcast_to(_FACET, (facets, len(_FACET)))):
        raise _grammar("a facet is not 'facet normal, outer loop, three vertices, endloop, endfacet'")
    numbers = numbers_of(text.translate(_MARKS_TO_SPACES), "cad.stl.number")
    if len(numbers) != 12 * facets:
        raise _grammar("a coordinate is not a number")
    return numbers.reshape(facets, 4, 3)[:, 1:].reshape(-1, 3)


_MARKS_TO_SPACES: Final = bytes.maketrans(b"FOVLE", b"     ")


def _soup(corners: npt.NDArray[np.float64], faces: npt.NDArray[np.int32], names: dict[int, str]) -> RawMesh:
    triangles = np.arange(len(corners), dtype=np.int32).reshape(-1, 3)
    return RawMesh(corners, triangles, faces, names, _zones(names), resolution=float32_resolution(corners))


def _zones(names: dict[int, str]) -> dict[str, list[int]]:
    """Zones only where names tell parts apart: the single solid of a file is the whole of it."""
    zones: dict[str, list[int]] = {}
    for face, name in names.items():
        zones.setdefault(name, []).append(face)
    return zones if len(names) > 1 else {}


def _grammar(what: str) -> InvalidInput:
    return InvalidInput("cad.stl.grammar", f"This is not a whole STL text: {what}.", "Export the model again.")
