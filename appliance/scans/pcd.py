"""PCD of the Point Cloud Library: text, binary, and binary with compressed columns.

Points without finite coordinates are that format's way to say "nothing measured" and count as
invalid.  ``VIEWPOINT`` says where the sensor was; the points stand in the file's frame already.

Source: The PCD file format 0.7, pointclouds.org documentation.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from appliance.core.files import unreadable
from appliance.core.units import mm_per_unit
from appliance.errors import InvalidInput
from appliance.foreign.numbers import line_blocks, rows_of
from appliance.foreign.sink import Sink
from appliance.scans.collector import BLOCK_POINTS, Collector
from appliance.scans.fields import Columns, has_coordinates

Array = npt.NDArray[Any]

_KINDS: Final = {"F": "f", "I": "i", "U": "u"}
_WIDTHS: Final = {"F": (4, 8), "I": (1, 2, 4, 8), "U": (1, 2, 4, 8)}
_HEADER_LINES: Final = 100
_LINE_BYTES: Final = 1 << 16
#: The most that LZF can do: 264 bytes from 3.
_LZF_BYTES_PER_BYTE: Final = 88
_UNSTATED: Final = (0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)
_AGAIN: Final = "The file is damaged or cut: copy or export it again."


@dataclass(frozen=True)
class _Header:
    row: np.dtype[Any]
    count: int
    data: str
    viewpoint: tuple[float, ...]


def parse(path: Path, options: Mapping[str, Any], sink: Sink) -> dict[str, Any]:
    """Read all finite points with their colours, normals and intensity.

    Raises
    ------
    InvalidInput : header or data are broken, or there is no finite point
    """
    unit = options.get("unit") or "mm"
    try:
        with path.open("rb") as file:
            header = _read_header(file)
            room = path.stat().st_size - file.tell()
            points = Collector(sink, mm_per_unit(unit), min(header.count, room))
            columns = Columns(points)
            points.begin_station(path.stem, position=_sensor(header.viewpoint))
            for block in _blocks(file, header, room):
                columns.add(block)
                sink.progress(points.record_count / header.count)
    except OSError as error:
        raise unreadable(path, error) from error
    return points.summary("PCD", {"unit": unit})


def _read_header(file: IO[bytes]) -> _Header:
    words: dict[str, list[str]] = {}
    for _ in range(_HEADER_LINES):
        line = file.readline(_LINE_BYTES).decode("utf-8", "replace").split()
        if line and not line[0].startswith("#"):
            words[line[0].upper()] = line[1:]
            if line[0].upper() == "DATA":
                break
    try:
        names, sizes, kinds = words["FIELDS"], list(map(int, words["SIZE"])), words["TYPE"]
        counts = list(map(int, words.get("COUNT", ["1"] * len(names))))
        area = int(words["WIDTH"][0]) * int(words["HEIGHT"][0])
        count = int(words["POINTS"][0]) if "POINTS" in words else area
        viewpoint = tuple(map(float, words.get("VIEWPOINT", _UNSTATED)))
        data = words["DATA"][0].lower()
    except (KeyError, IndexError, ValueError) as error:
        raise _bad("The PCD header is not complete") from error
    if count != area or count < 0 or len(viewpoint) != len(_UNSTATED):
        raise _bad("The PCD header contradicts itself")
    return _Header(_row(names, sizes, kinds, counts), count, data, viewpoint)


def _row(names: list[str], sizes: list[int], kinds: list[str], counts: list[int]) -> np.dtype[Any]:
    if not len(names) == len(sizes) == len(kinds) == len(counts) or not has_coordinates(names):
        raise _bad("The PCD header does not describe points with x, y and z")
    fields: list[tuple[str, str, tuple[int, ...]]] = []
    for at, (name, size, kind, count) in enumerate(zip(names, sizes, kinds, counts, strict=True)):
        if size not in _WIDTHS.get(kind, ()) or not 1 <= count <= _LINE_BYTES:
            raise _bad(f"The PCD field '{name}' has no known type")
        unique = f"_{at}" if name == "_" else name
        fields.append((unique, f"<{_KINDS[kind]}{size}", (count,) if count > 1 else ()))
    if len({name.lower() for name, _, _ in fields}) != len(fields):
        raise _bad("The PCD header names a field twice")
    return np.dtype(fields)


def _sensor(viewpoint: tuple[float, ...]) -> Array | None:
    """The place of the sensor, where the header states one; it does not move the points."""
    if viewpoint == _UNSTATED:
        return None
    if not all(map(math.isfinite, viewpoint)):
        raise _bad("The viewpoint of the PCD header is not a place")
    return np.array(viewpoint[:3])


def _blocks(file: IO[bytes], header: _Header, room: int) -> Iterator[dict[str, Array]]:
    if header.data == "ascii":
        return _text_blocks(file, header)
    if header.data == "binary":
        return _binary_blocks(file, header, room)
    if header.data == "binary_compressed":
        return _compressed_blocks(file, header, room)
    raise _bad(f"The PCD form '{header.data}' is not known")


def _text_blocks(file: IO[bytes], header: _Header) -> Iterator[dict[str, Array]]:
    names = [name for name in header.row.names or () for _ in range(math.prod(header.row[name].shape))]
    done = 0
    for text in line_blocks(file):
        rows = rows_of(text, len(names))
        done += len(rows)
        if done > header.count:
            break
        block = {name: rows[:, at] for at, name in reversed(list(enumerate(names)))}
        yield {name: _stored(values, header.row[name].base) for name, values in block.items()}
    if done != header.count:
        raise _bad(f"The PCD file states {header.count} points and holds {done}")


def _stored(values: Array, kind: np.dtype[Any]) -> Array:
    """Packed colours are told apart by their width, so 4-byte columns of text get theirs back."""
    if kind.kind == "f" or not np.isfinite(values).all():
        return values.astype(kind) if kind.itemsize == 4 else values
    limits = np.iinfo(kind)
    return values.clip(limits.min, limits.max).astype(kind) if kind.itemsize < 8 else values


def _binary_blocks(file: IO[bytes], header: _Header, room: int) -> Iterator[dict[str, Array]]:
    if header.count * header.row.itemsize > room:
        raise _bad(f"The PCD file states {header.count} points and is too short for them")
    for start in range(0, header.count, BLOCK_POINTS):
        rows = min(BLOCK_POINTS, header.count - start)
        block = np.frombuffer(file.read(rows * header.row.itemsize), header.row)
        yield {name: block[name] for name in header.row.names or ()}


def _compressed_blocks(file: IO[bytes], header: _Header, room: int) -> Iterator[dict[str, Array]]:
    from appliance.scans.lzf import decompress

    sizes = file.read(8)
    if len(sizes) < 8:
        raise _bad("The PCD file ends before its data")
    packed_bytes, full_bytes = struct.unpack("<II", sizes)
    fits = packed_bytes <= room - 8 and full_bytes <= packed_bytes * _LZF_BYTES_PER_BYTE
    if not fits or full_bytes != header.count * header.row.itemsize:
        raise _bad("The PCD header and the size of its data contradict each other")
    out = np.empty(full_bytes, np.uint8)
    if not decompress(np.frombuffer(file.read(packed_bytes), np.uint8), out):
        raise _bad("The compressed data of the PCD file are broken")
    columns: dict[str, Array] = {}
    start = 0
    for name in header.row.names or ():
        size = header.row[name].itemsize * header.count
        columns[name] = out[start : start + size].view(header.row[name].base)
        start += size
    scalar = {name: column for name, column in columns.items() if len(column) == header.count}
    for first in range(0, header.count, BLOCK_POINTS):
        yield {name: column[first : first + BLOCK_POINTS] for name, column in scalar.items()}


def _bad(what: str) -> InvalidInput:
    return InvalidInput("scan.pcd.structure", f"{what}.", _AGAIN)
