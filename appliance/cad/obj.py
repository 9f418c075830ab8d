"""Wavefront OBJ: vertices, polygons, and the objects and groups that gather them into faces.

Every distinct combination of object (``o``) and groups (``g``) is a face.  Lines of materials,
texture and normals are passed over; free-form curves and surfaces are refused, because leaving
them out would leave out surface.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.cad.polygons import split_polygons
from appliance.cad.raw import RawMesh
from appliance.cad.text import integers_of, numbers_of, token_starts
from appliance.core.files import unreadable
from appliance.errors import InvalidInput

_NEWLINE: Final = ord("\n")
_SPACE: Final = ord(" ")
_SLASH: Final = ord("/")
#: Statements that carry surface which is not made of polygons.
_FREE_FORM: Final = (b"curv", b"curv2", b"surf", b"cstype", b"call")
_FREE_FORM_FIRST: Final = tuple({word[0] for word in _FREE_FORM})


@dataclass(frozen=True)
class _Lines:
    """Lines of a text: ``codes`` uint8 (n,), each line from ``start`` to before ``stop``."""

    codes: npt.NDArray[np.uint8]
    start: npt.NDArray[np.intp]
    stop: npt.NDArray[np.intp]

    def of(self, rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
        """The bytes of these lines alone, others blanked, line ends kept as blanks."""
        keep = np.repeat(rows, self.stop - self.start)
        return np.where(keep, self.codes, np.uint8(_SPACE)).astype(np.uint8)


def parse_obj(path: Path) -> RawMesh:
    """Read an OBJ file.

    Raises
    ------
    InvalidInput : a coordinate or an index that is none, a vertex that does not exist, free-form surfaces
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    lines = _split(data.replace(b"\\\r\n", b"  ").replace(b"\\\n", b"  ").replace(b"\r", b"\n"))
    first, second = _statement(lines)
    is_vertex = (first == ord("v")) & (second <= _SPACE)
    is_polygon = (first == ord("f")) & (second <= _SPACE)
    _refuse_free_form(lines, first, second)
    vertices = _vertices(lines, is_vertex)
    corners, sizes = _polygons(lines, is_vertex, is_polygon, len(vertices))
    face, names, zones = _faces(lines, first, second, is_polygon)
    triangles, polygon, notes = split_polygons(vertices, corners, sizes)
    return RawMesh(vertices, triangles, face[polygon], names, zones, notes=notes)


def _split(data: bytes) -> _Lines:
    """Lines with their leading blanks removed; each ``stop`` lies behind the line's end mark."""
    codes = np.frombuffer(data + b"\n", dtype=np.uint8)
    ends = np.flatnonzero(codes == _NEWLINE)
    starts = np.concatenate([[0], ends[:-1] + 1])
    return _Lines(codes, starts, ends + 1)


def _statement(lines: _Lines) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """First byte of each line's first word and the byte after it; blank for empty lines."""
    begins = token_starts(lines.codes)
    at = np.searchsorted(begins, lines.start)
    inside = np.append(begins, len(lines.codes))[at]
    present = inside < lines.stop
    padded = np.append(lines.codes, np.array([_SPACE, _SPACE], dtype=np.uint8))
    first = np.where(present, padded[np.minimum(inside, len(lines.codes))], _SPACE).astype(np.uint8)
    second = np.where(present, padded[np.minimum(inside + 1, len(lines.codes))], _SPACE).astype(np.uint8)
    return first, second


