"""Points counted by the cubes of a lattice that they lie in: the first of each cube, and how many lie around.

A cube has one number, three times 21 bits.  Numbers are kept in an open table of twice as many places as
points, so that a pass costs one look at memory a point where sorting costs twenty.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from appliance.core.bounds import bounds_of
from appliance.core.kernels import inline_kernel, kernel, over_chunks

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]


def cubes_of(xyz: Float64, side_mm: float) -> Int64:
    """The number of the cube of side ``side_mm`` that each point lies in; sides grow where numbers would not do."""
    lower, upper = bounds_of(xyz)
    side = max(side_mm, float((upper - lower).max()) / (2**20))
    numbers = np.empty(len(xyz), dtype=np.int64)
    over_chunks(len(xyz), lambda start, stop: _number(xyz[start:stop], lower, side, numbers[start:stop]))
    return numbers


def first_of_each(numbers: Int64) -> Int64:
    """Indices, in order, of the points that come first in their cubes."""
    return _firsts(numbers, _empty_table(len(numbers)))


def around(numbers: Int64, enough: int) -> Int64:
    """How many points lie in the 27 cubes about each point's own, itself included.

    Where the own cube alone holds ``enough``, the others are not looked at.
    """
    keys = _empty_table(len(numbers))
    counts = np.zeros(len(keys), dtype=np.int32)
    place = np.empty(len(numbers), dtype=np.int64)
    _count(numbers, keys, counts, place)
    found = np.empty(len(numbers), dtype=np.int64)

    def work(start: int, stop: int) -> None:
        _neighbours(numbers[start:stop], place[start:stop], keys, counts, enough, found[start:stop])

    over_chunks(len(numbers), work)
    return found


def _empty_table(points: int) -> Int64:
    return np.full(1 << max(4, (2 * points - 1).bit_length()), -1, dtype=np.int64)


@kernel
def _number(xyz: Float64, lower: Float64, side: float, numbers: Int64) -> None:
    for n in range(len(xyz)):
        number = np.int64(0)
        for d in range(3):
            number = (number << 21) | (np.int64(np.floor((xyz[n, d] - lower[d]) / side)) + 1)
        numbers[n] = number


@inline_kernel
def _place_of(number: np.int64, keys: Int64) -> np.int64:
    """Where ``number`` stands in the table, or the free place where it would."""
    mask = np.int64(len(keys) - 1)
    mixed = np.uint64(number) * np.uint64(0x9E3779B97F4A7C15)
    place = np.int64(mixed >> np.uint64(20)) & mask
    while keys[place] != -1 and keys[place] != number:
        place = (place + 1) & mask
    return place


@kernel
def _firsts(numbers: Int64, keys: Int64) -> Int64:
    found = np.empty(len(numbers), np.int64)
    count = 0
    for n in range(len(numbers)):
        place = _place_of(numbers[n], keys)
        if keys[place] == -1:
            keys[place] = numbers[n]
            found[count] = n
            count += 1
    return found[:count].copy()


@kernel
def _count(numbers: Int64, keys: Int64, counts: Int32, place: Int64) -> None:
    for n in range(len(numbers)):
        own = _place_of(numbers[n], keys)
        keys[own] = numbers[n]
        counts[own] += 1
        place[n] = own


@kernel
def _neighbours(numbers: Int64, place: Int64, keys: Int64, counts: Int32, enough: int, found: Int64) -> None:
    for n in range(len(numbers)):
        found[n] = counts[place[n]]
        if found[n] < enough:
            found[n] = 0
            for dx in range(-1, 2):
                for dy in range(-1, 2):
                    for dz in range(-1, 2):
                        step = np.int64(dx) * (1 << 42) + np.int64(dy) * (1 << 21) + np.int64(dz)
                        found[n] += counts[_place_of(numbers[n] + step, keys)]
