"""Trends of every cell of a field at once: the degradation map of a part.

Each cell has its own series over the versions of the field; versions in which it was not covered (NaN) are none of its.
Slope, score and test are those of ``trend`` and ``kendall``; a cell's interval is computed only where it is asked for,
since a map asks which cells change before it asks how surely.

Memory: the fields themselves, 40 bytes a cell for what is found, and 16 KB a version and thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from scipy.special import ndtr, ndtri

from appliance.core.kernels import inline_kernel, kernel, over_chunks
from appliance.spc.checks import Bool, Float64, Int64, increasing, require, share
from appliance.spc.false_discovery import DISCOVERY_RATE, discoveries
from appliance.spc.kendall import EXACT_UP_TO, LARGEST_CORRELATION, first_order_inflation, null_distribution
from appliance.spc.slopes import Pairs, median_slopes, pairs_of, ranked_slopes

#: Cells in one task of the pool: their series stay in a core's cache, and tasks wait for none of their own, since
#: ``slopes`` takes as many at once.
_TASK: Final = 1024
#: Cells and versions in one tile of a field that is turned over.
_TILE: Final = 8
#: Steps of the table of inflations over the correlation.
_TABLE: Final = 512


@dataclass(frozen=True)
class FieldTrends:
    """Of each cell, (c,): ``count`` of versions that cover it, ``slope`` per day, ``score``, its ``variance`` without a
    trend (autocorrelation included) and two-sided ``p``.  Slope and p are NaN with fewer than two versions.
    """

    count: Int64
    slope: Float64
    score: Int64
    variance: Float64
    p: Float64

    def changing(self, rate: float = DISCOVERY_RATE) -> Bool:
        """Which cells change, bool (c,), by Benjamini and Hochberg at this ``rate`` of false discoveries."""
        return discoveries(self.p, rate)


def field_trends(time_days: Float64, fields: Sequence[Float64], *, independent: bool = False) -> FieldTrends:
    """The trends of all cells of ``fields``: one array (c,) for each version, at ``time_days`` (v,), strictly rising.

    Up to ten versions p is exact.  Beyond, the variance is inflated for the correlation that the residuals of each cell
    show, unless versions are ``independent``.

    Raises
    ------
    InvalidInput : times are not in strict order, or a version has another number of cells
    """
    time = increasing(time_days, "times of versions", strictly=True)
    require(len(fields) == len(time), "spc.shape", "Every version of the field needs its time.")
    cells = len(fields[0])
    require(all(field.shape == (cells,) for field in fields), "spc.shape", "Versions differ in their number of cells.")
    pairs = pairs_of(time)
    found = FieldTrends(
        np.empty(cells, np.int64), np.empty(cells), np.empty(cells, np.int64), np.empty(cells), np.empty(cells)
    )

    over_chunks(cells, lambda a, b: _trends(pairs, _series(fields, slice(a, b)), independent, found, a), chunk=_TASK)
    return found


def slope_intervals(
    time_days: Float64, fields: Sequence[Float64], trends: FieldTrends, chosen: Bool, confidence: float = 0.95
) -> tuple[Float64, Float64]:
    """Lower and upper end of the slopes of ``chosen`` cells bool (c,), in their order; infinite where unbounded.

    The ends are pair slopes, as of a single series, with the normal distribution of the score also below 11 versions.

    Raises
    ------
    InvalidInput : ``confidence`` is not between 0 and 1
    """
    z = -float(ndtri((1.0 - share(confidence, "confidence")) / 2.0))
    cells = np.flatnonzero(chosen)
    pairs, lower, upper = pairs_of(time_days), np.empty(len(cells)), np.empty(len(cells))

    def work(start: int, stop: int) -> None:
        own = cells[start:stop]
        values = _series(fields, own)
        own_pairs = trends.count[own] * (trends.count[own] - 1) // 2
        rank = np.floor((own_pairs - z * np.sqrt(trends.variance[own])) / 2.0).astype(np.int64) - 1
        lower[start:stop] = ranked_slopes(values, pairs, rank)
        upper[start:stop] = ranked_slopes(values, pairs, own_pairs - 1 - rank)

    over_chunks(len(cells), work, chunk=_TASK)
    return lower, upper


def _series(fields: Sequence[Float64], chosen: slice | Int64) -> Float64:
    """The series of chosen cells, float64 (m, v); what is infinite is as good as not covered: NaN."""
    stacked = np.stack([field[chosen] for field in fields], dtype=np.float64)
    values = np.empty(stacked.shape[::-1])
    _turn_over(stacked, values)
    return values


def _trends(pairs: Pairs, values: Float64, independent: bool, found: FieldTrends, start: int) -> None:
    """Fill in ``found`` for the cells from ``start`` on whose series are ``values``."""
    slopes = median_slopes(values, pairs)
    tied = slopes.pairs != slopes.rising + slopes.falling
    count, third, correlation = _null_terms(values, pairs.time, slopes.slope, tied)
    variance = (count * (count - 1) * (2 * count + 5) - third) / 18.0
    if not independent:
        variance = variance * _inflations(correlation, count)
    own = slice(start, start + len(values))
    found.count[own], found.slope[own], found.score[own] = count, slopes.slope, slopes.score
    found.variance[own] = variance
    found.p[own] = _probabilities(slopes.score, variance, count, third)


def _probabilities(score: Int64, variance: Float64, count: Int64, third: Int64) -> Float64:
    """Two-sided p (m,): exact up to ten values, else normal with Kendall's correction for continuity."""
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.maximum(np.abs(score) - 1, 0) / np.sqrt(variance)
    p = np.where(variance > 0, np.minimum(1.0, 2.0 * ndtr(-z)), 1.0)
    p[count < 2] = np.nan
    few = np.flatnonzero((count >= 2) & (count <= EXACT_UP_TO))
    kinds, kind = np.unique(np.stack([count[few], third[few]], axis=1), axis=0, return_inverse=True)
    for number, (n, ties) in enumerate(kinds.tolist()):
        own = few[kind.ravel() == number]
        p[own] = _exact_tails(n, ties)[np.abs(score[own])]
    return p


