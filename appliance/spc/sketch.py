"""A sketch of quantiles that knows no order: counts of whole numbers in buckets of equal relative width.

A nano-value v (see ``exact``) of size m = |v| falls into bucket

    m                   where m < 256: a bucket of its own
    128 e + (m >> e)    else, with e such that 128 <= m >> e < 256

that is, into one of 128 equal parts of its octave.  That of -m is the bucket of m, mirrored: -1 - bucket.  All of it is
arithmetic of whole numbers: no logarithm that libraries round differently.

*Bound.*  A bucket [a, a + w) beyond the exact ones has a >= 128 w, so its middle is off by at most w / 2 <= a / 256
from any value in it: a quantile that the sketch tells differs from the value of that rank by at most 1/256 of that
value (0.4 %), and not at all below 256 nm.  Ranks are exact: a value is in the bucket of its own.

*Order.*  A sketch is a function of the multiset of its values: bucket counts are whole numbers that are added.  So
insertion commutes, merging is associative and commutative, and what was added can be taken out; the stored bytes are
those of the counts in the order of their buckets, with one spelling.

Of the family of DDSketch (Masson, Rim & Lee, PVLDB 12 (2019) 2195-2205, doi:10.14778/3352063.3352135), with the linear
parts of an octave of HdrHistogram in place of logarithms.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import kernel
from appliance.errors import InvalidInput
from appliance.spc.checks import Int64, require
from appliance.spc.exact import NANO_LIMIT

#: Parts of an octave, as a power of two.
PART_BITS: Final = 7
PARTS: Final = 1 << PART_BITS
#: Largest error of a quantile, relative to it.
RELATIVE_ERROR: Final = 1.0 / (2 * PARTS)


@dataclass(frozen=True)
class QuantileSketch:
    """Counts of buckets; only buckets that hold something are kept.  The empty sketch is the default."""

    counts: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, nano_values: npt.ArrayLike) -> QuantileSketch:
        """The sketch of nano-values, whole numbers (n,).

        Raises
        ------
        InvalidInput : a value is not a whole number, or beyond ``NANO_LIMIT``
        """
        bucket, count = np.unique(buckets_of(nano_values), return_counts=True)
        return cls(dict(zip(bucket.tolist(), count.tolist(), strict=True)))

    @property
    def count(self) -> int:
        """Number of values."""
        return sum(self.counts.values())

    def __add__(self, other: QuantileSketch) -> QuantileSketch:
        return QuantileSketch(_combined(self.counts, other.counts, 1))

    def __sub__(self, other: QuantileSketch) -> QuantileSketch:
        """The sketch without the values of ``other``.

        Raises
        ------
        InvalidInput : they were not all in it
        """
        return QuantileSketch(_combined(self.counts, other.counts, -1))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, QuantileSketch) and dict(self.counts) == dict(other.counts)

    def __hash__(self) -> int:
        return hash(self.to_bytes())

    def quantile(self, share: float) -> float:
        """The value of rank floor(share (n - 1)), in nano-units, within ``RELATIVE_ERROR`` of it; NaN of nothing.

        Raises
        ------
        InvalidInput : ``share`` is not in [0, 1]
        """
        require(0.0 <= share <= 1.0, "spc.share", f"A quantile's share lies in [0, 1]; it is {share}.")
        if not self.counts:
            return math.nan
        buckets, passed = self._passed
        return middle_of(buckets[bisect_right(passed, math.floor(share * (passed[-1] - 1)))])

    @cached_property
    def _passed(self) -> tuple[list[int], list[int]]:
        """The buckets in order, and how many values lie in each and those before it."""
        buckets = sorted(self.counts)
        return buckets, list(accumulate(self.counts[bucket] for bucket in buckets))

    def to_bytes(self) -> bytes:
        """The one spelling: for each bucket in order, the step from the one before and the count, as LEB128."""
        out, last = bytearray(), 0
        for bucket in sorted(self.counts):
            step = bucket - last
            out += _leb128(2 * step if step >= 0 else -2 * step - 1) + _leb128(self.counts[bucket])
            last = bucket
        return bytes(out)

    @classmethod
    def from_bytes(cls, data: bytes) -> QuantileSketch:
        """The sketch that ``to_bytes`` wrote.

        Raises
        ------
        InvalidInput : these are not the bytes of a sketch in its one spelling
        """
        counts: dict[int, int] = {}
        numbers, bucket = _numbers(data), 0
        for zigzag in numbers:
            bucket += -(zigzag + 1) // 2 if zigzag & 1 else zigzag // 2
            counts[bucket] = next(numbers, 0)
        sketch = cls(counts)
        if sketch.to_bytes() != data or any(count <= 0 for count in counts.values()):
            raise InvalidInput("spc.sketch", "These are not the bytes of a sketch.")
        return sketch


def buckets_of(nano_values: npt.ArrayLike) -> Int64:
    """The bucket of each nano-value, int64 (n,): for whoever keeps counts of buckets in a table.

    Raises
    ------
    InvalidInput : a value is not a whole number, or beyond ``NANO_LIMIT``
    """
    array = np.asarray(nano_values)
    require(array.dtype.kind in "iu" or not array.size, "spc.nano", "A sketch counts whole numbers only.")
    fits = not array.size or (array.min() >= -NANO_LIMIT and array.max() <= NANO_LIMIT)
    require(fits, "spc.nano", "A value is too large to be counted in nano-units.")
    return np.asarray(_buckets(array.astype(np.int64).ravel()))


def middle_of(bucket: int) -> float:
    """The middle of a bucket, nano-units."""
    if bucket < 0:
        return -middle_of(-1 - bucket)
    if bucket < 2 * PARTS:
        return float(bucket)
    octave = bucket // PARTS - 1
    width = 1 << octave
    return (bucket - PARTS * octave) * width + (width - 1) / 2.0


def _combined(first: Mapping[int, int], second: Mapping[int, int], sign: int) -> dict[int, int]:
    merged = dict(first)
    for bucket, count in second.items():
        left = merged.get(bucket, 0) + sign * count
        require(left >= 0, "spc.sketch", "More is taken out of a sketch than was put in.")
        if left:
            merged[bucket] = left
        else:
            merged.pop(bucket, None)
    return merged


def _leb128(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _numbers(data: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in data:
        number |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            yield number
            number = shift = 0
        require(shift <= 70, "spc.sketch", "These are not the bytes of a sketch.")
    require(shift == 0, "spc.sketch", "The bytes of a sketch end in the middle of a number.")


@kernel
def _buckets(values: Int64) -> Int64:
    """The bucket of each value, int64 (n,)."""
    bucket = np.empty(len(values), dtype=np.int64)
    for n in range(len(values)):
        size, octave = abs(values[n]), 0
        while size >> octave >= 2 * PARTS:
            octave += 1
        place = PARTS * octave + (size >> octave)
        bucket[n] = place if values[n] >= 0 else -1 - place
    return bucket
