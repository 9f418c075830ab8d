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
from appliance.core.kernels import in_order, kernel, over_chunks
from appliance.errors import InvalidInput
from appliance.scans.export.columns import check_points, finite_bounds

Float64 = npt.NDArray[np.float64]
Floats = npt.NDArray[np.floating]
#: Point records of LAS, packed.
Rows = npt.NDArray[Any]

#: Points laid out and compressed at a time: twenty of LASzip's chunks of 50,000.
BLOCK_POINTS: Final = 1_000_000
#: laspy puts today where a header has no date; the day of its own format is no day of any scan.
NO_DATE: Final = date(1970, 1, 1)
#: Scales of the coordinates, finest first: 1 um reaches over 2.1 km, 10 um over 21 km.
SCALES_MM: Final = (0.001, 0.01)
_MAX_COUNT: Final = float(2**31 - 2)
#: Deviations are rounded to 2^-14 mm (0.06 um): exact in float32, and their low bytes compress away.
DEVIATION_STEPS_PER_MM: Final = 2.0**14
_INTENSITY_MAX: Final = 65_535.0
#: Where the header counts all points and those of the first return for readers of LAS 1.3, and up to how many.
_LEGACY_COUNTS_AT: Final = 107
_LEGACY_MAX: Final = 2**32 - 1
#: First return of one: two numbers of three bits.
_FIRST_OF_ONE: Final = 0x09


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

    Memory: two blocks of a million points.

    Raises
    ------
    InvalidInput : a coordinate is not finite, the extent is beyond 21 km, a column of another length
    Unavailable : the disk is full or the folder is not writable
    """
    check_points(xyz_mm, deviation_mm=deviation_mm, intensity=intensity, rgb=rgb)
    zero, unit = _intensity_scale(intensity)
    content = _Content(xyz_mm, deviation_mm, intensity, rgb, zero, unit)
    header = _header(content)
    tell, written = progress or (lambda _: None), 0
    buffers = [np.zeros(min(BLOCK_POINTS, len(xyz_mm)), header.point_format.dtype()) for _ in range(2)]

    def laid_out(first: int) -> tuple[Rows, list[Rows]]:
        block = buffers[first // BLOCK_POINTS % 2][: len(xyz_mm) - first]
        return block, _lay_out(content, header, first, block)

    with whole_file(path) as file:
        backend, extremes = laspy.LazBackend.LazrsParallel, []
        with laspy.open(file, mode="w", header=header, closefd=False, laz_backend=backend, do_compress=True) as writer:
            for block, found in in_order(laid_out, range(0, len(xyz_mm), BLOCK_POINTS)):
                # the writer's own write_points would search each block again, and states a false range of deviations
                writer.point_writer.write_points(laspy.PackedPointRecord(block, header.point_format))
                extremes += found
                written += len(block)
                tell(written / len(xyz_mm))
            if extremes:
                _state_ranges(writer.header, np.concatenate(extremes), len(xyz_mm))
        if len(xyz_mm) <= _LEGACY_MAX:  # laspy leaves these empty in LAS 1.4, but point formats below 6 must state them
            file.seek(_LEGACY_COUNTS_AT)
            file.write(np.array([len(xyz_mm)] * 2, dtype="<u4").tobytes())
    tell(1.0)


def _header(content: _Content) -> Any:
    lower, upper = finite_bounds(content.xyz_mm)
    offset = np.floor(lower / 2 + upper / 2)
    reach = float(np.maximum(upper - offset, offset - lower).max())
    scale = next((scale for scale in SCALES_MM if reach / scale <= _MAX_COUNT), None)
    if scale is None:
        raise InvalidInput(
            "export.extent", f"The points span {2 * reach / 1e6:.1f} km; LAZ holds 42 km here.", "Check the unit."
        )
    # the formats that have no time: a scan has none, and they compress faster by a fifth
    header = laspy.LasHeader(point_format=0 if content.rgb is None else 2, version="1.4")
    header.scales, header.offsets = np.full(3, scale), offset
    header.generating_software = "D2R Appliance"
    header.creation_date = NO_DATE
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


def _lay_out(content: _Content, header: Any, first: int, rows: Rows) -> list[Rows]:
    """Fill ``rows`` with the points from ``first`` on, on all threads; two records of extremes for each chunk."""
    scale, offset = np.array(header.scales), np.array(header.offsets)
    zero, unit = np.float32(content.intensity_zero), np.float32(content.intensity_unit)

    def fill(start: int, stop: int) -> Rows:
        part, points, extremes = rows[start:stop], slice(first + start, first + stop), np.zeros(2, rows.dtype)
        _lay_out_points(content.xyz_mm[points], content.deviation_mm[points], scale, offset, part, extremes)
        if content.intensity is not None:
            _lay_out_intensities(content.intensity[points], zero, unit, part)
        if content.rgb is not None:
            _lay_out_colours(content.rgb[points], part)
        return extremes

    return over_chunks(len(rows), fill)


def _state_ranges(header: Any, extremes: Rows, count: int) -> None:
    """The number of points and the ranges of their fields, in the header; NaN where no deviation was measured."""
    for choose in (np.fmin, np.fmax):
        # one record at a time: laspy takes the range of an extra dimension from the first record that it is shown
        record = extremes[:1].copy()
        for name in ("X", "Y", "Z", "deviation_mm"):
            record[name] = choose.reduce(extremes[name])
        header.grow(laspy.PackedPointRecord(record, header.point_format))
    header.point_count = header.number_of_points_by_return[0] = count


@kernel
def _lay_out_points(
    xyz_mm: Float64, deviation_mm: Floats, scale: Float64, offset: Float64, rows: Rows, extremes: Rows
) -> None:
    """Counts of the coordinates and deviations; records of the least and the greatest of each in ``extremes``."""
    low_x, low_y, low_z = np.inf, np.inf, np.inf
    high_x, high_y, high_z = -np.inf, -np.inf, -np.inf
    low = high = np.nan
    for i in range(len(rows)):
        x = np.rint((xyz_mm[i, 0] - offset[0]) / scale[0])
        y = np.rint((xyz_mm[i, 1] - offset[1]) / scale[1])
        z = np.rint((xyz_mm[i, 2] - offset[2]) / scale[2])
        deviation = np.rint(np.float64(deviation_mm[i]) * DEVIATION_STEPS_PER_MM) / DEVIATION_STEPS_PER_MM
        row = rows[i]
        row.X, row.Y, row.Z = np.int32(x), np.int32(y), np.int32(z)
        row.bit_fields = _FIRST_OF_ONE
        row.deviation_mm = np.float32(deviation)
        low_x, low_y, low_z = min(low_x, x), min(low_y, y), min(low_z, z)
        high_x, high_y, high_z = max(high_x, x), max(high_y, y), max(high_z, z)
        if not np.isnan(deviation):
            low = deviation if not low <= deviation else low
            high = deviation if not high >= deviation else high
    least, greatest = extremes[0], extremes[1]
    least.X, least.Y, least.Z, least.deviation_mm = np.int32(low_x), np.int32(low_y), np.int32(low_z), np.float32(low)
    greatest.X, greatest.Y, greatest.Z = np.int32(high_x), np.int32(high_y), np.int32(high_z)
    greatest.deviation_mm = np.float32(high)
    least.bit_fields = greatest.bit_fields = _FIRST_OF_ONE


@kernel
def _lay_out_intensities(intensity: npt.NDArray[np.float32], zero: np.float32, unit: np.float32, rows: Rows) -> None:
    """Intensities in steps of ``unit`` above ``zero``; 0 where one is not finite."""
    for i in range(len(rows)):
        stored = (intensity[i] - zero) / unit
        rows[i].intensity = np.uint16(np.rint(stored)) if np.isfinite(stored) else np.uint16(0)


@kernel
def _lay_out_colours(rgb: npt.NDArray[np.uint8], rows: Rows) -> None:
    """Colours widened to 16 bits: 255 becomes 65535."""
    for i in range(len(rows)):
        row = rows[i]
        row.red, row.green, row.blue = rgb[i, 0] * 257, rgb[i, 1] * 257, rgb[i, 2] * 257
