"""Plain tables of points: PTS, XYZ, TXT, CSV.

Columns are told by their names where a first line names them.  Without names their number tells:
3 coordinates, 4 with intensity, 6 with colour or normal, 7 with intensity and colour.  PTS states the
number of points in a line of its own, before each scan.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from appliance.core.files import unreadable
from appliance.core.units import mm_per_unit
from appliance.errors import InvalidInput
from appliance.foreign.numbers import even_rows, line_blocks, rows_of
from appliance.foreign.sink import Sink
from appliance.scans.collector import Collector
from appliance.scans.fields import Columns, has_coordinates

Float64 = npt.NDArray[np.float64]

_XYZ: Final = ("x", "y", "z")
_BY_COUNT: Final = {
    3: _XYZ,
    4: (*_XYZ, "intensity"),
    7: (*_XYZ, "intensity", "red", "green", "blue"),
}
_COLOUR: Final = (*_XYZ, "red", "green", "blue")
_NORMAL: Final = (*_XYZ, "nx", "ny", "nz")
#: How far the length of a normal may be from one.
_UNIT_TOLERANCE: Final = 0.05
_COUNT_LINE: Final = re.compile(rb"^[ \t]*(\d{1,15})[ \t]*\r?$", re.MULTILINE)
_FIRST_LINE_BYTES: Final = 1 << 16
_COMMENTS: Final = (b"#", b"//", b"%")


def parse(path: Path, options: Mapping[str, Any], sink: Sink) -> dict[str, Any]:
    """Read a table of points.

    Raises
    ------
    InvalidInput : a token that is no number, lines of unequal length, or no point
    """
    unit = options.get("unit") or "mm"
    try:
        with path.open("rb") as file:
            size = max(1, path.stat().st_size)
            names = _names(file)
            # The shortest row, "1 2 3", has six bytes.
            table = _Table(Collector(sink, mm_per_unit(unit), size // 32), path.stem, names)
            for block in line_blocks(file):
                table.take(block)
                sink.progress(file.tell() / size)
            return table.finish(unit)
    except OSError as error:
        raise unreadable(path, error) from error


def _names(file: IO[bytes]) -> tuple[str, ...] | None:
    """The column names of a first line that has any; the file then stands after comments and names."""
    while True:
        start = file.tell()
        line = file.readline(_FIRST_LINE_BYTES)
        text = line.strip()
        heading = text.decode("utf-8", "replace").strip("/# ")
        words = [word.strip(' "').lower() for word in re.split(r"[,;\t]" if b"," in text else r"[;\t ]+", heading)]
        if has_coordinates(words):
            return tuple(words)
        if not line or (text and not text.startswith(_COMMENTS)):
            file.seek(start)
            return None


class _Table:
    """The scans of one text file, as their lines come."""

    def __init__(self, points: Collector, name: str, names: tuple[str, ...] | None) -> None:
        self._points = points
        self._columns = Columns(points)
        self._name = name
        self._names = names
        self._scans = 0
        self._left: int | None = None
        self._begin()

    def _begin(self) -> None:
        self._scans += 1
        self._points.begin_station(self._name if self._scans == 1 else f"{self._name} {self._scans}")

    def take(self, block: bytes) -> None:
        rows = even_rows(block)
        if rows is not None and rows.shape[1] > 1:
            self._take_rows(rows)  # no line has a single number, so none states a count
            return
        for section, count in _sections(block):
            if count is not None:
                self._end_section()
                if self._points.record_count:
                    self._begin()
                self._left = count
            self._take_rows(rows_of(section))

    def _take_rows(self, rows: Float64) -> None:
        if self._left is not None:
            self._left -= len(rows)
        if len(rows):
            self._add(rows)

    def _add(self, rows: Float64) -> None:
        if self._names is None:
            self._names = _guessed(rows)
        if rows.shape[1] != len(self._names):
            message = f"A line has {rows.shape[1]} numbers where {len(self._names)} are expected."
            raise InvalidInput("text.columns", message, "Is the file cut?")
        self._columns.add({name: rows[:, at] for at, name in enumerate(self._names)})

    def _end_section(self) -> None:
        if self._left:
            message = f"A scan of the file states {abs(self._left)} points {'more' if self._left > 0 else 'fewer'}"
            raise InvalidInput("scan.text.count", f"{message} than it holds.", "Is the file cut?")

    def finish(self, unit: str) -> dict[str, Any]:
        self._end_section()
        return self._points.summary("text", {"unit": unit, "columns": list(self._names or ())})


def _sections(block: bytes) -> Iterator[tuple[bytes, int | None]]:
    """Rows of numbers, and before some of them the count that a line of its own states."""
    start, count = 0, None
    for line in _COUNT_LINE.finditer(block):
        if count is not None or line.start() > start:
            yield block[start : line.start()], count
        start, count = line.end(), int(line.group(1))
    yield block[start:], count


def _guessed(rows: Float64) -> tuple[str, ...]:
    columns = rows.shape[1]
    if columns == 6:
        return _NORMAL if _are_normals(rows[:, 3:]) else _COLOUR
    names = _BY_COUNT.get(columns)
    if names is None:
        message = f"The file has {columns} columns without names."
        raise InvalidInput("text.columns", message, "Write a first line that names the columns: x y z intensity ...")
    return names


def _are_normals(values: Float64) -> bool:
    length = np.sqrt((values * values).sum(axis=1))
    return bool((np.abs(length - 1.0) <= _UNIT_TOLERANCE).mean() > 0.5)
