"""Decimal numbers in text to binary ones, compiled: the nearest double of every token, to the last bit.

Up to 19 digits are collected in an integer w, the value is w * 10^q.  Three ways lead to the nearest double:

1. w <= 2^53 and |q| <= 22: both are doubles, and one multiplication or division rounds once (Clinger).
2. Else w is multiplied by 128 bits of 5^q: enough to round as the exact product would (Eisel, Lemire).
3. What is left (more digits, the ends of the range, infinities, what is no number) is handed back as it
   stands, and read by the caller's own means.

Source: W. D. Clinger, How to read floating point numbers accurately, 1990, doi 10.1145/93542.93557;
D. Lemire, Number parsing at a gigabyte per second, 2021, doi 10.1002/spe.2984.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import inline_kernel, kernel

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
UInt8 = npt.NDArray[np.uint8]

#: Digits that an unsigned integer of 64 bits holds, whatever they are.
_DIGITS: Final = 19
#: Powers of ten with which no such integer leaves the range of normal doubles.
_LEAST_POWER: Final = -300
_GREATEST_POWER: Final = 280
_EXACT_POWER: Final = 22
_EXACT_INTEGER: Final = np.uint64(1 << 53)
_NO_VALUE: Final = -1.0


def _five_to_the(power: int) -> int:
    """5^power as an integer of 128 bits with the highest one set; cut off above 0, and just above it below."""
    if power >= 0:
        above: int = 5**power
        return above << 128 >> above.bit_length()
    five: int = 5**-power
    bits = five.bit_length()
    if power >= -27:
        return (1 << bits + 127) // five + 1
    quotient: int = (1 << 2 * bits + 128) // five + 1
    return quotient >> quotient.bit_length() - 128


_FIVES: Final = np.array(
    [
        [value >> 64, value & (1 << 64) - 1]
        for value in (_five_to_the(power) for power in range(_LEAST_POWER, _GREATEST_POWER + 1))
    ],
    dtype=np.uint64,
)
_TENS: Final = np.array([10.0**power for power in range(_EXACT_POWER + 1)])


def read_rows(block: bytes, columns: int | None) -> tuple[Float64, Int64] | None:
    """The numbers of whole lines, and which tokens are left to the caller.

    Returns
    -------
    Rows float64 (lines, columns) and tokens int64 (k, 3): place in the rows, first and last byte + 1 in the
    block.  None where lines are not of equal length, or hold what no line of numbers does.
    """
    text = np.frombuffer(block, dtype=np.uint8)
    most = len(block) // 2 + 1
    values, left = np.empty(most), np.empty((most, 3), dtype=np.int64)
    width, count, left_count = _read(text, columns or 0, values, left)
    if width < 0:
        return None
    rows = values[:count].reshape(-1, width) if count else np.empty((0, width))
    return rows, left[:left_count]


@kernel
def _read(text: UInt8, columns: int, values: Float64, left: Int64) -> tuple[int, int, int]:
    """Fill ``values`` and ``left``; the width of a row (-1: no table), numbers, tokens left."""
    size = len(text)
    width, count, left_count, in_line = columns, 0, 0, 0
    after_separator = False
    at = 0
    while at < size:
        code = text[at]
        if code == 10:
            if in_line > 0:
                if width == 0:
                    width = in_line
                if in_line != width:
                    return -1, 0, 0
            in_line, after_separator = 0, False
            at += 1
        elif code == 32 or code == 9:
            at += 1
        elif code == 44 or code == 59:
            if after_separator:
                return -1, 0, 0
            after_separator = True
            at += 1
        elif code == 13 or code == 11 or code == 12:
            after_separator = False
            at += 1
        elif code < 32:
            return -1, 0, 0
        else:
            value, end = _number(text, at)
            if value == _NO_VALUE and not _ends(text, end):
                while not _ends(text, end):
                    end += 1
            if value == _NO_VALUE:
                left[left_count, 0], left[left_count, 1], left[left_count, 2] = count, at, end
                left_count += 1
            else:
                values[count] = -value if code == 45 else value
            count += 1
            in_line += 1
            after_separator = False
            at = end
    if in_line > 0 or (width == 0 and count > 0):
        return -1, 0, 0
    return width, count, left_count


@inline_kernel
def _ends(text: UInt8, at: int) -> bool:
    """Whether no token goes on at ``at``."""
    return at >= len(text) or text[at] <= 32 or text[at] == 44 or text[at] == 59


@inline_kernel
def _number(text: UInt8, at: int) -> tuple[float, int]:
    """Size of the number that begins at ``at``, without its sign, and its end; ``_NO_VALUE`` where unusual."""
    size = len(text)
    if text[at] == 45 or text[at] == 43:
        at += 1
    w, digits, fraction = np.uint64(0), 0, 0
    while at < size and 48 <= text[at] <= 57:
        w = w * np.uint64(10) + np.uint64(text[at] - 48)
        digits += 1
        at += 1
    if at < size and text[at] == 46:
        at += 1
        start = at
        while at < size and 48 <= text[at] <= 57:
            w = w * np.uint64(10) + np.uint64(text[at] - 48)
            at += 1
        fraction = at - start
        digits += fraction
    if digits == 0 or digits > _DIGITS:
        return _NO_VALUE, at
    power = 0
    if at < size and (text[at] == 101 or text[at] == 69):
        power, at = _exponent(text, at + 1)
    if not _ends(text, at):
        return _NO_VALUE, at
    return _nearest(w, power - fraction), at


@inline_kernel
def _exponent(text: UInt8, at: int) -> tuple[int, int]:
    """The power of ten written at ``at`` and its end; out of range where it is unusual or not there."""
    size = len(text)
    negative = at < size and text[at] == 45
    if at < size and (text[at] == 45 or text[at] == 43):
        at += 1
    power, digits = 0, 0
    while at < size and 48 <= text[at] <= 57 and digits < 4:
        power = power * 10 + int(np.int64(text[at] - 48))
        digits += 1
        at += 1
    if digits == 0:
        power = 9999
    return (-power if negative else power), at


@inline_kernel
def _nearest(w: np.uint64, power: int) -> float:
    """The double nearest to w * 10^power, ``_NO_VALUE`` where that is not certain."""
    if w <= _EXACT_INTEGER and -_EXACT_POWER <= power <= _EXACT_POWER:
        exact = float(np.int64(w))
        return float(exact / _TENS[-power]) if power < 0 else float(exact * _TENS[power])
    if power < _LEAST_POWER or power > _GREATEST_POWER or w == np.uint64(0):
        return _NO_VALUE
    zeros = 0
    for shift in (32, 16, 8, 4, 2, 1):
        if w >> np.uint64(64 - shift) == np.uint64(0):
            w = w << np.uint64(shift)
            zeros += shift
    high, low = _product(w, power - _LEAST_POWER)
    if low == np.uint64(0xFFFFFFFFFFFFFFFF):
        return _NO_VALUE
    upper = np.int64(high >> np.uint64(63))
    drop = np.uint64(upper + 9)
    mantissa = high >> drop
    tie = low <= np.uint64(1) and -4 <= power <= 23 and mantissa & np.uint64(3) == np.uint64(1)
    if tie and mantissa << drop == high:
        mantissa = mantissa - np.uint64(1)
    mantissa = (mantissa + (mantissa & np.uint64(1))) >> np.uint64(1)
    return math.ldexp(float(np.int64(mantissa)), int((217706 * power >> 16) + 11 + upper - zeros))


@inline_kernel
def _product(w: np.uint64, row: int) -> tuple[np.uint64, np.uint64]:
    """Upper and lower half of w times a power of five, exact in the bits that rounding looks at."""
    five = _FIVES[row, 0]
    high, low = _upper_half(w, five), w * five
    if high & np.uint64(0x1FF) == np.uint64(0x1FF):
        more = _upper_half(w, _FIVES[row, 1])
        low = low + more
        if low < more:
            high = high + np.uint64(1)
    return high, low


@inline_kernel
def _upper_half(a: np.uint64, b: np.uint64) -> np.uint64:
    """The upper 64 bits of a product of 128."""
    half, mask = np.uint64(32), np.uint64(0xFFFFFFFF)
    a_low, a_high, b_low, b_high = a & mask, a >> half, b & mask, b >> half
    low_high, high_low = a_low * b_high, a_high * b_low
    middle = (a_low * b_low >> half) + (low_high & mask) + (high_low & mask)
    return a_high * b_high + (low_high >> half) + (high_low >> half) + (middle >> half)
