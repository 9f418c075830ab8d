"""Statistics of deviations: unweighted over the points that are not isolated (metrology §1)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import inline_kernel, kernel, over_chunks, worker_count
from appliance.errors import InvalidInput

Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]
Int64 = npt.NDArray[np.int64]

#: The percentiles that every report shows.
PERCENTILES: Final = (1, 5, 25, 50, 75, 95, 99)
#: Values summed at once; the chunks are then added exactly.
_CHUNK: Final = 1 << 16
_NOBODY: Final = np.empty(0, dtype=np.bool_)
#: Values of the first 16 bits of a float64.
_HEADS: Final = 1 << 16


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

    Exact order statistics; sums independent of the number of threads.  Memory: 8 bytes for each point that shares
    its first 16 bits with one of them, a tenth of all points at most where these spread over some octaves.

    Raises
    ------
    InvalidInput : a deviation of an inlier is NaN or infinite: it would spoil every figure in silence
    """
    apart = _NOBODY if isolated is None else isolated
    count = len(deviation_mm) - int(np.count_nonzero(apart))
    outliers = len(deviation_mm) - count
    nan = math.nan
    if count == 0:
        return DeviationStatistics(0, outliers, nan, nan, nan, nan, dict.fromkeys(percentiles, nan))
    mean = _sum(deviation_mm, apart, 0.0) / count
    std = math.sqrt(_sum(deviation_mm, apart, mean, squared=True) / (count - 1)) if count > 1 else nan
    ranks = {p: (count - 1) * p / 100 for p in percentiles}
    wanted = {0, count - 1, *(math.floor(r) for r in ranks.values()), *(math.ceil(r) for r in ranks.values())}
    ordered = _order_statistics(deviation_mm, apart, sorted(wanted))
    found = {p: _between(ordered, rank) for p, rank in ranks.items()}
    return DeviationStatistics(count, outliers, mean, std, ordered[0], ordered[count - 1], found)


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


def _sum(deviation_mm: Float64, apart: Bool, centre: float, *, squared: bool = False) -> float:
    """Sum over inliers of (value - centre), or of its squares, in chunks of a fixed size, added without rounding."""

    def part(start: int, stop: int) -> float:
        value = deviation_mm[start:stop]
        value = (value[~apart[start:stop]] if len(apart) else value) - centre
        # not np.dot: a threaded BLAS would round differently on another number of cores
        return float(np.square(value).sum() if squared else value.sum())

    parts = over_chunks(len(deviation_mm), part, chunk=_CHUNK)
    if not all(map(math.isfinite, parts)):
        raise InvalidInput("deviation.not_finite", "A deviation is not a finite number.")
    return math.fsum(parts)


def _order_statistics(deviation_mm: Float64, apart: Bool, ranks: list[int]) -> dict[int, float]:
    """The inliers of ``ranks`` (rising, from 0), by rank.

    Inliers are counted by their first 16 bits, which order as they do; only those that share them with a wanted one
    are sorted.
    """
    chunk = -(-len(deviation_mm) // worker_count())
    counts = over_chunks(len(deviation_mm), lambda a, b: _count_heads(deviation_mm[a:b], apart[a:b]), chunk=chunk)
    before = np.concatenate(([0], np.cumsum(sum(counts, np.zeros(_HEADS, dtype=np.int64)))))
    heads = np.searchsorted(before, ranks, side="right") - 1
    wanted = np.zeros(_HEADS, dtype=np.bool_)
    wanted[heads] = True
    parts = over_chunks(
        len(deviation_mm),
        lambda a, b: _with_heads(deviation_mm[a:b], apart[a:b], wanted, int(counts[a // chunk][wanted].sum())),
        chunk=chunk,
    )
    kept = np.concatenate(parts)
    first = np.zeros(_HEADS, dtype=np.int64)
    sizes = np.diff(before)[wanted]
    first[wanted] = np.cumsum(sizes) - sizes
    places = [int(first[head] + rank - before[head]) for rank, head in zip(ranks, heads, strict=True)]
    kept.partition(sorted(set(places)))
    return {rank: float(kept[place]) for rank, place in zip(ranks, places, strict=True)}


@inline_kernel
def _head(bits: int) -> int:
    """The first 16 of the 64 bits of a number, so that they rise with it: 0 to 65535."""
    return ((bits ^ ((bits >> 63) & 0x7FFFFFFFFFFFFFFF)) >> 48) + 32_768


@kernel
def _count_heads(deviation: Float64, apart: Bool) -> Int64:
    counts = np.zeros(_HEADS, dtype=np.int64)
    bits = deviation.view(np.int64)
    for n in range(len(bits)):
        if len(apart) == 0 or not apart[n]:
            counts[_head(bits[n])] += 1
    return counts


@kernel
def _with_heads(deviation: Float64, apart: Bool, wanted: Bool, size: int) -> Float64:
    """The ``size`` inliers whose head is ``wanted``."""
    kept = np.empty(size)
    bits = deviation.view(np.int64)
    at = 0
    for n in range(len(bits)):
        if (len(apart) == 0 or not apart[n]) and wanted[_head(bits[n])]:
            kept[at] = deviation[n]
            at += 1
    return kept


def _between(ordered: Mapping[int, float], rank: float) -> float:
    """Linear interpolation between the two order statistics around ``rank``."""
    low, high = ordered[math.floor(rank)], ordered[math.ceil(rank)]
    return low + (high - low) * (rank - math.floor(rank))
