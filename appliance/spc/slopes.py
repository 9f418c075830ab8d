"""Slopes of all pairs of a series, for many series at once.

The slopes of n values are n (n - 1) / 2 numbers, (y_j - y_i) r_ij with r_ij = 1 / (t_j - t_i).  Their median
is found by ``sweep``, without them, where a series is long enough; where that proves nothing, and for all other order
statistics, by counting (``ranks``): first at zero, which is the score of Mann and Kendall, then about the slope of
least squares.  The answer is exact, the same bits either way and on any number of threads.

A pair with r_ij = NaN is none: so values of different segments of a series, or of one time stamp, are not compared.  A
value that is NaN takes part in no pair.

Memory: 4 n^2 bytes a thread, whatever the number of series.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from appliance.core.kernels import inline_kernel, kernel, over_chunks
from appliance.spc.checks import Float64, Int64
from appliance.spc.orders import MOST
from appliance.spc.ranks import COLLECTED, counts, value_of_rank
from appliance.spc.sweep import sweep_of, swept_median

#: Series in one task of the pool.
_ROWS_A_TASK: Final = 4096
#: Values of a series whose median slope is swept for: of fewer all pairs are soon looked through.
_FEWEST_SWEPT: Final = 16


@dataclass(frozen=True)
class Pairs:
    """The pairs of the values of a series, or of all series at the same times: what their slopes are made with.

    ``time`` float64 (n,); ``reciprocal`` float64 (n (n - 1) / 2,) in the order of ``members``, NaN of pairs that are
    none; ``count`` of those that are.
    """

    time: Float64
    reciprocal: Float64
    count: int


def pairs_of(time: Float64, stratum: Int64 | None = None) -> Pairs:
    """The pairs of values at ``time`` (n,): of two times, and of one ``stratum`` int64 (n,) where there are several."""
    first, second = members(len(time))
    step = time[second] - time[first]
    usable = step != 0
    if stratum is not None:
        usable &= stratum[second] == stratum[first]
    with np.errstate(over="ignore"):
        reciprocal = np.divide(1.0, step, out=np.full(step.shape, np.nan), where=usable)
    reciprocal[np.isinf(reciprocal)] = np.nan  # times that differ by less than numbers can divide by are one time
    return Pairs(_own(time), reciprocal, int(np.isfinite(reciprocal).sum()))


def members(n: int) -> tuple[Int64, Int64]:
    """Both members of every pair of ``n`` values, lag by lag, around the end of the series.

    Value k meets value k + lag, which beyond the end is an earlier one: the step of time is negative then, and the
    slope the same.  All lags are as long as the series (the last one of an even series half as long), which keeps the
    processor's lanes full.
    """
    place = np.arange(n * (n - 1) // 2)
    lag = place // n
    first = place - lag * n
    second = first + lag + 1
    return first, np.where(second >= n, second - n, second)


def scores(values: Float64, pairs: Pairs) -> Int64:
    """Rising pairs less falling pairs of each series: ``values`` (m, n), int64 (m,)."""
    rows = _own(values)
    parts = over_chunks(len(rows), lambda a, b: _scores(rows[a:b], pairs.reciprocal), chunk=_ROWS_A_TASK)
    return np.concatenate(parts or [np.zeros(0, dtype=np.int64)])


@dataclass(frozen=True)
class PairSlopes:
    """Of each series, (m,): how many pairs rise, fall and are there, and their median slope (NaN without pairs)."""

    rising: Int64
    falling: Int64
    pairs: Int64
    slope: Float64

    @property
    def score(self) -> Int64:
        """Kendall's score, int64 (m,)."""
        return np.asarray(self.rising - self.falling)


def median_slopes(values: Float64, pairs: Pairs) -> PairSlopes:
    """Counts of pairs and the median slope of each series: ``values`` float64 (m, n).

    Where the number of pairs is even the median is the mean of the middle two.  Memory: 32 bytes a series.
    """
    rows, slope = _own(values), np.empty(len(values))
    tally = np.empty((len(values), 3), np.int64)

    def work(start: int, stop: int) -> None:
        own = slice(start, stop)
        _median_slopes(rows[own], pairs.time, pairs.reciprocal, pairs.count, tally[own], slope[own])

    over_chunks(len(rows), work, chunk=_ROWS_A_TASK)
    rising, falling, count = np.ascontiguousarray(tally.T)
    return PairSlopes(rising, falling, count, slope)


def ranked_slopes(values: Float64, pairs: Pairs, rank: Int64) -> Float64:
    """The slope of ``rank`` (from 0) among the pairs of each series, (m,); infinite where the rank is beyond them."""
    rows, found = _own(values), np.empty(len(values))

    def work(start: int, stop: int) -> None:
        own = slice(start, stop)
        _ranked_slopes(rows[own], pairs.time, pairs.reciprocal, pairs.count, rank[own], found[own])

    over_chunks(len(rows), work, chunk=_ROWS_A_TASK)
    return found


def _own(values: Float64) -> Float64:
    """Values as the kernels are compiled for: in one piece and writable, which costs a copy where they are not."""
    return np.require(values, np.float64, ["C", "W"])


