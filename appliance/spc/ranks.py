"""The number of a rank among many, found by counting.

Sorting thousands of numbers to know one of them wastes most of the work, and branches that nobody can predict.  Here
numbers below a candidate are counted, eight at a time, candidates close in on the rank by interpolation, and the few
numbers that are left between two candidates are sorted.  What is found is exact: one of the numbers, or its neighbour.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from appliance.core.kernels import inline_kernel
from appliance.spc.checks import Float64

#: Numbers that are collected and sorted at the end of a search.
COLLECTED: Final = 32
#: Ranks beyond the wanted one that the second candidate aims at.
_MARGIN: Final = 7
#: Candidates before a search gives up interpolating and halves its interval.
_INTERPOLATED: Final = 12
#: Candidates before all numbers are sorted.
_TURNS: Final = 90
#: Numbers that are looked through together for those to collect.
_BLOCK: Final = 16


@inline_kernel
def counts(numbers: Float64, candidate: float) -> tuple[int, int]:
    """How many numbers lie below ``candidate``, and above."""
    below, above = 0, 0
    for k in range(len(numbers)):
        below += int(numbers[k] < candidate)
        above += int(numbers[k] > candidate)
    return below, above


@inline_kernel
def _collect(numbers: Float64, low: float, high: float, inside: Float64) -> int:
    """Put the numbers strictly between ``low`` and ``high`` into ``inside``; returns how many there are.

    ``inside`` has one place more than there can be: what is not kept is written there, which costs no branch.
    """
    found = 0
    for start in range(0, len(numbers), _BLOCK):
        block = numbers[start : start + _BLOCK]
        own = 0
        for k in range(len(block)):
            own += int((block[k] > low) & (block[k] < high))
        if own > 0:
            for k in range(len(block)):
                inside[found] = block[k]
                found += int((block[k] > low) & (block[k] < high))
    return found


@inline_kernel
def _sort(values: Float64, count: int) -> None:
    """Sort the first ``count`` values, which are few, by insertion."""
    for k in range(1, count):
        value, place = values[k], k
        while place > 0 and values[place - 1] > value:
            values[place] = values[place - 1]
            place -= 1
        values[place] = value


@inline_kernel
def _least_above(numbers: Float64, limit: float) -> float:
    """The smallest number above ``limit``; infinite if there is none."""
    least = np.inf
    for k in range(len(numbers)):
        if limit < numbers[k] < least:
            least = numbers[k]
    return least


@inline_kernel
def candidate_between(
    turn: int, rank: int, low: float, below_low: int, high: float, above_high: int, count: int, step: float
) -> float:
    """The next number to count at, between ``low`` and ``high``, whose ranks enclose ``rank``.

    ``below_low`` numbers are not above ``low``, ``above_high`` are not below ``high``.  With one end known the other is
    sought ``step`` a rank away; with both, by interpolation of ranks.
    """
    if low == -np.inf:
        return high - max((count - above_high - rank + _MARGIN) * step, abs(high) * 1e-12) * 4.0**turn
    if high == np.inf:
        return low + max((rank - below_low + 1 + _MARGIN) * step, abs(low) * 1e-12) * 4.0**turn
    share = 0.5
    if turn < _INTERPOLATED:
        between = count - above_high - below_low
        share = (rank - below_low + 0.5) / between
        margin = min(_MARGIN / between, 0.25)
        # aim a little beyond the rank, towards the farther end: the interval then closes from there
        share = share + margin if share < 0.5 else share - margin
    return low + (high - low) * share


@inline_kernel
def value_of_rank(
    numbers: Float64, rank: int, count: int, low: float, below_low: int, high: float, above_high: int,
    first: float, step: float, inside: Float64,
) -> tuple[float, float]:  # fmt: skip
    """The number of ``rank`` (from 0), and the next one in order.

    ``count`` numbers are there, the others are NaN.  ``low`` and ``high`` enclose the rank: ``below_low`` are not above
    the one, ``above_high`` not below the other.  The search begins at ``first`` and takes ``step`` for the distance of
    neighbours.  ``inside`` is room for what is sorted in the end, COLLECTED + 1.
    """
    candidate = first
    for turn in range(_TURNS):
        between = count - above_high - below_low
        if between < len(inside):
            break
        if turn > 0 or not low < candidate < high:
            candidate = candidate_between(turn, rank, low, below_low, high, above_high, count, step)
        if not low < candidate < high:
            candidate = low + (high - low) * 0.5
        if not low < candidate < high:
            break  # no number is left between them
        below, above = counts(numbers, candidate)
        if below <= rank and above <= count - 1 - rank:
            following = candidate if above <= count - 2 - rank else _least_above(numbers, candidate)
            return candidate, following
        if below > rank:
            high, above_high = candidate, count - below
        else:
            low, below_low = candidate, count - above
    if count - above_high - below_low >= len(inside):
        ordered = np.sort(numbers)  # none of the above led there; NaN stands at the end
        return ordered[rank], ordered[min(rank + 1, count - 1)]
    found = _collect(numbers, low, high, inside)
    _sort(inside, found)
    place = rank - below_low
    value = inside[place]
    following = inside[place + 1] if place + 1 < found else _least_above(numbers, value)
    return value, following
