"""The median of pair slopes without the pairs: a line is turned over the series, and what it passes is counted.

Order the values by their residuals y - c t.  At c = 0 a falling pair stands in reverse order; as c grows, two values
change places exactly where c passes the slope of their pair.  So the number of pairs below c is the number of pairs
that stand in reverse, and the pairs between two candidates are the exchanges that lead from one order to the other:
few, where both are near the median.  They alone become slopes, computed as those of ``slopes`` are, and the median is
one of them to the last bit.

What rounding could change is not decided here: where two residuals differ by less than their errors the order proves
nothing, and the search says that it found nothing.

Work: n^2 comparisons of 16 bits, 32 at a time, and some n exchanges.  Times differ from each other.

Source: Cole, Salowe, Steiger, Szemerédi, SIAM Journal on Computing 18 (1989) 792-810, doi:10.1137/0218055.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from appliance.core.kernels import inline_kernel
from appliance.spc.checks import Float64
from appliance.spc.orders import KEPT, Order, order_of, sort_all, sort_by_insertion, tied_pairs
from appliance.spc.ranks import candidate_between

#: Candidates before a search is given up.
_TURNS: Final = 40
#: Ranks beyond the wanted one that the first turn aims at, and the part of the way to it that is added.
_MARGIN: Final = 6
_SHARE: Final = 0.25
#: Residuals that differ by less, in parts of the largest number that they are made of, may stand in either order: the
#: rounding of two residuals and of a slope is below 2^-49.
_SURE: Final = 2.0**-47
#: Magnitudes of values and times for which that holds: no product leaves the range of normal numbers.
_SMALLEST: Final = 1e-100
_LARGEST: Final = 1e100


class Sweep(NamedTuple):
    """Room for series of up to n values: the values that are there, their times, residuals, and the order of these."""

    values: Float64
    times: Float64
    rest: Float64
    order: Order


@inline_kernel
def sweep_of(n: int) -> Sweep:
    """Room for series of up to ``n`` values."""
    return Sweep(np.empty(n), np.empty(n), np.empty(n + KEPT), order_of(n))


@inline_kernel
def swept_median(y: Float64, time: Float64, first: float, step: float, sweep: Sweep) -> tuple[int, int, int, float]:
    """How many pairs rise, fall and are there, and their median slope; -1 pairs where the search proves nothing.

    ``y`` (n,), NaN where there is no value, at ``time`` (n,), strictly rising.  ``first`` is a slope near the median,
    ``step`` about the distance of neighbouring slopes there.
    """
    n, largest, latest = _take(y, time, sweep)
    if n < 3 or not (_SMALLEST < largest < _LARGEST and latest < _LARGEST):
        return 0, 0, -1, np.nan
    count = n * (n - 1) // 2
    falling = sort_all(sweep.values, n, sweep.order)
    level = tied_pairs(n, sweep.order)
    rising, rank = count - falling - level, (count - 1) // 2
    if falling <= rank and rank + 1 < falling + level:
        return rising, falling, count, 0.0
    low, below_low, high, above_high = -np.inf, 0, np.inf, 0
    if rank < falling:
        high, above_high = 0.0, count - falling
    elif rank >= falling + level:
        low, below_low = 0.0, falling + level
    found, slope = _search(n, largest, latest, rank, low, below_low, high, above_high, first, step, sweep)
    return (rising, falling, count, slope) if found else (0, 0, -1, np.nan)


@inline_kernel
def _take(y: Float64, time: Float64, sweep: Sweep) -> tuple[int, float, float]:
    """Take over the values that are there; returns how many, and the largest magnitudes of values and times."""
    n, largest, latest = 0, 0.0, 0.0
    for k in range(len(y)):
        sweep.values[n], sweep.times[n] = y[k], time[k]
        if y[k] == y[k]:
            n, largest, latest = n + 1, max(largest, abs(y[k])), max(latest, abs(time[k]))
    return n, largest, latest


@inline_kernel
def _search(
    n: int, largest: float, latest: float, rank: int, low: float, below_low: int, high: float, above_high: int,
    slope: float, step: float, sweep: Sweep,
) -> tuple[bool, float]:  # fmt: skip
    """The median, whose ``rank`` lies between ``low`` and ``high`` as in ``ranks``; False where nothing is proven."""
    count = n * (n - 1) // 2
    if not low < slope < high:
        slope = candidate_between(0, rank, low, below_low, high, above_high, count, step)
    for k in range(n):
        sweep.rest[k] = sweep.values[k] - slope * sweep.times[k]
    if not largest + abs(slope) * latest < _LARGEST:
        return False, np.nan
    below = sort_all(sweep.rest, n, sweep.order)
    if not _is_sure(n, largest + abs(slope) * latest, sweep.order):
        return False, np.nan
    last = rank + 1 - count % 2  # the other one of two middle slopes
    for turn in range(_TURNS):
        if below > last:
            high, above_high = slope, count - below
        elif below <= rank:
            low, below_low = slope, below
        away = rank - below
        target = slope + ((1.0 + _SHARE) * away + (_MARGIN if away >= 0 else -_MARGIN)) * step
        if (turn > 0 and not rank < below <= last) or not low < target < high:
            target = candidate_between(turn, rank, low, below_low, high, above_high, count, step)
        if not low < target < high:
            break
        swaps = _turn(n, target, sweep)
        if not _is_sure(n, largest + abs(target) * latest, sweep.order):
            break
        start, below = below, below + swaps if target > slope else below - swaps
        slope = target
        least = min(start, below)
        if swaps <= KEPT and least <= rank and last < max(start, below):
            return True, _middle(swaps, rank - least, count, sweep)
    return False, np.nan


@inline_kernel
def _turn(n: int, slope: float, sweep: Sweep) -> int:
    """Bring the order to that of the residuals about ``slope``; returns the number of exchanges."""
    order = sweep.order
    for k in range(n):
        order.level[k] = sweep.values[order.place[k]] - slope * sweep.times[order.place[k]]
    return sort_by_insertion(n, order)


@inline_kernel
def _is_sure(n: int, largest: float, order: Order) -> bool:
    """Whether neighbouring residuals differ by more than rounding can make of numbers as ``largest``."""
    close, least = 0, _SURE * largest
    for k in range(1, n):
        close += int(not order.level[k] - order.level[k - 1] > least)
    return close == 0


@inline_kernel
def _middle(swaps: int, place: int, count: int, sweep: Sweep) -> float:
    """The median of ``count`` slopes from the pairs that were exchanged, of which ``place`` lie below it."""
    slopes = sweep.rest
    for k in range(swaps):
        a, b = sweep.order.one[k], sweep.order.other[k]
        slopes[k] = (sweep.values[b] - sweep.values[a]) * (1.0 / (sweep.times[b] - sweep.times[a]))
    middle = _of_rank(slopes, swaps, place)
    return float(middle if count % 2 else 0.5 * (middle + _of_rank(slopes, swaps, place + 1)))


@inline_kernel
def _of_rank(numbers: Float64, count: int, rank: int) -> float:
    """The number of ``rank`` among the first ``count``, which are few: each is compared with all."""
    few = numbers[:count]
    for own in few:
        smaller, as_small = 0, 0
        for k in range(len(few)):
            smaller += int(few[k] < own)
            as_small += int(few[k] <= own)
        if smaller <= rank < as_small:
            return float(own)
    return np.nan
