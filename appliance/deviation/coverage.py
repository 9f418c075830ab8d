"""Coverage: how much of a zone the scan has really seen.  Nothing is interpolated (metrology §7)."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from appliance.deviation.field import CellField

Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

#: Compatible inlier points that make a cell a covered one (metrology §7).
MIN_POINTS: Final = 3


def covered(field: CellField, *, min_points: int = MIN_POINTS) -> Bool:
    """Whether each cell holds enough points: bool (c,)."""
    return np.asarray(field.count >= min_points)


def coverage(field: CellField, *, min_points: int = MIN_POINTS) -> float:
    """Share of the zone's area, without its edge margin, that lies in covered cells; 0 where nothing is left."""
    counts = ~field.cells.left_out
    area = field.cells.area_mm2
    total = float(area[counts].sum())
    return float(area[counts & covered(field, min_points=min_points)].sum()) / total if total > 0.0 else 0.0


def largest_uncovered_mm(field: CellField, *, min_points: int = MIN_POINTS) -> float:
    """Diameter of the largest disc, centred in the zone, that holds no covered surface: an upper bound.

    The disc is measured along straight lines.  Its centre lies in an uncovered cell, at most ``reach`` from the
    centre of that cell, and a covered cell holds at least its anchor, or, where it fills its square, the round of
    radius h/2 about its centre.  So the radius is at most the distance from the uncovered centre to that, plus
    the reach.  A single cell without points reads 2.4 h where the true disc is h; the excess does not grow with
    the hole.  Cells of the edge margin are neither sought nor used.
    """
    cells = field.cells
    counts = ~cells.left_out & (cells.area_mm2 > 0.0)
    seen = covered(field, min_points=min_points) & counts
    missing = counts & ~seen
    if not seen.any():
        return _bounding_diameter_mm(cells.centre_mm, cells.reach_mm)
    if not missing.any():
        return 0.0
    whole = _whole_squares(field)
    site = np.where(whole[:, None], cells.centre_mm, cells.anchor_mm)[seen]
    round_mm = np.where(whole, cells.cell_mm / 2, 0.0)[seen]
    nearest = cKDTree(site).query(cells.centre_mm[missing])[1]
    away = cells.centre_mm[missing] - site[nearest]
    height = np.einsum("nd,nd->n", away, cells.normal[seen][nearest])
    aside = np.sqrt(np.maximum(0.0, np.einsum("nd,nd->n", away, away) - height**2))
    radius = np.hypot(height, np.maximum(0.0, aside - round_mm[nearest]))
    return 2.0 * float((radius + cells.reach_mm[missing]).max())


def _whole_squares(field: CellField) -> Bool:
    """Cells that fill their grid square: projected along the chart's axis they have the area h^2."""
    cells = field.cells
    with np.errstate(invalid="ignore"):
        shadow = cells.area_mm2 * np.abs(cells.normal).max(axis=1)
    return np.asarray((shadow >= cells.cell_mm**2 * (1.0 - 1e-9)) & (cells.area_mm2 > 0.0))


def _bounding_diameter_mm(centre_mm: Float64, reach_mm: Float64) -> float:
    """Diameter of a sphere around the middle of the bounding box that holds every ball (centre, reach)."""
    middle = (centre_mm.min(axis=0) + centre_mm.max(axis=0)) / 2
    return 2.0 * float((np.linalg.norm(centre_mm - middle, axis=1) + reach_mm).max())
