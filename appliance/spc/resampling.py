"""Replicates of a series: its lines, and what they leave drawn anew.

Residuals are drawn in blocks that run on in a circle, which keeps what neighbours share (Politis & Romano 1992).
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from appliance.spc import draws
from appliance.spc.checks import Float64, Int64
from appliance.spc.kendall import EXACT_UP_TO
from appliance.spc.series import Series

#: Uncertainties whose ratio stays below are taken as alike: weights would then only cost power.
ALIKE: Final = 1.5


def differ(u: Float64 | None) -> bool:
    """Whether uncertainties (n,) are stated and differ enough to weigh values by them."""
    return u is not None and float(u.max()) >= ALIKE * float(u.min())


def residuals_of(life: Series, stratum: Int64, slope: float) -> Float64:
    """What the lines leave, (n,): each segment about its own median."""
    rest = life.value - slope * life.time_days
    for segment in np.unique(stratum):
        rest[stratum == segment] -= np.median(rest[stratum == segment])
    return rest


def resampled(
    life: Series, stratum: Int64, slope: float, replicates: int, seed: int, block: int | None = None
) -> Float64:
    """Replicates (m, n) of a series: its lines, and its residuals drawn anew in blocks.

    Blocks keep what neighbours share: of length one where nothing is shared, longer with the correlation (the length
    at which it has faded below 5 %), unless ``block`` says how long.  Residuals are widened by
    sqrt(n / (n - segments - 1)), which fitting took; where uncertainties differ, each value gets those of others in
    proportion to its own.
    """
    residual = residuals_of(life, stratum, slope)
    count = len(residual)
    lines = life.value - residual
    spare = max(count - len(np.unique(stratum)) - 1, 1)
    scale = life.u if life.u is not None and differ(life.u) else np.ones(count)
    alike = residual / scale
    rows = _block_rows(count, block or _block_length(alike), replicates, seed)
    drawn: Float64 = lines + alike[rows] * scale * math.sqrt(count / spare)
    return drawn


def _block_length(residual: Float64) -> int:
    square = float(residual @ residual)
    if square <= 0.0 or len(residual) <= EXACT_UP_TO:
        return 1
    correlation = float(residual[1:] @ residual[:-1]) / square
    if correlation <= 2.0 / math.sqrt(len(residual)):
        return 1
    faded = math.log(0.05) / math.log(min(correlation, 0.95))
    return int(min(max(1, math.ceil(faded)), len(residual) // 3))


def _block_rows(count: int, block: int, replicates: int, seed: int) -> Int64:
    """Indices (m, n) of blocks that run on in a circle from random starts."""
    blocks = -(-count // block)
    start = draws.below(count, seed, draws.BLOCKS, (replicates, blocks))
    rows = (start[:, :, None] + np.arange(block)) % count
    return rows.reshape(replicates, -1)[:, :count]
