"""Where a series changes its level: Pettitt's rank statistic, with its significance from permutations.

K = max over t of |U_t|, U_t = 2 sum of the first t ranks - t (n + 1).  The series is cut at the largest |U_t| if no
more than a share ``alpha`` of random orders of its values reach as much; then both sides are looked at by themselves,
each with half of that alpha.  Blocks of neighbours are moved together where they are alike.

A change of level is told from a trend by nothing here: test for a trend within what is between two changes.

Source: Pettitt, Applied Statistics 28 (1979) 126-135, doi:10.2307/2346729.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.spc import draws
from appliance.spc.checks import Float64, Int64, finite, require, share

#: Random orders of one test: the least p is 1 / 2000.
ORDERS: Final = 1999
#: Fewest values on either side of a change.
LEAST_SIDE: Final = 3


@dataclass(frozen=True)
class Change:
    """A change of level before value ``index``: medians on both sides, the statistic K, its permutation probability
    ``p``, and ``p_asymptotic`` = 2 exp(-6 K^2 / (n^3 + n^2)) as Pettitt published it, for comparison.
    """

    index: int
    before: float
    after: float
    statistic: int
    p: float
    p_asymptotic: float


def change_point(values: npt.ArrayLike, *, seed: int = 0, block: int = 1) -> Change:
    """The likeliest change of level of values (n,), whether significant or not.

    ``block`` values are moved together in permutations: more than 1 where neighbours are alike.

    Raises
    ------
    InvalidInput : fewer than six values, one not finite, or blocks so long that fewer than six are left
    """
    array = finite(values, "values", least=2 * LEAST_SIDE)
    require(1 <= block <= len(array) // 6, "spc.block", "At least six blocks of values are needed.")
    ranks = _ranks(array)
    path = _path(ranks)
    inner = np.abs(path[LEAST_SIDE - 1 : len(array) - LEAST_SIDE])
    index = int(np.argmax(inner)) + LEAST_SIDE
    statistic = round(float(inner.max()))
    drawn = np.abs(_path(ranks[_orders(len(array), block, seed)]))[:, LEAST_SIDE - 1 : len(array) - LEAST_SIDE]
    p = (1 + int((drawn.max(axis=1) >= statistic).sum())) / (ORDERS + 1)
    n = len(array)
    asymptotic = min(1.0, 2.0 * math.exp(-6.0 * statistic**2 / (n**3 + n**2)))
    return Change(index, float(np.median(array[:index])), float(np.median(array[index:])), statistic, p, asymptotic)


def change_points(values: npt.ArrayLike, *, alpha: float = 0.05, seed: int = 0, block: int = 1) -> tuple[Change, ...]:
    """All changes of level of values (n,) at ``alpha``, in order; each cut halves the alpha of those within its sides.

    Raises
    ------
    InvalidInput : as ``change_point``, except that short series have no changes
    """
    array = finite(values, "values")
    return tuple(sorted(_cuts(array, 0, share(alpha, "alpha"), seed, block), key=lambda change: change.index))


def _cuts(values: Float64, start: int, alpha: float, seed: int, block: int) -> list[Change]:
    if len(values) < max(2 * LEAST_SIDE, 6 * block):
        return []
    change = change_point(values, seed=seed, block=block)
    if change.p > alpha:
        return []
    own = Change(start + change.index, change.before, change.after, change.statistic, change.p, change.p_asymptotic)
    left = _cuts(values[: change.index], start, alpha / 2.0, seed + 1, block)
    return [own, *left, *_cuts(values[change.index :], own.index, alpha / 2.0, seed + 2, block)]


def _ranks(values: Float64) -> Float64:
    """Ranks from 1 on, (n,); values that are alike share the mean of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return np.asarray((last - (count - 1) / 2.0)[place])


def _path(ranks: Float64) -> Float64:
    """U_t for t = 1 to n - 1 of ranks (..., n)."""
    n = ranks.shape[-1]
    path: Float64 = 2.0 * np.cumsum(ranks, axis=-1)[..., :-1] - np.arange(1, n) * (n + 1.0)
    return path


def _orders(count: int, block: int, seed: int) -> Int64:
    """Random orders of ``count`` values in blocks, int64 (ORDERS, count)."""
    blocks = -(-count // block)
    order = draws.orders(blocks, seed, ORDERS)
    rows = (order[:, :, None] * block + np.arange(block)).reshape(ORDERS, -1)
    return rows[rows < count].reshape(ORDERS, count)
