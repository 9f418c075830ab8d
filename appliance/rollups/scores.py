"""How clearly a life rises or falls: t of the slope of least squares, from exact sums.

A score orders what is looked at more closely; it is no test.  Lives that ended have none.

A row of ``rollup_line`` is the lines of one chunk: ``moments`` int64 (16, 7), a row a slot (how many values, and the
two limbs of the sums of seconds, of their squares, and of their products with nano-values), ``scores`` float64 (16,).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from appliance.db.engine import Engine
from appliance.rollups import statements
from appliance.rollups.blocks import SLOTS, SQUARES, TOTAL, Place, decoded
from appliance.rollups.folding import Moments
from appliance.spc.checks import Float64, Int64
from appliance.spc.exact import LIMB_BITS, split_limbs

#: Fewest values that have a score.
LEAST_VALUES: Final = 3
#: Residuals are taken for at least this share of the variance: a perfect line is not infinitely clear.
_LEAST_RESIDUAL: Final = 1e-12
_COLUMNS: Final = 7
_TYPE: Final = np.dtype("<i8")
_SET: Final = statements.setting(statements.LINES)


def add_lines(database: Engine, gained: Mapping[Place, Mapping[int, Moments]], current: Mapping[int, int]) -> None:
    """Add moments to lines, whose tallies hold the values already, and score them anew.

    ``current`` names the life of each owner that has not ended.
    """
    places = list(gained)
    known = statements.known(database, "rollup_line", places, "moments")
    values = statements.known(database, "rollup", places, "tallies")
    rows, empty = [], []
    for place, cells in gained.items():
        moments = moments_of(known.get(place))
        for slot, more in cells.items():
            moments[slot] = _sum(moments[slot].tolist(), more)
        if moments[:, 0].any():
            is_current = current[place[0]] == place[-1]
            rows.append((*place, *_row(moments, decoded(values[place]), is_current=is_current)))
        else:
            empty.append(place)
    database.write_rows("rollup_line", statements.LINES, rows, _SET)
    statements.forget(database, "rollup_line", empty)


def moments_of(data: bytes | None) -> Int64:
    """Lines of a chunk, int64 (16, 7); zeros of none."""
    if data is None:
        return np.zeros((SLOTS, _COLUMNS), dtype=np.int64)
    return np.frombuffer(data, _TYPE).reshape(SLOTS, _COLUMNS).astype(np.int64)


def scores_of(data: bytes) -> Float64:
    """Scores of a chunk, float64 (16,)."""
    return np.frombuffer(data, "<f8").astype(np.float64)


def _row(moments: Int64, tallies: Int64, *, is_current: bool) -> tuple[Any, ...]:
    """The columns of ``rollup_line`` behind its place."""
    scores = np.zeros(SLOTS)
    there = np.flatnonzero(moments[:, 0]) if is_current else np.array([], dtype=np.int64)
    for slot in there.tolist():
        count, t, tt, tv = _joined(moments[slot].tolist())
        v, vv = (_whole(tallies[slot, limbs].tolist()) for limbs in (TOTAL, SQUARES))
        scores[slot] = score(count, t, tt, v, vv, tv)
    best = float(scores[there].max()) if len(there) else None
    return moments.astype(_TYPE).tobytes(), scores.astype("<f8").tobytes(), best, len(there)


def _sum(known: list[int], more: Moments) -> list[int]:
    count, *sums = (one + two for one, two in zip(_joined(known), more, strict=True))
    return [count, *(limb for one in sums for limb in split_limbs(one))]


def _joined(limbs: list[int]) -> tuple[int, int, int, int]:
    return limbs[0], _whole(limbs[1:3]), _whole(limbs[3:5]), _whole(limbs[5:7])


def _whole(limbs: list[int]) -> int:
    return (limbs[0] << LIMB_BITS) + limbs[1]


def score(count: int, t: int, tt: int, v: int, vv: int, tv: int) -> float:
    """|t| of the slope from count, sums, squares and products of times and values; 0 where there is none."""
    across, along, both = count * tt - t * t, count * vv - v * v, count * tv - t * v
    if count < LEAST_VALUES or across == 0 or along == 0:
        return 0.0
    explained = both * both / (across * along)
    return math.sqrt(explained * (count - 2) / max(1.0 - explained, _LEAST_RESIDUAL))
