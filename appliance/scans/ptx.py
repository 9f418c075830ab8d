"""PTX, Leica's text of gridded scans: for each scan its size, the scanner's place, and its points.

A point at exactly 0 0 0 is a grid cell without a return.  The 4x4 matrix maps row vectors:
``file = [x y z 1] @ matrix``; its last row is where the scanner stood.

Source: Leica Geosystems, PTX file format description.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from appliance.core.files import unreadable
from appliance.core.units import mm_per_unit
from appliance.errors import InvalidInput
from appliance.foreign.numbers import lines_of, rows_of
from appliance.foreign.sink import Sink
from appliance.scans.collector import Collector, Pose

Float64 = npt.NDArray[np.float64]

_LINE_BYTES: Final = 1 << 12
#: The shortest line of a point: "0 0 0 0".
_SHORTEST_LINE_BYTES: Final = 8
#: Width of the eight lines after the size: position, three axes, matrix.
_POSE_WIDTHS: Final = (3, 3, 3, 3, 4, 4, 4, 4)
#: How far the matrix may be from a rotation; writers round to six digits.
_ROTATION_TOLERANCE: Final = 1e-3
_AGAIN: Final = "The file is damaged or cut: copy or export it again."


def parse(path: Path, options: Mapping[str, Any], sink: Sink) -> dict[str, Any]:
    """Read all scans of a file with their poses.

    Raises
    ------
    InvalidInput : a size, a pose or a line is broken, or there is no valid point
    """
    unit = options.get("unit") or "mm"
    try:
        with path.open("rb") as file:
            size = max(1, path.stat().st_size)
            points = Collector(sink, mm_per_unit(unit), size // 32)
            number = 0
            while (count := _size(file, size)) is not None:
                number += 1
                points.begin_station(f"scan {number}", _pose(file, number))
                for rows in _rows(file, count):
                    _add(points, rows)
                    sink.progress(file.tell() / size)
    except OSError as error:
        raise unreadable(path, error) from error
    return points.summary("PTX", {"unit": unit})


def _size(file: IO[bytes], file_bytes: int) -> int | None:
    """The number of points of the next scan; None at the end of the file."""
    while line := file.readline(_LINE_BYTES):
        if line.strip():
            break
    else:
        return None
    numbers = [line.strip(), file.readline(_LINE_BYTES).strip()]
    if not all(number.isdigit() and len(number) <= 10 for number in numbers):
        raise _bad("A scan of the PTX file does not begin with its columns and rows")
    count = int(numbers[0]) * int(numbers[1])
    if count * _SHORTEST_LINE_BYTES > file_bytes:
        raise _bad(f"The PTX file states {count} points and is too short for them")
    return count


def _pose(file: IO[bytes], number: int) -> Pose:
    lines = [rows_of(file.readline(_LINE_BYTES) + b"\n", width) for width in _POSE_WIDTHS]
    if any(len(line) != 1 for line in lines):
        raise _bad(f"The pose of scan {number} is not complete")
    matrix = np.concatenate(lines[4:])
    turn = matrix[:3, :3].T
    if not np.isfinite(matrix).all() or np.abs(turn @ turn.T - np.eye(3)).max() > _ROTATION_TOLERANCE:
        raise _bad(f"The pose of scan {number} is not a rotation")
    return Pose(turn, matrix[3, :3])


def _rows(file: IO[bytes], count: int) -> Iterator[Float64]:
    width: int | None = None
    while count:
        block = lines_of(file, count)
        lines = block.count(b"\n") + (not block.endswith(b"\n"))
        rows = rows_of(block if block.endswith(b"\n") else block + b"\n", width)
        width = rows.shape[1]
        if not block or len(rows) != lines or width not in (3, 4, 7):
            raise _bad("The PTX file has a line that is not a point, or ends too early")
        count -= len(rows)
        yield rows


def _add(points: Collector, rows: Float64) -> None:
    points.add(
        rows[:, 0],
        rows[:, 1],
        rows[:, 2],
        valid=np.asarray(rows[:, :3].any(axis=1)),
        intensity=rows[:, 3] if rows.shape[1] > 3 else None,
        rgb=np.clip(np.nan_to_num(rows[:, 4:7]), 0, 255).astype(np.uint8) if rows.shape[1] == 7 else None,
    )


def _bad(what: str) -> InvalidInput:
    return InvalidInput("scan.ptx.structure", f"{what}.", _AGAIN)
