"""Blocks: roll-ups of the 16 characteristics of a chunk, in one bucket, as one matrix of whole numbers.

An inspection measures many characteristics of a part, so what it changes of the roll-ups stands together: a row a
characteristic and bucket would be written 16 times where a block is written once.

A block is int64 (16, 14), little-endian, a row a slot and a column each of ``COLUMNS``: counts, the two limbs of sum
and squares (``spc.exact``: base 2^62), the extremes, which are 0 where nothing is measured, and the fingerprint of the
values (``spc.fingerprint``).  All of it is whole, so that a block is a function of the measurements that count, to the
last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np

from appliance.rollups.records import Tally
from appliance.spc.checks import Bool, Int64
from appliance.spc.exact import LIMB_BITS, ExactSums, negated_limbs
from appliance.spc.fingerprint import MODULUS

SLOTS: Final = 16
COLUMNS: Final = (
    "measured", "passed", "failed", "inconclusive", "not_measured", "below", "above", "total_high", "total_low",
    "squares_high", "squares_low", "lowest", "highest", "fingerprint",
)  # fmt: skip
WIDTH: Final = len(COLUMNS)
#: Bytes of one slot, and of a block.
SLOT_BYTES: Final = 8 * WIDTH
BLOCK_BYTES: Final = SLOTS * SLOT_BYTES
MEASURED: Final = 0
DECIDED: Final = slice(1, 5)
COUNTS: Final = slice(0, 7)
TOTAL: Final = slice(7, 9)
SQUARES: Final = slice(9, 11)
LOWEST: Final = 11
HIGHEST: Final = 12
FINGERPRINT: Final = 13
_LOW_LIMBS: Final = (8, 10)
_MASK: Final = (1 << LIMB_BITS) - 1
_TYPE: Final = np.dtype("<i8")

#: (owner, grain, chunk, bucket)
Place: TypeAlias = tuple[int, int, int, int]


def decoded(data: bytes) -> Int64:
    """The matrix of a block, or the row of a slot, (k, 14)."""
    return np.frombuffer(data, _TYPE).reshape(-1, WIDTH).astype(np.int64)


def encoded(blocks: Int64) -> list[bytes]:
    """Blocks (b, 16, 14) as they are stored."""
    return [block.tobytes() for block in blocks.astype(_TYPE)]


def added(known: Int64, more: Int64) -> Int64:
    """What is known after both, (..., 14) each."""
    both = known + more
    for low in _LOW_LIMBS:
        both[..., low - 1] += both[..., low] >> LIMB_BITS
        both[..., low] &= _MASK
    had, has = known[..., MEASURED] > 0, more[..., MEASURED] > 0
    for column, extreme in ((LOWEST, np.minimum), (HIGHEST, np.maximum)):
        first, second = known[..., column], more[..., column]
        both[..., column] = np.where(had & has, extreme(first, second), np.where(has, second, first))
    return both


def gathered(groups: Sequence[Sequence[bytes]]) -> Int64:
    """What is known of each group of blocks, (g, 16, 14), or of slots, (g, 1, 14); no group is empty."""
    blocks = decoded(b"".join(data for group in groups for data in group))
    sizes = np.array([len(group) for group in groups])
    blocks = blocks.reshape(int(sizes.sum()), -1, WIDTH)
    order = np.concatenate([np.arange(size) for size in sizes])
    whole = np.zeros((len(groups), int(sizes.max()), *blocks.shape[1:]), dtype=np.int64)
    whole[np.repeat(np.arange(len(groups)), sizes), order] = blocks
    while (half := whole.shape[1] // 2) > 0:
        whole = np.concatenate([added(whole[:, :half], whole[:, half : 2 * half]), whole[:, 2 * half :]], axis=1)
    return whole[:, 0]


def without(known: Int64, less: Int64) -> tuple[Int64, Bool]:
    """What is left without ``less``, (b, 16, 14), and where an extreme left with it, (b, 16): it is still the old one.

    Raises
    ------
    RuntimeError : more is taken out than was there
    """
    taken = less.copy()
    taken[..., COUNTS] *= -1
    taken[..., FINGERPRINT] *= -1  # modulo 2^64, as numpy counts
    for limbs in (TOTAL, SQUARES):
        taken[..., limbs] = negated_limbs(less[..., limbs].reshape(-1, 2)).reshape(less[..., limbs].shape)
    left = added(known, taken)
    if (left[..., COUNTS] < 0).any():
        raise RuntimeError("roll-ups lost more measurements than they had")
    is_left, had = left[..., MEASURED] > 0, less[..., MEASURED] > 0
    for column in (LOWEST, HIGHEST):
        left[..., column] = np.where(is_left, known[..., column], 0)
    gone = (known[..., LOWEST] == less[..., LOWEST]) | (known[..., HIGHEST] == less[..., HIGHEST])
    return left, is_left & had & gone


def present(blocks: Int64) -> Int64:
    """Which slots hold measurements, those without a value included: a bit each, (b,)."""
    there = blocks[..., DECIDED].sum(axis=-1) > 0
    return np.asarray(there @ (1 << np.arange(SLOTS, dtype=np.int64)), dtype=np.int64)


def tally_of(slot: Int64) -> Tally:
    """One slot, (14,), as a record."""
    measured, *counts = slot[COUNTS].tolist()
    sums = ExactSums.from_limbs(measured, *slot[TOTAL].tolist(), *slot[SQUARES].tolist())
    lowest, highest = (None, None) if not measured else (int(slot[LOWEST]), int(slot[HIGHEST]))
    return Tally(sums, lowest, highest, *(*counts, int(slot[FINGERPRINT]) % MODULUS))
