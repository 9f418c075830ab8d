"""Sampling uncertainty: how much a figure would differ had other parts of the zone been seen.

The bootstrap draws the zone's cells anew, with all their points (points of one cell share the form of the surface
and are no independent draws), and takes the spread of the figure.  For the figures of metrology §2 the limit of
infinitely many draws has a closed form, so nothing is drawn: no seed, no noise of the simulation, the same bits in
every replay, and a few passes over the cells.

- mean: delta method of the ratio of sums (Cochran 1977, Sampling Techniques, eq. 6.13).
- percentile: the spread of the share of points below it is that of such a ratio; read back through the
  distribution of the points themselves (Woodruff 1952, doi 10.1080/01621459.1952.10483443).
- extreme of cell means: the largest of c draws from c cells is the k-th largest with the probability
  (1 - (k - 1) / c)^c - (1 - k / c)^c, exactly.
"""

from __future__ import annotations

import math
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from appliance.deviation.field import CellField

Bool = npt.NDArray[np.bool_]
Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]

#: Beyond this rank the extreme of a draw of cells lies with a probability below 1e-17 (e^-40).
_RANKS: Final = 40


def bootstrap_cells(
    field: CellField, statistic: Literal["mean", "min", "max"], *, min_points: int = 1, keep: Bool | None = None
) -> float:
    """Standard uncertainty, mm, of a figure of a zone over redrawn cells; NaN with fewer than two cells.

    Parameters
    ----------
    statistic : ``mean`` of all points, or ``min``, ``max`` of the means of cells
    min_points : cells with fewer points take no part (5 for extremes, metrology §2)
    keep : bool (c,), cells that take part; by default all that the edge margin does not leave out
    """
    takes_part = (~field.cells.left_out if keep is None else keep) & (field.count >= max(1, min_points))
    mean = field.mean_mm[takes_part]
    if len(mean) < 2:
        return math.nan
    if statistic == "mean":
        count = field.count[takes_part].astype(np.float64)
        return _ratio_spread(count * mean, count)
    return _extreme_spread(-mean if statistic == "min" else mean)


def bootstrap_percentile(field: CellField, cell_of_point: Int32, value_mm: Float64, percent: float) -> float:
    """Standard uncertainty, mm, of a percentile of the points over redrawn cells; NaN with fewer than two cells.

    Points without a cell, without a value (NaN) or in the edge margin are skipped.  Memory: 18 bytes a point.
    """
    used = (cell_of_point >= 0) & ~np.isnan(value_mm)
    used[used] = ~field.cells.left_out[cell_of_point[used]]
    value, cell = value_mm[used], cell_of_point[used]
    if len(value) == 0:
        return math.nan
    at = float(np.percentile(value, percent))
    count = np.bincount(cell, minlength=len(field.cells)).astype(np.float64)
    below = np.bincount(cell[value <= at], minlength=len(field.cells)).astype(np.float64)
    if int((count > 0).sum()) < 2:
        return math.nan
    spread = 100.0 * _ratio_spread(below[count > 0], count[count > 0])
    low, high = np.percentile(value, [max(0.0, percent - spread), min(100.0, percent + spread)], overwrite_input=True)
    return float(high - low) / 2.0


def _ratio_spread(part: Float64, whole: Float64) -> float:
    """Bootstrap standard deviation of sum(part) / sum(whole) over redrawn rows."""
    total = float(whole.sum())
    residual = part - float(part.sum()) / total * whole
    return math.sqrt(float(np.square(residual).sum())) / total


def _extreme_spread(value: Float64) -> float:
    """Bootstrap standard deviation of the largest value over redrawn rows."""
    count = len(value)
    ranks = min(count, _RANKS)
    largest = np.sort(np.partition(value, count - ranks)[count - ranks :])[::-1]
    survive = (1.0 - np.arange(ranks + 1) / count) ** count
    probability = survive[:-1] - survive[1:]
    probability[-1] += survive[-1]
    away = largest - largest[0]
    mean = float((probability * away).sum())
    return math.sqrt(float((probability * (away - mean) ** 2).sum()))
