"""Chance that can be repeated: numbers drawn by counting, from a stated seed.

Philox is a counter-based generator: its words are a function of key and counter, whatever machine or number of threads.
Only its words are used, which numpy keeps the same over versions; what is made of them is arithmetic of whole numbers
here.  So a bootstrap that is computed again has the same bits, and its seed belongs to its record.

Source: Salmon, Moraes, Dror & Shaw, SC '11, doi:10.1145/2063384.2063405.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.spc.checks import Int64, require

#: Streams of one seed, so that two uses never see the same words.
RESIDUALS: Final = 1
BLOCKS: Final = 2
ORDERS: Final = 3
SAMPLES: Final = 4
#: Numbers are drawn below this at most: the share of a word that is not used evenly stays below 2^-8.
LARGEST_BOUND: Final = 1 << 24


def words(seed: int, stream: int, count: int) -> npt.NDArray[np.uint64]:
    """``count`` words of 64 bits.

    Raises
    ------
    InvalidInput : the seed is not from 0 to 2^64 - 1
    """
    require(0 <= seed < 1 << 64, "spc.seed", "A seed is a whole number of 64 bits.")
    generator = np.random.Philox(key=np.array([seed, stream], dtype=np.uint64))
    return np.atleast_1d(np.asarray(generator.random_raw(count), dtype=np.uint64))


def below(bound: int, seed: int, stream: int, shape: tuple[int, ...]) -> Int64:
    """Whole numbers from 0 to ``bound`` - 1, int64 of ``shape``; none is likelier by more than one part in 256.

    Raises
    ------
    InvalidInput : ``bound`` is not from 1 to ``LARGEST_BOUND``
    """
    require(1 <= bound <= LARGEST_BOUND, "spc.bound", f"Numbers are drawn below 1 to {LARGEST_BOUND}.")
    high = words(seed, stream, int(np.prod(shape))) >> np.uint64(32)
    return ((high * np.uint64(bound)) >> np.uint64(32)).astype(np.int64).reshape(shape)


def orders(count: int, seed: int, rows: int) -> Int64:
    """``rows`` random orders of 0 to ``count`` - 1, int64 (rows, count)."""
    keys = words(seed, ORDERS, rows * count).reshape(rows, count)
    return np.argsort(keys, axis=1, kind="stable").astype(np.int64)


def uniforms(seed: int, stream: int, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Numbers strictly between 0 and 1, float64 of ``shape``, in steps of 2^-53."""
    word = words(seed, stream, int(np.prod(shape))) >> np.uint64(11)
    return ((word.astype(np.float64) + 0.5) * 2.0**-53).reshape(shape)
