"""Points of an E57 file, block by block, through libE57's streaming reader.

All scans of a file are read, their poses applied.  The number of points that arrive must be the one
that the scan states, and its data must not hold more.  Fields of unknown extensions are left out and
named in a warning.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pye57 import libe57

from appliance.core.units import mm_per_unit
from appliance.errors import InvalidInput
from appliance.foreign.sink import Sink
from appliance.scans.collector import BLOCK_POINTS, Collector
from appliance.scans.e57.declarations import refuse_declarations
from appliance.scans.e57.packets import verify_counts
from appliance.scans.e57.pages import verify_pages
from appliance.scans.e57.scans import CARTESIAN, COLOUR, NORMAL, SPHERICAL, Field, ScanNode, scans_of

Array = npt.NDArray[Any]

#: Share of the time that checking the pages takes.
_CHECKING: Final = 0.1
_DAMAGED: Final = "The file is damaged or was written by a faulty program: export it again."
#: Values above this in a colour limit mean "not stated".
_NO_LIMIT: Final = 1e30


def parse(path: Path, options: Mapping[str, Any], sink: Sink) -> dict[str, Any]:
    """Read all valid points of all scans of a file.

    Raises
    ------
    InvalidInput : a checksum, a count, a value or the structure is wrong; no valid point
    """
    size = verify_pages(path, lambda fraction: sink.progress(_CHECKING * fraction))
    refuse_declarations(path)
    try:
        image = libe57.ImageFile(str(path), "r", libe57.CHECKSUM_POLICY_NONE)
        try:
            scans = scans_of(image, size)
            verify_counts(path, scans)
            return _read(image, scans, options.get("unit") or "m", sink)
        finally:
            image.close()
    except (libe57.E57Exception, RuntimeError, ValueError, IndexError, UnicodeError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
        raise InvalidInput("scan.e57.structure", f"The E57 file cannot be read: {reason}.", _DAMAGED) from error


def _read(image: Any, scans: list[ScanNode], unit: str, sink: Sink) -> dict[str, Any]:
    total = sum(scan.record_count for scan in scans)
    points = Collector(sink, mm_per_unit(unit), total)
    done = 0
    for scan in scans:
        points.begin_station(scan.name, scan.pose)
        if scan.ignored_fields:
            points.warnings.append(f"Fields of '{scan.name}' that were not read: {', '.join(scan.ignored_fields)}.")
        if scan.record_count:
            for count in _Stream(image, scan, points):
                done += count
                sink.progress(_CHECKING + (1 - _CHECKING) * done / total)
    return points.summary("E57", {"unit": unit})


class _Stream:
    """The records of one scan: iterate to move them into the collector, a block at a time."""

    def __init__(self, image: Any, scan: ScanNode, points: Collector) -> None:
        self._scan, self._points = scan, points
        self._axes = next((axes for axes in (CARTESIAN, SPHERICAL) if all(axis in scan.fields for axis in axes)), ())
        if not self._axes:
            raise InvalidInput("scan.e57.fields", f"Scan '{scan.name}' has no coordinates.", _DAMAGED)
        self._state = "cartesianInvalidState" if self._axes is CARTESIAN else "sphericalInvalidState"
        self._colour_range = _colour_range(scan, points)
        self._columns = {name: np.zeros(min(BLOCK_POINTS, scan.record_count), kind) for name, kind in self._wanted()}
        self._buffers = libe57.VectorSourceDestBuffer()
        for name, column in self._columns.items():
            self._buffers.append(libe57.SourceDestBuffer(image, name, column, len(column), True, True))

    def _wanted(self) -> list[tuple[str, str]]:
        fields = self._scan.fields
        wanted = [(name, "f8") for name in self._axes]
        if self._state in fields:
            wanted.append((self._state, "u1"))
        if "intensity" in fields:
            wanted.append(("intensity", "f4" if fields["intensity"].bits <= 32 else "f8"))
        if self._colour_range:
            wanted += [(name, "u1" if self._colour_range == (0.0, 255.0) else "f4") for name in COLOUR]
        if all(name in fields for name in NORMAL):
            wanted += [(name, "f4") for name in NORMAL]
        return wanted

    def __iter__(self) -> Any:
        reader = self._scan.points.reader(self._buffers)
        try:
            streamed = 0
            while count := int(reader.read()):
                streamed += count
                self._move(count)
                yield count
        finally:
            reader.close()
        if streamed != self._scan.record_count:
            message = f"Scan '{self._scan.name}' states {self._scan.record_count} points and holds {streamed}."
            raise InvalidInput("scan.e57.count", message, _DAMAGED)

    def _move(self, count: int) -> None:
        block = {name: column[:count] for name, column in self._columns.items()}
        x, y, z = (block[name] for name in self._axes)
        if self._axes is SPHERICAL:
            x, y, z = _cartesian(x, y, z)
        self._points.add(
            x,
            y,
            z,
            valid=block[self._state] == 0 if self._state in block else None,
            intensity=block.get("intensity"),
            rgb=self._rgb(block) if self._colour_range else None,
            normals=np.stack([block[name] for name in NORMAL], axis=1) if NORMAL[0] in block else None,
        )

    def _rgb(self, block: Mapping[str, Array]) -> npt.NDArray[np.uint8]:
        assert self._colour_range
        values = np.stack([block[name] for name in COLOUR], axis=1)
        if values.dtype == np.uint8:
            return values
        low, high = self._colour_range
        scaled = np.nan_to_num((values - low) * (255.0 / (high - low)))
        return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def _cartesian(distance: Array, azimuth: Array, elevation: Array) -> tuple[Array, Array, Array]:
    """Range, azimuth from x towards y, elevation from the xy plane. Source: ASTM E2807-11, 8.4.4."""
    flat = distance * np.cos(elevation)
    return flat * np.cos(azimuth), flat * np.sin(azimuth), distance * np.sin(elevation)


def _colour_range(scan: ScanNode, points: Collector) -> tuple[float, float] | None:
    """The values of black and of full colour; None where the scan has no colours or does not say."""
    fields: list[Field] = [scan.fields[name] for name in COLOUR if name in scan.fields]
    if len(fields) != len(COLOUR):
        return None
    if not any(field.is_float for field in fields) and all(0 <= field.low <= field.high <= 255 for field in fields):
        return 0.0, 255.0
    for low, high in (scan.colour_limits or (0.0, 0.0), (fields[0].low, fields[0].high)):
        if low < high and max(abs(low), abs(high)) < _NO_LIMIT:
            return float(low), float(high)
    points.warnings.append(f"The colours of '{scan.name}' state no range: they are left out.")
    return None
