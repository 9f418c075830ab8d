"""Orders of a few hundred numbers: sorted without branches, pairs in reverse counted, exchanges kept.

Numbers are first ranked as whole numbers of 16 bits, each against all, which processors do 32 at a time and nothing has
to be predicted for; what these do not tell apart is put right by insertion.  The order is exact.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import inline_kernel
from appliance.spc.checks import Float64

Int16 = npt.NDArray[np.int16]
UInt64 = npt.NDArray[np.uint64]

#: Exchanges that are kept; of longer ways only the number.
KEPT: Final = 64
#: Most numbers of an order: places are numbers of 16 bits.
MOST: Final = 8_192
#: Numbers that are ranked in one stride, a multiple of what an instruction takes.
_STRIDE: Final = 128
#: Coarse numbers lie between -32,767 and this.
_COARSE: Final = 32_766
#: A word of which every bit is set.
_ALL: Final = np.uint64(0xFFFFFFFFFFFFFFFF)


class Order(NamedTuple):
    """Room for an order of up to n numbers.

    ``place`` int16 of each number in order, ``level`` float64 the numbers in order.  ``one`` and ``other`` int16
    (KEPT + 1,): the pairs that the last sort by insertion exchanged.  The rest is for the work.
    """

    place: Int16
    level: Float64
    one: Int16
    other: Int16
    coarse: Int16
    rank: Int16
    seen: UInt64


@inline_kernel
def order_of(n: int) -> Order:
    """Room for orders of up to ``n`` numbers."""
    padded = (n + _STRIDE - 1) // _STRIDE * _STRIDE
    return Order(
        np.empty(n, np.int16), np.empty(n), np.empty(KEPT + 1, np.int16), np.empty(KEPT + 1, np.int16),
        np.zeros(padded, np.int16), np.zeros(padded, np.int16), np.zeros(n // 64 + 1, np.uint64),
    )  # fmt: skip


@inline_kernel
def sort_all(numbers: Float64, n: int, order: Order) -> int:
    """Put the first ``n`` numbers in ``order``, those alike by place; returns how many pairs stand in reverse.

    A pair is in reverse whose later number is the smaller one.  Numbers are finite.
    """
    _make_coarse(numbers, n, order.coarse)
    if _rank(order.coarse, n, order.rank):
        for k in range(n):
            order.place[order.rank[k]], order.level[order.rank[k]] = k, numbers[k]
    else:
        _put_apart(numbers, n, order)
        sort_by_insertion(n, order)
    return reversed_pairs(n, order)


@inline_kernel
def _put_apart(numbers: Float64, n: int, order: Order) -> None:
    """Put numbers of one rank behind each other, by place."""
    order.place[:n] = -1
    for k in range(n):
        at = order.rank[k]
        while order.place[at] >= 0:
            at += 1
        order.place[at], order.level[at] = k, numbers[k]


@inline_kernel
def _make_coarse(numbers: Float64, n: int, coarse: Int16) -> None:
    """Numbers as 16 bits, never in another order; those alike stay alike."""
    least, most = numbers[0], numbers[0]
    for k in range(n):
        least, most = min(least, numbers[k]), max(most, numbers[k])
    scale = (_COARSE + 32_767.0) / (most - least) if most > least else 0.0
    for k in range(n):
        coarse[k] = np.int16((numbers[k] - least) * scale - 32_767.0)


@inline_kernel
def _rank(coarse: Int16, n: int, rank: Int16) -> bool:
    """How many numbers are smaller than each, four of them at a time; returns whether no two have one rank."""
    for start in range(0, n, _STRIDE):
        own, found = coarse[start : start + _STRIDE], rank[start : start + _STRIDE]
        for k in range(_STRIDE):
            found[k] = 0
        for j in range(0, n - 3, 4):
            a, b, c, d = coarse[j], coarse[j + 1], coarse[j + 2], coarse[j + 3]
            for k in range(_STRIDE):
                smaller = np.int16(a < own[k]) + np.int16(b < own[k]) + np.int16(c < own[k]) + np.int16(d < own[k])
                found[k] = np.int16(found[k] + smaller)
        for j in range(n // 4 * 4, n):
            a = coarse[j]
            for k in range(_STRIDE):
                found[k] = np.int16(found[k] + np.int16(a < own[k]))
    total = 0
    for k in range(n):
        total += rank[k]
    return total == n * (n - 1) // 2


@inline_kernel
def sort_by_insertion(n: int, order: Order) -> int:
    """Sort ``level`` and with it ``place``; returns the number of exchanges, the first of which are kept."""
    level, place = order.level, order.place
    swaps = 0
    for k in range(1, n):
        value, own, at = level[k], place[k], k
        while at > 0 and level[at - 1] > value:
            kept = min(swaps, KEPT)
            order.one[kept], order.other[kept] = own, place[at - 1]
            level[at], place[at] = level[at - 1], place[at - 1]
            swaps, at = swaps + 1, at - 1
        level[at], place[at] = value, own
    return swaps


@inline_kernel
def reversed_pairs(n: int, order: Order) -> int:
    """How many pairs stand in reverse, by one bit for each number that came before."""
    seen, words = order.seen, (n + 63) // 64
    seen[:words] = 0
    pairs = 0
    for k in range(n):
        own = np.uint64(order.place[k])
        word, bit = own >> np.uint64(6), own & np.uint64(63)
        for at in range(words):
            above = _ALL if at > word else np.uint64(0)
            pairs += _bits(seen[at] & (_ALL << bit if at == word else above))
        seen[word] |= np.uint64(1) << bit
    return pairs


@inline_kernel
def _bits(word: np.uint64) -> int:
    """How many bits are set: sums of 2, 4 and 8 bits, then those of all bytes.

    Source: Warren, Hacker's Delight, 2nd edition, figure 5-2.
    """
    ones, twos, fours = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333), np.uint64(0x0F0F0F0F0F0F0F0F)
    word -= (word >> np.uint64(1)) & ones
    word = (word & twos) + ((word >> np.uint64(2)) & twos)
    word = (word + (word >> np.uint64(4))) & fours
    return int((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@inline_kernel
def tied_pairs(n: int, order: Order) -> int:
    """How many pairs of numbers are alike."""
    pairs, run = 0, 0
    for k in range(1, n):
        run = run + 1 if order.level[k] == order.level[k - 1] else 0
        pairs += run
    return pairs
