"""Statistics of deviations: unweighted over the points that are not isolated (metrology §1)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import kernel, over_chunks
from appliance.errors import InvalidInput

Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]
Int64 = npt.NDArray[np.int64]

#: The percentiles that every report shows.
PERCENTILES: Final = (1, 5, 25, 50, 75, 95, 99)
#: Values summed at once; the chunks are then added exactly.
_CHUNK: Final = 1 << 16


@dataclass(frozen=True)
class DeviationStatistics:
    """Statistics in mm; ``count`` inliers and ``outliers`` isolated points make up all points.

    ``std_mm`` has the divisor n - 1 and is NaN for one point; without inliers every figure is NaN.
    ``percentiles_mm`` maps 1, 5, 25, 50, 75, 95, 99 to percentiles by linear interpolation (type 7).
    """

    count: int
    outliers: int
    mean_mm: float
    std_mm: float
    min_mm: float
    max_mm: float
    percentiles_mm: dict[int, float] = field(default_factory=dict)


def statistics(
    deviation_mm: Float64, isolated: Bool | None = None, percentiles: tuple[int, ...] = PERCENTILES
) -> DeviationStatistics:
    """Statistics of ``deviation_mm`` float64 (n,) over the points that are not ``isolated`` bool (n,).

    Exact order statistics from one partial sort; sums independent of the number of threads.  Memory: 8 bytes a
    point (the values are copied to be sorted).

    Raises
    ------
    InvalidInput : a deviation of an inlier is NaN or infinite: it would spoil every figure in silence
    """
    value = deviation_mm[~isolated] if isolated is not None else deviation_mm.copy()
    outliers = len(deviation_mm) - len(value)
    count = len(value)
    nan = math.nan
    if count == 0:
        return DeviationStatistics(0, outliers, nan, nan, nan, nan, dict.fromkeys(percentiles, nan))
    mean = _sum(value, 0.0) / count
    std = math.sqrt(_sum(value, mean, squared=True) / (count - 1)) if count > 1 else nan
    ranks = {p: (count - 1) * p / 100 for p in percentiles}
    wanted = {0, count - 1, *(math.floor(r) for r in ranks.values()), *(math.ceil(r) for r in ranks.values())}
    value.partition(sorted(wanted))
    found = {p: _between(value, rank) for p, rank in ranks.items()}
    return DeviationStatistics(count, outliers, mean, std, float(value[0]), float(value[-1]), found)


def counts_between(deviation_mm: Float64, isolated: Bool, lower_mm: float, upper_mm: float, bins: int) -> Int64:
    """Inliers in each of ``bins`` equal classes from ``lower_mm`` to ``upper_mm``, int64 (bins,).

    The first and the last class also hold what lies beyond.
    """
    parts = over_chunks(
        len(deviation_mm), lambda a, b: _counts(deviation_mm[a:b], isolated[a:b], lower_mm, upper_mm, bins)
    )
    return np.asarray(sum(parts, np.zeros(bins, dtype=np.int64)))


@kernel
def _counts(deviation: Float64, isolated: Bool, lower: float, upper: float, bins: int) -> Int64:
    counts = np.zeros(bins, dtype=np.int64)
    for n in range(len(deviation)):
        if not isolated[n] and not np.isnan(deviation[n]):
            place = np.floor((deviation[n] - lower) * (bins / (upper - lower)))
            counts[int(min(max(place, 0.0), bins - 1.0))] += 1
    return counts


def _sum(value: Float64, centre: float, *, squared: bool = False) -> float:
    """Sum of (value - centre), or of its squares, in chunks of a fixed size that are added without rounding."""
    parts = []
    for start in range(0, len(value), _CHUNK):
        part = value[start : start + _CHUNK] - centre
        # not np.dot: a threaded BLAS would round differently on another number of cores
        parts.append(float(np.square(part).sum() if squared else part.sum()))
    if not all(map(math.isfinite, parts)):
        raise InvalidInput("deviation.not_finite", "A deviation is not a finite number.")
    return math.fsum(parts)


def _between(ordered: Float64, rank: float) -> float:
    """Linear interpolation between the two order statistics around ``rank``."""
    low, high = float(ordered[math.floor(rank)]), float(ordered[math.ceil(rank)])
    return low + (high - low) * (rank - math.floor(rank))
