"""Points with their deviations as LAZ, for PDAL, CloudCompare and every other reader of LAS 1.4.

LAS names no unit of its own; this file's coordinates are millimetres, and a variable length record
of user ``D2R`` says so, together with the scale of the intensities.  The same points give the same
bytes: the header carries no date.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import laspy
import numpy as np
import numpy.typing as npt

from appliance.core.canonical import canonical_bytes
from appliance.core.files import whole_file
from appliance.core.kernels import over_chunks
from appliance.errors import InvalidInput
from appliance.scans.export.columns import BLOCK_POINTS, bounds_of, check_points

Float64 = npt.NDArray[np.float64]
Floats = npt.NDArray[np.floating]

#: laspy puts today where a header has no date; the day of its own format is no day of any scan.
NO_DATE: Final = date(1970, 1, 1)
#: Scales of the coordinates, finest first: 1 um reaches over 2.1 km, 10 um over 21 km.
SCALES_MM: Final = (0.001, 0.01)
_MAX_COUNT: Final = float(2**31 - 2)
#: Deviations are rounded to 2^-14 mm (0.06 um): exact in float32, and their low bytes compress away.
DEVIATION_STEPS_PER_MM: Final = 2.0**14
_INTENSITY_MAX: Final = 65_535.0


@dataclass(frozen=True)
class _Content:
    """All columns of the file, and how the intensities become whole numbers."""

    xyz_mm: Float64
    deviation_mm: Floats
    intensity: npt.NDArray[np.float32] | None
    rgb: npt.NDArray[np.uint8] | None
    intensity_zero: float
    intensity_unit: float


def write_laz(
    path: Path,
    xyz_mm: Float64,
    *,
    deviation_mm: Floats,
    intensity: npt.NDArray[np.float32] | None = None,
    rgb: npt.NDArray[np.uint8] | None = None,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Write points to ``path`` as LAZ, in their order; whole or absent.

    Parameters
    ----------
    xyz_mm : float64 (n, 3), mm; kept to half a micrometre (beyond 2.1 km of extent: to 5 um)
    deviation_mm : (n,), mm; extra dimension ``deviation_mm``, float32 in steps of 2^-14 mm; NaN, not
        measured, stays NaN
    intensity : float32 (n,); as it is where it lies within 0 to 65535 and reaches beyond 1, else
        stretched over that range; what is not finite becomes 0
    rgb : uint8 (n, 3), widened to 16 bits
    progress : receives the fraction done

    Memory: one block of a million points.

    Raises
    ------
    InvalidInput : a coordinate is not finite, the extent is beyond 21 km, a column of another length
    Unavailable : the disk is full or the folder is not writable
    """
    check_points(xyz_mm, deviation_mm=deviation_mm, intensity=intensity, rgb=rgb)
    zero, unit = _intensity_scale(intensity)
    content = _Content(xyz_mm, deviation_mm, intensity, rgb, zero, unit)
    header = _header(content)
    tell = progress or (lambda _: None)
    with (
        whole_file(path) as file,
        laspy.open(
            file, mode="w", header=header, closefd=False, laz_backend=laspy.LazBackend.LazrsParallel, do_compress=True
        ) as writer,
    ):
        for first in range(0, len(xyz_mm), BLOCK_POINTS):
            last = min(first + BLOCK_POINTS, len(xyz_mm))
            writer.write_points(_block(content, header, first, last))
            tell(last / len(xyz_mm))
    tell(1.0)


def _header(content: _Content) -> Any:
    lower, upper = bounds_of(content.xyz_mm)
    offset = np.floor(lower / 2 + upper / 2)
    reach = float(np.maximum(upper - offset, offset - lower).max())
    scale = next((scale for scale in SCALES_MM if reach / scale <= _MAX_COUNT), None)
    if scale is None:
        raise InvalidInput(
            "export.extent", f"The points span {2 * reach / 1e6:.1f} km; LAZ holds 42 km here.", "Check the unit."
        )
    header = laspy.LasHeader(point_format=6 if content.rgb is None else 7, version="1.4")
    header.scales, header.offsets = np.full(3, scale), offset
    header.generating_software = "D2R Appliance"
    header.creation_date = NO_DATE
    header.global_encoding.wkt = True
    header.add_extra_dim(laspy.ExtraBytesParams("deviation_mm", "f4", "signed distance, NaN if none"))
    note = {
        "unit": "mm",
        "intensity_zero": repr(content.intensity_zero),
        "intensity_unit": repr(content.intensity_unit),
    }
    header.vlrs.append(laspy.VLR("D2R", 1, "units", canonical_bytes(note)))
    return header


def _intensity_scale(intensity: npt.NDArray[np.float32] | None) -> tuple[float, float]:
    """Zero and unit: given = zero + unit x stored."""
    finite = np.empty(0) if intensity is None else intensity[np.isfinite(intensity)]
    if not len(finite):
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    if low >= 0 and 1 < high <= _INTENSITY_MAX:
        return 0.0, 1.0
    return low, (high - low) / _INTENSITY_MAX or 1.0


def _block(content: _Content, header: Any, first: int, last: int) -> Any:
    """The records of the points ``first`` to ``last - 1``, laid out on all threads."""
    record = laspy.ScaleAwarePointRecord.zeros(last - first, header=header)
    scale, offset = header.scales, header.offsets

    def fill(start: int, stop: int) -> None:
        part, points = record.array[start:stop], slice(first + start, first + stop)
        for axis, name in enumerate("XYZ"):
            part[name] = np.rint((content.xyz_mm[points, axis] - offset[axis]) / scale[axis])
        part["bit_fields"] = 0x11  # first return of one
        part["deviation_mm"] = np.rint(content.deviation_mm[points] * DEVIATION_STEPS_PER_MM) / DEVIATION_STEPS_PER_MM
        if content.intensity is not None:
            stored = (content.intensity[points] - content.intensity_zero) / content.intensity_unit
            part["intensity"] = np.rint(np.where(np.isfinite(stored), stored, 0.0))
        if content.rgb is not None:
            for channel, name in enumerate(("red", "green", "blue")):
                np.multiply(content.rgb[points, channel], 257, out=part[name], dtype=np.uint16)

    over_chunks(len(record.array), fill)
    return record
