"""Sums that agree to the last bit whatever the order: whole numbers, never floats.

A value is counted in *nano-units*, millionths of its unit: nanometres of a length in mm (``value * 10^6``, rounded half
to even).  Sums of whole numbers commute, so a roll-up that is updated value by value, in parts that are merged, or
rebuilt from the rows is one and the same record, and what was added can be taken out again.

Squares of 10 mm in nm overflow 64 bits after 92,000 values: ``ExactSums`` counts in Python's integers, and is stored as
two limbs of base 2^62, which databases add in their own 64 bits: the lower ones of two records never overflow.

Extremes cannot be taken out again (another value may hold them); whoever deletes reads them anew from the rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import kernel
from appliance.errors import InvalidInput
from appliance.spc.checks import Int64, finite, require

#: Nano-units in one unit of a value: nm in a mm.
NANO: Final = 1_000_000
#: Largest nano-value, either side of zero: float64 holds every whole number up to here, 9,007 km in nm.
NANO_LIMIT: Final = 1 << 53
#: Base of the limbs of a stored sum.
LIMB_BITS: Final = 62
_LIMB_MASK: Final = (1 << LIMB_BITS) - 1


def nano(values: npt.ArrayLike) -> Int64:
    """``values`` in nano-units, int64 of their shape, rounded half to even.

    Raises
    ------
    InvalidInput : a value is not finite, or beyond ``NANO_LIMIT``
    """
    array = np.asarray(values, dtype=np.float64)
    scaled = np.rint(finite(array.ravel(), "values").reshape(array.shape) * NANO)
    require((np.abs(scaled) <= NANO_LIMIT).all(), "spc.nano", "A value is too large to be counted in nano-units.")
    return scaled.astype(np.int64)


@dataclass(frozen=True)
class ExactSums:
    """Count, sum and sum of squares of nano-values; the empty record is the default.

    ``a + b`` holds the values of both and ``a - b`` those of a without those of b, exactly.
    """

    count: int = 0
    total: int = 0
    squares: int = 0

    @classmethod
    def of(cls, nano_values: npt.ArrayLike) -> ExactSums:
        """The sums of nano-values, whole numbers (n,).

        Raises
        ------
        InvalidInput : a value is not a whole number, or beyond ``NANO_LIMIT``
        """
        array = _whole(nano_values)
        group = np.zeros(len(array), dtype=np.int64)
        return grouped_sums(array, group, 1)[0]

    def __add__(self, other: ExactSums) -> ExactSums:
        return ExactSums(self.count + other.count, self.total + other.total, self.squares + other.squares)

    def __sub__(self, other: ExactSums) -> ExactSums:
        """The record without the values of ``other``.

        Raises
        ------
        InvalidInput : ``other`` cannot have been a part of it
        """
        left = ExactSums(self.count - other.count, self.total - other.total, self.squares - other.squares)
        possible = left.count >= 0 and left.squares >= 0 and left.count * left.squares >= left.total**2
        require(possible and (left.count > 0 or left == ExactSums()), "spc.sums", "More is taken out than was put in.")
        return left

    def mean(self) -> float:
        """Mean in nano-units, correctly rounded; NaN of nothing."""
        return self.total / self.count if self.count else math.nan

    def variance(self) -> float:
        """Variance with divisor n - 1 in nano-units squared, correctly rounded; NaN of less than two."""
        if self.count < 2:
            return math.nan
        return (self.count * self.squares - self.total**2) / (self.count * (self.count - 1))

    def deviation(self) -> float:
        """Standard deviation in nano-units; NaN of less than two."""
        return math.sqrt(self.variance()) if self.count > 1 else math.nan

    def limbs(self) -> tuple[int, int, int, int, int]:
        """Count, high and low limb of the sum, high and low limb of the squares: five numbers of 64 bits.

        Raises
        ------
        InvalidInput : a sum has outgrown its two limbs
        """
        return (self.count, *split_limbs(self.total), *split_limbs(self.squares))

    @classmethod
    def from_limbs(cls, count: int, total_high: int, total_low: int, squares_high: int, squares_low: int) -> ExactSums:
        """The record of five stored numbers; low limbs that a database has added need not be normalised."""
        return cls(count, (total_high << LIMB_BITS) + total_low, (squares_high << LIMB_BITS) + squares_low)


def split_limbs(number: int) -> tuple[int, int]:
    """``number`` as (high, low) with number = high 2^62 + low and 0 <= low < 2^62.

    Raises
    ------
    InvalidInput : the high limb does not fit into 64 bits
    """
    high = number >> LIMB_BITS
    require(-(1 << 63) <= high < 1 << 63, "spc.sums", "A sum has outgrown its two limbs.")
    return high, number & _LIMB_MASK


def grouped_sums(nano_values: npt.ArrayLike, group: npt.ArrayLike, groups: int) -> tuple[ExactSums, ...]:
    """The sums of each group: ``group`` int64 (n,) names the one of value i, 0 to ``groups`` - 1.

    Memory: 56 bytes a group, nothing a value.

    Raises
    ------
    InvalidInput : a value is not whole or too large, or a group does not exist
    """
    array, index = _whole(nano_values), np.asarray(group, dtype=np.int64)
    require(index.shape == array.shape, "spc.shape", "Every value needs its group.")
    require(len(index) == 0 or (index.min() >= 0 and index.max() < groups), "spc.group", "A group does not exist.")
    count, total, squares = _limb_sums(array, index, groups)
    return tuple(
        ExactSums(int(count[g]), _joined(total[g], signed=True), _joined(squares[g], signed=False))
        for g in range(groups)
    )


def grouped_limbs(nano_values: npt.ArrayLike, group: npt.ArrayLike, groups: int) -> tuple[Int64, Int64, Int64]:
    """The same as arrays: counts (g,), and sums and squares as the two limbs that are stored, upper one first, (g, 2).

    Raises
    ------
    InvalidInput : as ``grouped_sums``
    """
    array, index = _whole(nano_values), np.asarray(group, dtype=np.int64)
    require(index.shape == array.shape, "spc.shape", "Every value needs its group.")
    require(len(index) == 0 or (index.min() >= 0 and index.max() < groups), "spc.group", "A group does not exist.")
    count, total, squares = _limb_sums(array, index, groups)
    return count, _stored(total), _stored(squares)


def negated_limbs(limbs: Int64) -> Int64:
    """Stored limbs (g, 2) of the numbers with the other sign."""
    low = -limbs[:, 1] & _LIMB_MASK
    return np.stack([-limbs[:, 0] - (low != 0), low], axis=1)


def _stored(limbs: npt.NDArray[np.uint64]) -> Int64:
    """Two limbs of base 2^64, lower first, as the two of base 2^62 that are stored."""
    low = limbs[:, 0] & np.uint64(_LIMB_MASK)
    high = (limbs[:, 1] << np.uint64(64 - LIMB_BITS)) | (limbs[:, 0] >> np.uint64(LIMB_BITS))
    return np.stack([high.view(np.int64), low.view(np.int64)], axis=1)


def _joined(limbs: npt.NDArray[np.uint64], *, signed: bool) -> int:
    """A number of two limbs of 64 bits, lower first, in two's complement if ``signed``."""
    number = (int(limbs[1]) << 64) | int(limbs[0])
    return number - (1 << 128) if signed and number >> 127 else number


