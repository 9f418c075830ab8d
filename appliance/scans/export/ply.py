"""Coloured points as binary PLY: float64 places, and the deviation as CloudCompare's scalar field."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from appliance.core.files import whole_file
from appliance.core.kernels import over_chunks
from appliance.scans.export.columns import BLOCK_POINTS, bounds_of, check_points

Float64 = npt.NDArray[np.float64]

_TYPES = {"f8": "double", "u1": "uchar", "f4": "float"}
_FIELDS = [("x", "f8"), ("y", "f8"), ("z", "f8"), ("red", "u1"), ("green", "u1"), ("blue", "u1")]
#: CloudCompare takes properties named ``scalar_...`` as scalar fields.
_DEVIATION = ("scalar_deviation_mm", "f4")


def write_ply(
    path: Path,
    xyz_mm: Float64,
    rgb: npt.NDArray[np.uint8],
    *,
    deviation_mm: npt.NDArray[np.floating] | None = None,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Write points with their colours to ``path``, in their order; whole or absent.

    Parameters
    ----------
    xyz_mm : float64 (n, 3), mm, written without loss
    rgb : uint8 (n, 3)
    deviation_mm : (n,), mm, written as float32; NaN, not measured, stays NaN
    progress : receives the fraction done

    Memory: one block of a million points.

    Raises
    ------
    InvalidInput : a coordinate is not finite, or a column has another length
    Unavailable : the disk is full or the folder is not writable
    """
    check_points(xyz_mm, rgb=rgb, deviation_mm=deviation_mm)
    bounds_of(xyz_mm)
    fields = _FIELDS if deviation_mm is None else [*_FIELDS, _DEVIATION]
    tell = progress or (lambda _: None)
    dtype = np.dtype([(name, "<" + kind) for name, kind in fields])
    with whole_file(path) as file:
        file.write(_header(len(xyz_mm), fields))
        for first in range(0, len(xyz_mm), BLOCK_POINTS):
            last = min(first + BLOCK_POINTS, len(xyz_mm))
            block = np.empty(last - first, dtype)
            deviation = None if deviation_mm is None else deviation_mm[first:last]
            _fill(block, xyz_mm[first:last], rgb[first:last], deviation)
            file.write(block.data)
            tell(last / len(xyz_mm))
    tell(1.0)


def _header(count: int, fields: list[tuple[str, str]]) -> bytes:
    lines = ["ply", "format binary_little_endian 1.0", "comment unit mm", f"element vertex {count}"]
    lines += [f"property {_TYPES[kind]} {name}" for name, kind in fields]
    return "\n".join([*lines, "end_header", ""]).encode("ascii")


def _fill(
    block: npt.NDArray[np.void],
    xyz_mm: Float64,
    rgb: npt.NDArray[np.uint8],
    deviation_mm: npt.NDArray[np.floating] | None,
) -> None:
    def fill(start: int, stop: int) -> None:
        part = block[start:stop]
        for axis, name in enumerate("xyz"):
            part[name] = xyz_mm[start:stop, axis]
        for channel, name in enumerate(("red", "green", "blue")):
            part[name] = rgb[start:stop, channel]
        if deviation_mm is not None:
            part[_DEVIATION[0]] = deviation_mm[start:stop]

    over_chunks(len(block), fill)