def _words_per_line(text: npt.NDArray[np.uint8], lines: _Lines, rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    begins = token_starts(text)
    counts = np.searchsorted(begins, lines.stop[rows]) - np.searchsorted(begins, lines.start[rows])
    return np.asarray(counts, dtype=np.intp)


def _vertices(lines: _Lines, is_vertex: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """The first three numbers of every ``v`` line (a weight and colours may follow)."""
    text = lines.of(is_vertex)
    text[text == ord("v")] = _SPACE
    words = _words_per_line(text, lines, is_vertex)
    if np.any(words < 3):
        raise InvalidInput("cad.obj.vertex", "A vertex of the OBJ file has fewer than three coordinates.")
    numbers = numbers_of(text.tobytes(), "cad.obj.number")
    if len(numbers) != int(words.sum()):
        raise InvalidInput("cad.obj.number", "A coordinate of the OBJ file is not a number.")
    first = np.cumsum(words) - words
    return np.asarray(numbers[first[:, None] + np.arange(3)])


def _polygons(
    lines: _Lines, is_vertex: npt.NDArray[np.bool_], is_polygon: npt.NDArray[np.bool_], vertex_count: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Vertex of each polygon corner, and the corners of each polygon."""
    text = lines.of(is_polygon)
    text[text == ord("f")] = _SPACE
    sizes = _words_per_line(text, lines, is_polygon)
    if np.any(sizes < 3):
        raise InvalidInput("cad.obj.polygon", "A polygon of the OBJ file has fewer than three corners.")
    numbers = integers_of(_without_texture(text).tobytes(), "cad.obj.index")
    if len(numbers) != int(sizes.sum()):
        raise InvalidInput("cad.obj.index", "A corner of the OBJ file does not begin with a vertex number.")
    seen = np.repeat(np.cumsum(is_vertex)[is_polygon], sizes)
    corners = np.where(numbers < 0, seen + numbers, numbers - 1)
    if np.any((numbers == 0) | (corners < 0) | (corners >= vertex_count)):
        raise InvalidInput("cad.obj.index", f"A polygon names a vertex outside the {vertex_count} of the file.")
    return corners.astype(np.int64), sizes.astype(np.int64)


def _without_texture(text: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """``12/7/3`` becomes ``12``: within a word, everything from the first slash on is blanked."""
    slash = text == _SLASH
    if not slash.any():
        return text
    begins = token_starts(text)
    slashes = np.cumsum(slash, dtype=np.int32)
    before = np.zeros(len(text), dtype=slashes.dtype)
    before[begins] = np.diff(np.concatenate([[0], (slashes - slash)[begins]]))
    return np.where(slashes > np.cumsum(before, dtype=np.int32), np.uint8(_SPACE), text).astype(np.uint8)


def _faces(
    lines: _Lines, first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8], is_polygon: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int32], dict[int, str], dict[str, list[int]]]:
    """Face of each polygon, the names of faces, and the faces of every object and group."""
    switch = np.flatnonzero(((first == ord("o")) | (first == ord("g"))) & (second <= _SPACE))
    if not len(switch):
        return np.full(int(is_polygon.sum()), -1, dtype=np.int32), {}, {}
    states = _states(lines, first, switch)
    state = np.searchsorted(switch, np.flatnonzero(is_polygon), side="right")
    used, face_of_state = np.unique(state, return_inverse=True)
    keys = [states[index] for index in used]
    distinct = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    number = np.array([distinct[key] for key in keys], dtype=np.int32)
    names = {face: " ".join(filter(None, key)) for key, face in distinct.items()}
    zones: dict[str, list[int]] = {}
    for key, face in distinct.items():
        for name in dict.fromkeys(filter(None, key)):
            zones.setdefault(name, []).append(face)
    return number[face_of_state], {face: name for face, name in names.items() if name}, zones


def _states(lines: _Lines, first: npt.NDArray[np.uint8], switch: npt.NDArray[np.intp]) -> list[tuple[str, ...]]:
    """Object and groups in force before the first switch and after each one."""
    item = ""
    groups: tuple[str, ...] = ("",)
    states: list[tuple[str, ...]] = [("",)]
    for row in switch:
        line = lines.codes[lines.start[row] : lines.stop[row]].tobytes().decode("utf-8", "replace")
        words = line.split()[1:]
        if first[row] == ord("o"):
            item = " ".join(words)
        else:
            groups = tuple(words) or ("",)
        states.append((item, *groups))
    return states


def _refuse_free_form(lines: _Lines, first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]) -> None:
    for row in np.flatnonzero(np.isin(first, _FREE_FORM_FIRST) & (second > _SPACE)):
        line = lines.codes[lines.start[row] : lines.stop[row]].tobytes()
        if line.split(None, 1)[0] in _FREE_FORM:
            raise InvalidInput(
                "cad.obj.free_form", "The OBJ file holds free-form surfaces.", "Export it as polygons or as STEP."
            )