def _whole(values: npt.ArrayLike) -> Int64:
    array = np.asarray(values)
    if array.dtype.kind not in "iu" and array.size:
        raise InvalidInput("spc.nano", "Sums are exact of whole numbers only.", "Convert values with nano().")
    whole = array.astype(np.int64).ravel()
    fits = not array.size or (array.min() >= -NANO_LIMIT and array.max() <= NANO_LIMIT)
    require(fits, "spc.nano", "A value is too large to be counted in nano-units.")
    return whole


@kernel
def _limb_sums(
    values: Int64, group: Int64, groups: int
) -> tuple[Int64, npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Counts (g,), and sums and sums of squares as pairs of 64-bit limbs (g, 2), lower first."""
    count = np.zeros(groups, dtype=np.int64)
    total = np.zeros((groups, 2), dtype=np.uint64)
    squares = np.zeros((groups, 2), dtype=np.uint64)
    half, mask = np.uint64(32), np.uint64(0xFFFFFFFF)
    for n in range(len(values)):
        g, value = group[n], values[n]
        count[g] += 1
        # the sum, in two's complement: the upper limb is the sign
        before = total[g, 0]
        total[g, 0] = before + np.uint64(value)
        total[g, 1] += np.uint64(value >> 63) + np.uint64(total[g, 0] < before)
        # the square of |value| < 2^54 from halves of 32 bits
        size = np.uint64(abs(value))
        low, high = size & mask, size >> half
        cross = low * high
        square = low * low
        lower = square + ((cross + cross) << half)
        upper = high * high + ((cross + cross) >> half) + np.uint64(lower < square)
        before = squares[g, 0]
        squares[g, 0] = before + lower
        squares[g, 1] += upper + np.uint64(squares[g, 0] < before)
    return count, total, squares