@cache
def _exact_tails(n: int, third: int) -> Float64:
    """P(|S| >= s) for s = 0, 1, ... of ``n`` values whose ties have this sum of t (t - 1) (2 t + 5)."""
    probability = null_distribution((1,) * n, _ties_of(n, third))
    span = len(probability) // 2
    size = probability[span:] + np.concatenate([[0.0], probability[:span][::-1]])
    tails: Float64 = np.minimum(1.0, np.cumsum(size[::-1])[::-1])
    return tails


@cache
def _ties_of(n: int, third: int) -> tuple[int, ...]:
    """The ties of up to ten values: their sum names them, since no two ways of tying have one sum."""
    return next(ties for ties in partitions(n) if sum(t * (t - 1) * (2 * t + 5) for t in ties) == third)


def partitions(n: int, largest: int | None = None) -> Iterator[tuple[int, ...]]:
    """All ways of writing ``n`` as a sum, largest part first."""
    if n == 0:
        yield ()
    for part in range(min(n, largest or n), 0, -1):
        yield from ((part, *rest) for rest in partitions(n - part, part))


def _inflations(correlation: Float64, count: Int64) -> Float64:
    """The factor of each cell's variance, (m,): interpolated in a table over the correlation, one a count."""
    factor = np.ones(len(count))
    for n in np.unique(count[count > EXACT_UP_TO]).tolist():
        own = count == n
        factor[own] = np.interp(correlation[own], *_inflation_table(n))
    return factor


@cache
def _inflation_table(n: int) -> tuple[Float64, Float64]:
    least, most = -2.0 / n, (LARGEST_CORRELATION * (n - 4.0) - 2.0) / n
    correlation = np.linspace(least, most, _TABLE)
    return correlation, np.array([first_order_inflation(float(r), n) for r in correlation])


@kernel
def _turn_over(stacked: Float64, values: Float64) -> None:
    """Write ``stacked`` (v, m) into ``values`` (m, v), what is infinite as NaN, in tiles that caches hold."""
    versions, cells = stacked.shape
    for first in range(0, cells, _TILE):
        last = min(first + _TILE, cells)
        for start in range(0, versions, _TILE):
            for m in range(first, last):
                for k in range(start, min(start + _TILE, versions)):
                    value = stacked[k, m]
                    values[m, k] = value if abs(value) < np.inf else np.nan


@inline_kernel
def _tie_term(values: Float64) -> int:
    ordered = np.sort(values)
    total, run = 0, 1
    for k in range(1, len(ordered)):
        run = run + 1 if ordered[k] == ordered[k - 1] else 1
        # t (t - 1) (2 t + 5) grows by 6 (t - 1) (t + 1) from t - 1 to t
        total += 6 * (run - 1) * (run + 1)
    return total


@kernel
def _null_terms(values: Float64, time: Float64, slope: Float64, tied: Bool) -> tuple[Int64, Int64, Float64]:
    """Number of values, sum of t (t - 1) (2 t + 5) over their ties, lag-one correlation of residuals about the line."""
    count, third = np.empty(len(values), np.int64), np.empty(len(values), np.int64)
    correlation = np.empty(len(values))
    for m in range(len(values)):
        n, mean = 0, 0.0
        for k in range(len(time)):
            rest = values[m, k] - slope[m] * time[k]
            there = rest == rest
            n, mean = n + int(there), mean + (rest if there else 0.0)
        mean = mean / n if n > 0 else 0.0
        square, product, before = 0.0, 0.0, 0.0
        for k in range(len(time)):
            rest = values[m, k] - slope[m] * time[k] - mean
            there = rest == rest
            own = rest if there else 0.0
            square, product = square + own * own, product + before * own
            before = own if there else before
        correlation[m] = product / square if square > 0.0 else 0.0
        third[m] = _tie_term(values[m]) if tied[m] else 0
        count[m] = n if n > 1 else np.sum(values[m] == values[m])
    return count, third, correlation


def warm_up() -> None:
    """Compile the kernels for the types that production uses."""
    fields = [np.array([0.0, 1.0, np.nan]), np.array([0.5, 1.0, 2.0]), np.array([0.9, 1.0, 3.0])]
    trends = field_trends(np.arange(3.0), fields)
    slope_intervals(np.arange(3.0), fields, trends, np.ones(3, dtype=np.bool_))
