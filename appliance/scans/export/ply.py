"""Coloured points as binary PLY: float64 places, and the deviation as CloudCompare's scalar field."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from appliance.core.files import whole_file
from appliance.core.kernels import in_order, kernel
from appliance.scans.export.columns import check_points, finite_bounds

Float64 = npt.NDArray[np.float64]
UInt8 = npt.NDArray[np.uint8]
#: Records of the file, packed; their fields are those of ``_FIELDS`` and ``_DEVIATION``.
Rows = Any

#: Points laid out at a time: 2 MB that are hashed and written before they leave the cache.
BLOCK_POINTS: Final = 1 << 16
_TYPES: Final = {"f8": "double", "u1": "uchar", "f4": "float"}
_FIELDS: Final = [("x", "f8"), ("y", "f8"), ("z", "f8"), ("red", "u1"), ("green", "u1"), ("blue", "u1")]
#: CloudCompare takes properties named ``scalar_...`` as scalar fields.
_DEVIATION: Final = ("scalar_deviation_mm", "f4")


def write_ply(
    path: Path,
    xyz_mm: Float64,
    rgb: UInt8,
    *,
    deviation_mm: npt.NDArray[np.floating] | None = None,
    progress: Callable[[float], None] | None = None,
) -> str:
    """Write points with their colours to ``path``, in their order; whole or absent.

    Parameters
    ----------
    xyz_mm : float64 (n, 3), mm, written without loss
    rgb : uint8 (n, 3)
    deviation_mm : (n,), mm, written as float32; NaN, not measured, stays NaN
    progress : receives the fraction done

    Returns
    -------
    SHA-256 of the file, lower-case hex.  Memory: two blocks of points.

    Raises
    ------
    InvalidInput : a coordinate is not finite, or a column has another length
    Unavailable : the disk is full or the folder is not writable
    """
    check_points(xyz_mm, rgb=rgb, deviation_mm=deviation_mm)
    finite_bounds(xyz_mm)
    fields = _FIELDS if deviation_mm is None else [*_FIELDS, _DEVIATION]
    kind = np.dtype([(name, "<" + kind) for name, kind in fields])
    buffers = [np.empty(min(BLOCK_POINTS, len(xyz_mm)), kind) for _ in range(2)]
    written = 0

    def laid_out(first: int) -> Rows:
        points = slice(first, first + BLOCK_POINTS)
        block = buffers[first // BLOCK_POINTS % 2][: len(xyz_mm) - first]
        _lay_out_points(xyz_mm[points], rgb[points], block)
        if deviation_mm is not None:
            _lay_out_deviations(deviation_mm[points], block)
        return block

    head = _header(len(xyz_mm), fields)
    digest = sha256(head)
    tell = progress or (lambda _: None)
    with whole_file(path) as file:
        file.write(head)
        for block in in_order(laid_out, range(0, len(xyz_mm), BLOCK_POINTS)):
            digest.update(block.data)
            file.write(block.data)
            written += len(block)
            tell(written / len(xyz_mm))
    tell(1.0)
    return digest.hexdigest()


def _header(count: int, fields: list[tuple[str, str]]) -> bytes:
    lines = ["ply", "format binary_little_endian 1.0", "comment unit mm", f"element vertex {count}"]
    lines += [f"property {_TYPES[kind]} {name}" for name, kind in fields]
    return "\n".join([*lines, "end_header", ""]).encode("ascii")


@kernel
def _lay_out_points(xyz_mm: Float64, rgb: UInt8, rows: Rows) -> None:
    """Places and colours of a block."""
    for i in range(len(rows)):
        row = rows[i]
        row.x, row.y, row.z = xyz_mm[i, 0], xyz_mm[i, 1], xyz_mm[i, 2]
        row.red, row.green, row.blue = rgb[i, 0], rgb[i, 1], rgb[i, 2]


@kernel
def _lay_out_deviations(deviation_mm: npt.NDArray[np.floating], rows: Rows) -> None:
    """Deviations of a block, as float32."""
    for i in range(len(rows)):
        rows[i].scalar_deviation_mm = np.float32(deviation_mm[i])
