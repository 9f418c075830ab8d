"""LAS, LAZ and COPC: scaled integers, read in blocks by laspy.

The header is held against the file before the library sees it: the library believes counts, and a
wrong one keeps it busy for hours.  Only this module and the exporters import ``laspy``.

Source: ASPRS LAS 1.4 R15, clauses 2.4 to 2.6.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import laspy
import lazrs
import numpy as np
import numpy.typing as npt

from appliance.core.files import unreadable
from appliance.core.units import mm_per_unit
from appliance.errors import InvalidInput
from appliance.foreign.sink import Sink
from appliance.scans.collector import BLOCK_POINTS, Collector

#: Smallest header of each minor version, bytes.
_HEADER_BYTES: Final = {0: 227, 1: 227, 2: 227, 3: 235, 4: 375, 5: 393}
_VLR_BYTES: Final = 54
_COMPRESSED_BIT: Final = 0x80
_COPC_BIT: Final = 0x40
_LAST_POINT_FORMAT: Final = 10
#: Points that one byte of LAZ may hold: the coder ends near 0.01 bit a symbol on constant columns.
_LAZ_POINTS_PER_BYTE: Final = 100
_AGAIN: Final = "The file is damaged or cut: copy or export it again."


@dataclass(frozen=True)
class _Header:
    """What the first bytes of a LAS file promise."""

    version: str
    compressed: bool
    point_count: int
    point_bytes: int
    data_offset: int


def parse(path: Path, options: Mapping[str, Any], sink: Sink) -> dict[str, Any]:
    """Read all points of a file that are not marked as withheld.

    Raises
    ------
    InvalidInput : header and file contradict each other, data ends early, or there is no point
    """
    header, size = _verified_header(path)
    unit = options.get("unit") or "mm"
    points = Collector(sink, mm_per_unit(unit), min(header.point_count, 2 * size))
    points.begin_station(path.stem)
    try:
        with laspy.open(path, read_evlrs=False) as reader:
            form = reader.header.point_format
            for block in _blocks(reader, header, sink):
                _add(points, sink, block, reader.header)
    except (laspy.errors.LaspyException, lazrs.LazrsError, OSError, ValueError, struct.error, KeyError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise InvalidInput("scan.las.structure", f"The LAS file cannot be read: {reason}.", _AGAIN) from error
    _narrow_colours(sink)
    name = "LAZ" if header.compressed else "LAS"
    return points.summary(name, {"unit": unit, "version": header.version, "point_format": int(form.id)})


def _verified_header(path: Path) -> tuple[_Header, int]:
    try:
        with path.open("rb") as file:
            head = file.read(max(_HEADER_BYTES.values()))
            size = path.stat().st_size
    except OSError as error:
        raise unreadable(path, error) from error
    if len(head) < _HEADER_BYTES[0] or not head.startswith(b"LASF"):
        raise InvalidInput("scan.las.header", "The file does not begin as a LAS file.", _AGAIN)
    major, minor = head[24], head[25]
    smallest = _HEADER_BYTES.get(minor) if major == 1 else None
    if smallest is None or len(head) < smallest:
        raise InvalidInput("scan.las.version", f"LAS version {major}.{minor} is not known.", "Export it as LAS 1.4.")
    header_bytes, offset, records = struct.unpack_from("<HII", head, 94)
    form, point_bytes, count = struct.unpack_from("<BHI", head, 104)
    if minor >= 4:
        count = struct.unpack_from("<Q", head, 247)[0]
    if not smallest <= header_bytes <= offset <= size or records * _VLR_BYTES > offset - header_bytes:
        message = f"The header of {header_bytes} bytes and {records} records does not fit before the points."
        raise InvalidInput("scan.las.header", message, _AGAIN)
    if form & ~(_COMPRESSED_BIT | _COPC_BIT) > _LAST_POINT_FORMAT:
        raise InvalidInput("scan.las.format", f"Point format {form} is not known.", "Export it as LAS 1.4.")
    _verify_scales(struct.unpack_from("<6d", head, 131))
    header = _Header(f"{major}.{minor}", bool(form & _COMPRESSED_BIT), count, point_bytes, offset)
    _verify_count(header, size)
    return header, size


def _verify_scales(numbers: tuple[float, ...]) -> None:
    if not np.isfinite(numbers).all() or min(numbers[:3]) <= 0:
        raise InvalidInput("scan.las.scale", "The scales or offsets of the coordinates are not numbers.", _AGAIN)


def _verify_count(header: _Header, size: int) -> None:
    room = size - header.data_offset
    most = room * _LAZ_POINTS_PER_BYTE if header.compressed else room // max(1, header.point_bytes)
    if header.point_count > most:
        message = f"The header states {header.point_count} points; the file can hold {most}."
        raise InvalidInput("scan.las.count", message, _AGAIN)


def _blocks(reader: Any, header: _Header, sink: Sink) -> Iterator[Any]:
    done = 0
    while done < header.point_count:
        block = reader.read_points(BLOCK_POINTS)
        if len(block) != min(BLOCK_POINTS, header.point_count - done):
            raise InvalidInput("scan.las.count", f"The points end after {done + len(block)}.", _AGAIN)
        yield block
        done += len(block)
        sink.progress(done / header.point_count)


def _add(points: Collector, sink: Sink, block: Any, header: Any) -> None:
    axes = (np.asarray(block[name]) * header.scales[at] + header.offsets[at] for at, name in enumerate("XYZ"))
    valid = np.asarray(block["withheld"]) == 0
    x, y, z = axes
    points.add(x, y, z, valid=valid, intensity=np.asarray(block["intensity"]))
    if "red" in header.point_format.dimension_names:
        colours = np.stack([np.asarray(block[name]) for name in ("red", "green", "blue")], axis=1)
        sink.append("wide", colours[valid & np.isfinite(x + y + z)])


def _narrow_colours(sink: Sink) -> None:
    """Colours to 8 bits: the standard scales them to 16, some writers leave them at 8."""
    if "wide" not in sink.columns:
        return
    wide: npt.NDArray[np.uint16] = sink.columns.pop("wide").filled
    shift = 8 if len(wide) and wide.max() > 255 else 0
    narrow = sink.column("rgb", np.uint8, (3,), len(wide))
    for start in range(0, len(wide), BLOCK_POINTS):
        narrow.append(wide[start : start + BLOCK_POINTS] >> shift)