@inline_kernel
def _fill(y: Float64, table: Float64, twice: Float64, slopes: Float64) -> int:
    """Write the slope of every pair, (n (n - 1) / 2,), NaN of those that are none.

    Returns how many there are, or -1 for a series without gaps, whose pairs the caller knows.
    """
    n = len(y)
    gaps = 0
    for k in range(n):
        twice[k], twice[k + n] = y[k], y[k]
        gaps += int(y[k] != y[k])
    pairs = 0
    for start in range(0, len(table), n):
        row, out, later = table[start : start + n], slopes[start : start + n], twice[start // n + 1 :]
        for k in range(len(row)):
            out[k] = (later[k] - twice[k]) * row[k]
    if gaps == 0:
        return -1
    for k in range(len(slopes)):
        pairs += int(slopes[k] == slopes[k])
    return pairs


@inline_kernel
def _least_squares(y: Float64, time: Float64) -> tuple[float, float]:
    """Slope of least squares through the values that are there, and its standard error: where a search begins."""
    n, mean_t, mean_y = 0, 0.0, 0.0
    for i in range(len(y)):
        if y[i] == y[i]:
            n, mean_t, mean_y = n + 1, mean_t + time[i], mean_y + y[i]
    if n < 3:
        return 0.0, 1.0
    mean_t, mean_y = mean_t / n, mean_y / n
    tt, ty, yy = 0.0, 0.0, 0.0
    for i in range(len(y)):
        if y[i] == y[i]:
            dt, dy = time[i] - mean_t, y[i] - mean_y
            tt, ty, yy = tt + dt * dt, ty + dt * dy, yy + dy * dy
    if tt <= 0.0:
        return 0.0, 1.0
    slope = ty / tt
    return slope, np.sqrt(max(yy - slope * ty, 0.0) / ((n - 2) * tt))


@inline_kernel
def _step(error: float, values: int) -> float:
    """About the distance of neighbouring slopes near their median, from the standard error of least squares.

    The score falls by its standard deviation, sqrt(n^3 / 9) in null, over one standard error, and by 2 a rank.
    """
    return float(max(2.0 * error / np.sqrt(values**3 / 9.0), 1e-300))


@kernel
def _scores(values: Float64, table: Float64) -> Int64:
    slopes, twice = np.empty(len(table)), np.empty(2 * values.shape[1])
    found = np.empty(len(values), dtype=np.int64)
    for m in range(len(values)):
        _fill(values[m], table, twice, slopes)
        below, above = counts(slopes, 0.0)
        found[m] = above - below
    return found


@kernel
def _median_slopes(values: Float64, time: Float64, table: Float64, whole: int, tally: Int64, slope: Float64) -> None:
    """``whole`` is how many pairs a series without gaps has."""
    n = values.shape[1]
    slopes, twice, inside = np.empty(len(table)), np.empty(2 * n), np.empty(COLLECTED + 1)
    sweep = sweep_of(n)
    swept = _FEWEST_SWEPT <= n <= MOST and whole == len(table)
    for m in range(len(values)):
        first, error = _least_squares(values[m], time)
        step = _step(error, n)
        count = -1
        if swept:
            rising, falling, count, middle = swept_median(values[m], time, first, step, sweep)
        if count < 0:
            count = _fill(values[m], table, twice, slopes)
            count = whole if count < 0 else count
            falling, rising = counts(slopes, 0.0)
            middle = _middle_slope(slopes, falling, rising, count, first, step, inside)
        tally[m, 0], tally[m, 1], tally[m, 2], slope[m] = rising, falling, count, middle


@inline_kernel
def _middle_slope(
    slopes: Float64, falling: int, rising: int, count: int, first: float, step: float, inside: Float64
) -> float:
    """The median of ``count`` slopes, of which ``falling`` are below zero and ``rising`` above; NaN of none."""
    rank = (count - 1) // 2
    if count == 0:
        return np.nan
    low, below_low, high, above_high = -np.inf, 0, np.inf, 0
    if falling > rank:
        high, above_high = 0.0, count - falling
    elif rising >= count - rank:
        low, below_low = 0.0, count - rising
    middle, following = value_of_rank(slopes, rank, count, low, below_low, high, above_high, first, step, inside)
    return float(middle if count % 2 else 0.5 * (middle + following))


@kernel
def _ranked_slopes(values: Float64, time: Float64, table: Float64, whole: int, rank: Int64, found: Float64) -> None:
    slopes, twice, inside = np.empty(len(table)), np.empty(2 * values.shape[1]), np.empty(COLLECTED + 1)
    for m in range(len(values)):
        count = _fill(values[m], table, twice, slopes)
        count = whole if count < 0 else count
        if rank[m] < 0 or rank[m] >= count:
            found[m] = -np.inf if rank[m] < 0 else np.inf
            continue
        slope, error = _least_squares(values[m], time)
        step = _step(error, values.shape[1])
        first = slope + (rank[m] - 0.5 * count) * step
        found[m], _ = value_of_rank(slopes, rank[m], count, -np.inf, 0, np.inf, 0, first, step, inside)


def warm_up() -> None:
    """Compile the kernels for the types that production uses."""
    values, pairs = np.array([[0.0, 1.0, 1.5, 4.0]]), pairs_of(np.arange(4.0))
    scores(values, pairs)
    median_slopes(values, pairs)
    ranked_slopes(values, pairs, np.array([1]))
