"""What changed between two scans, seen from above, and the scale of colours below.

x runs to the right and y upwards; each pixel shows the nearest core point, and of surfaces above each other the
highest.  Coloured is what changed beyond its level of detection; what did not is light grey, what nothing is known of a
darker grey, and white has no core point.
"""

from __future__ import annotations

from io import BytesIO
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree

from appliance.inspections.change_arrays import ChangeArrays
from appliance.scans.export.colours import colours_of_deviation

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
UInt8 = npt.NDArray[np.uint8]

#: Pixels of the picture, of its border, and of the scale below it; it is no higher than the first two allow.
_WIDTH: Final = 1440
_MOST_HIGH: Final = 1080
_BORDER: Final = 12
_BAR: Final = 14
#: sRGB of a core point that did not change beyond its level, and of one that nothing is known of.
UNCHANGED: Final = (221, 225, 230)
UNKNOWN: Final = (150, 157, 166)
#: How far a core point hides others, how much lower those are at the least, and how far away it is seen, so that an
#: even surface has no gaps: all in distances between core points; and the first in pixels at the most.
_HIDES: Final = 0.75
_LOWER: Final = 1.0
_REACHES: Final = 1.25
_LARGEST_DOT: Final = 40.0
#: Which neighbour it is whose distance counts: the nearest says little of points that lie at random.
_NEIGHBOUR: Final = 4
#: Core points that the distance between them is estimated from.
_SAMPLE: Final = 20_000
#: What a scale may end with.
_STEPS: Final = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
#: Half the colour scale where nothing changed: 1 um.
_SMALLEST_SPAN: Final = 0.001


def span_of(change: dict[str, dict[str, float | None]]) -> float:
    """Half the colour scale, mm, from the figures of a change: 98 of 100 significant changes lie within it.

    It is rounded up to a short number.
    """
    figures = change.get("significant_distance_mm") or change["distance_mm"]
    wanted = max(abs(figures["p1"] or 0.0), abs(figures["p99"] or 0.0), _SMALLEST_SPAN)
    decade = 10.0 ** np.floor(np.log10(wanted))
    return float(next(step * decade for step in _STEPS if step * decade >= wanted * (1 - 1e-9)))


def png_of_change(found: ChangeArrays, span_mm: float) -> bytes:
    """The core points from above; colours run from minus to plus ``span_mm``, darker beyond.

    Memory: 100 bytes a core point and 60 MB for the picture.
    """
    seen = seen_from_above(found.cores_mm)
    colours = np.vstack([_colours(found, span_mm), np.full((1, 3), 255, np.uint8)])  # the last: no core point
    pixels = np.vstack([colours[seen], _scale(span_mm)])
    sink = BytesIO()
    Image.fromarray(pixels).save(sink, "PNG", compress_level=6)
    return sink.getvalue()


def seen_from_above(cores_mm: Float64) -> Int32:
    """Which core point each pixel shows: int32 (h, w), -1 where there is none."""
    lowest, extent = cores_mm.min(axis=0), np.ptp(cores_mm, axis=0)
    room = np.array([_WIDTH - 2 * _BORDER, _MOST_HIGH - 2 * _BORDER])
    scale = float(min(room / np.maximum(extent[:2], 1e-9)))
    height = int(np.ceil(extent[1] * scale)) + 2 * _BORDER
    offset = np.array([(_WIDTH - extent[0] * scale) / 2, _BORDER])
    place = np.rint((cores_mm[:, :2] - lowest[:2]) * scale + offset).astype(np.int32)
    spacing = _spacing_mm(cores_mm)
    middle = _highest(place, cores_mm[:, 2], [(0, 0)], height)
    hiding = _highest(place, cores_mm[:, 2], _dot(min(spacing * scale * _HIDES, _LARGEST_DOT)), height)
    above = cores_mm[hiding, 2] - cores_mm[middle, 2] > spacing * _LOWER
    middle[above] = -1
    away, (row, column) = distance_transform_edt(middle < 0, return_indices=True)
    seen: Int32 = np.where(away <= max(spacing * scale * _REACHES, 1.0), middle[row, column], np.int32(-1))
    return seen


def _highest(place: Int32, z_mm: Float64, dot: list[tuple[int, int]], height: int) -> Int32:
    """The highest core point whose dot covers a pixel: int32 (height, width), -1 where there is none."""
    order = np.argsort(z_mm, kind="stable").astype(np.int32)
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    highest = np.full((height, _WIDTH), -1, np.int32)
    for right, up in dot:
        column, row = place[:, 0] + right, height - 1 - (place[:, 1] + up)
        inside = (column >= 0) & (column < _WIDTH) & (row >= 0) & (row < height)
        np.maximum.at(highest, (row[inside], column[inside]), rank[inside])
    return np.append(order, np.int32(-1))[highest]


def _dot(radius: float) -> list[tuple[int, int]]:
    """The pixels of a dot around its middle."""
    reach = range(-int(radius), int(radius) + 1)
    return [(right, up) for right in reach for up in reach if right * right + up * up <= max(radius, 0.5) ** 2]


def _spacing_mm(cores_mm: Float64) -> float:
    """The usual distance from a core point to those around it; 0 where there are too few."""
    if len(cores_mm) <= _NEIGHBOUR:
        return 0.0
    some = cores_mm[:: max(1, len(cores_mm) // _SAMPLE)]
    return float(np.median(cKDTree(cores_mm).query(some, k=_NEIGHBOUR + 1)[0][:, _NEIGHBOUR]))


def _colours(found: ChangeArrays, span_mm: float) -> UInt8:
    colours = colours_of_deviation(found.distance_mm, span_mm=span_mm)
    colours[found.has_level & ~found.significant] = UNCHANGED
    colours[~found.has_level] = UNKNOWN
    return colours


def _scale(span_mm: float) -> UInt8:
    """The colours from just beyond minus the span to just beyond plus the span."""
    value = np.linspace(-1.06, 1.06, _WIDTH) * span_mm
    return np.repeat(colours_of_deviation(value, span_mm=span_mm)[None], _BAR, axis=0)
