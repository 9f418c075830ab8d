"""Quantities of a zone and how they answer to small changes (metrology §2, §3, §5).

Every function here sees a zone as cells: ``count``, ``mean_mm`` and ``sd_mm`` (c,) of the points in
each, and for point statistics the values themselves.  Sensitivities are first-order and exact in
the limit, so nothing is drawn at random: the same evidence gives the same uncertainty.

The bootstrap over cells is taken in closed form, as the limit of infinitely many replicates: for
means and percentiles through the influence of each cell, for extremes through the distribution of
the largest of c values drawn with replacement, P(max <= x_(j)) = (j / c)^c.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

Float64 = npt.NDArray[np.float64]

#: A cell mean of fewer points is noise, not an extreme of the surface (metrology §2).
LEAST_POINTS_OF_EXTREME = 5


@dataclass(frozen=True)
class CellStatistics:
    """The cells of a zone that count: not left out, at least one compatible point.

    ``count`` int64 (c,), ``mean_mm`` and ``sd_mm`` float64 (c,), ``centre_mm`` and ``normal``
    float64 (c, 3), ``area_mm2`` float64 (c,)
    """

    count: npt.NDArray[np.int64]
    mean_mm: Float64
    sd_mm: Float64
    centre_mm: Float64
    normal: Float64
    area_mm2: Float64

    def subset(self, chosen: npt.NDArray[np.bool_]) -> CellStatistics:
        """The cells where ``chosen`` (c,) is true."""
        return CellStatistics(
            self.count[chosen], self.mean_mm[chosen], self.sd_mm[chosen],
            self.centre_mm[chosen], self.normal[chosen], self.area_mm2[chosen],
        )  # fmt: skip

    def for_extremes(self) -> CellStatistics:
        """The cells with enough points for a mean that may be an extreme."""
        return self.subset(self.count >= LEAST_POINTS_OF_EXTREME)

    def pooled_sd_mm(self) -> float:
        """Spread of points within their cells, pooled: the noise of a single point, mm."""
        freedom = np.maximum(self.count - 1, 0)
        if not freedom.any():
            return 0.0
        return math.sqrt(float(np.sum(freedom * np.square(self.sd_mm))) / float(freedom.sum()))


def percentile_rank(quantity: str) -> float | None:
    """0.05 for ``p5``; None where the quantity is not a percentile."""
    return int(quantity[1:]) / 100.0 if quantity[:1] == "p" and quantity[1:].isdigit() else None


def motion_shift(cells: CellStatistics, motion: Float64, pivot_mm: Float64) -> Float64:
    """Change of each cell's mean, mm (c,), when the scan moves by ``motion`` (6,) about ``pivot_mm``."""
    displacement = np.cross(motion[:3], cells.centre_mm - pivot_mm) + motion[3:]
    shift: Float64 = np.einsum("ij,ij->i", displacement, cells.normal)
    return shift


def mean_weights(cells: CellStatistics) -> Float64:
    """Weight of each cell in the mean of points, (c,), summing to one."""
    weights: Float64 = cells.count / cells.count.sum()
    return weights


def percentile_weights(cells: CellStatistics, value_mm: float) -> Float64:
    """Weight of each cell in the shift of a percentile that lies at ``value_mm``, (c,), summing to one.

    The shift of a quantile of a mixture is the mean shift of the parts, weighted by their density
    at the quantile; within a cell points are taken as normal.
    """
    density = cells.count * _density(cells, value_mm)
    total = density.sum()
    return density / total if total > 0 else mean_weights(cells)


def sampling_u_of_mean(cells: CellStatistics, value_mm: float) -> float:
    """Standard deviation of the mean of points when whole cells are drawn anew, mm."""
    residual = cells.count * (cells.mean_mm - value_mm)
    return math.sqrt(float(np.sum(np.square(residual)))) / float(cells.count.sum())


def sampling_u_of_percentile(cells: CellStatistics, value_mm: float, rank: float) -> float:
    """Standard deviation of a percentile of points when whole cells are drawn anew, mm."""
    z = (value_mm - cells.mean_mm) / _spread(cells)
    residual = cells.count * (ndtr(z) - rank)
    density = float(np.sum(cells.count * _density(cells, value_mm)))
    return math.sqrt(float(np.sum(np.square(residual)))) / density if density > 0 else 0.0


def sampling_u_of_extreme(means_mm: Float64, *, largest: bool) -> float:
    """Standard deviation of the largest (smallest) cell mean when cells are drawn anew, mm."""
    ordered = np.sort(means_mm) if largest else -np.sort(-means_mm)
    count = len(ordered)
    below = (np.arange(count + 1) / count) ** count
    probability = np.diff(below)
    expected = float(probability @ ordered)
    return math.sqrt(max(0.0, float(probability @ np.square(ordered - expected))))


def _spread(cells: CellStatistics) -> Float64:
    """Spread within each cell, mm (c,): its own, or the pooled one where it has too few points."""
    pooled = max(cells.pooled_sd_mm(), 1e-9)
    return np.where((cells.count >= LEAST_POINTS_OF_EXTREME) & (cells.sd_mm > 0), cells.sd_mm, pooled)


def _density(cells: CellStatistics, value_mm: float) -> Float64:
    spread = _spread(cells)
    z = (value_mm - cells.mean_mm) / spread
    return np.exp(-0.5 * np.square(z)) / (spread * math.sqrt(2.0 * math.pi))
