"""Whether two collections hold the same values, whatever their order: one number of 64 bits, to which values are added
and of which they are taken out.

A value's share is its 64 bits, mixed; a collection's is their sum modulo 2^64.  Two collections that differ have the
same number once in 1.8e19.  Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA
2014 (the mixing of SplitMix64).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.spc.checks import Int64

MODULUS: Final = 1 << 64
_STEP: Final = np.uint64(0x9E3779B97F4A7C15)
_MIXING: Final = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1))


def shares(values: npt.ArrayLike) -> Int64:
    """What each value, (n,), adds to a fingerprint: int64 (n,), to be added modulo 2^64 as numpy does."""
    mixed = np.add(np.asarray(values, dtype=np.float64), 0.0).view(np.uint64) + _STEP  # -0.0 is 0.0
    for shift, factor in _MIXING:
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed.view(np.int64)


def fingerprint(values: npt.ArrayLike) -> int:
    """The fingerprint of a collection, from 0 to 2^64 - 1; 0 of none."""
    return int(shares(values).sum(dtype=np.int64)) % MODULUS
