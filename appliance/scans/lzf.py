"""LZF, the compression within binary PCD files: bytes, and copies of bytes that came before.

Source: M. Lehmann, liblzf 3.6, lzf_d.c (format).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import kernel

Bytes = npt.NDArray[np.uint8]


@kernel
def decompress(packed: Bytes, out: Bytes) -> Any:
    """Fill ``out`` from ``packed``; whether both ended together, with every copy inside what was there."""
    source, target = 0, 0
    while source < packed.size:
        control = np.int64(packed[source])
        source += 1
        if control < 32:
            length = control + 1
            if source + length > packed.size or target + length > out.size:
                return False
            for _ in range(length):
                out[target] = packed[source]
                source += 1
                target += 1
            continue
        length = control >> 5
        if length == 7:
            if source >= packed.size:
                return False
            length += np.int64(packed[source])
            source += 1
        if source >= packed.size:
            return False
        origin = target - ((control & 31) << 8) - np.int64(packed[source]) - 1
        source += 1
        length += 2
        if origin < 0 or target + length > out.size:
            return False
        for _ in range(length):
            out[target] = out[origin]
            origin += 1
            target += 1
    return target == out.size
