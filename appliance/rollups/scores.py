"""How clearly a life rises or falls: t of the slope of least squares, from exact sums.

A score orders what is looked at more closely; it is no test.  Lives that ended have none.

A row of ``rollup_line`` is the lines of one chunk: ``moments`` int64 (16, 7), a row a slot (how many values, and the
two limbs of the sums of seconds, of their squares, and of their products with nano-values), ``scores`` float64 (16,).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from appliance.db.bulk import Asked
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


def asked_lines(places: Sequence[Place]) -> Asked:
    """The question for ``moments`` of the lines at ``places``."""
    return statements.asked("rollup_line", places, "moments")


def add_lines(
    database: Engine,
    gained: Mapping[Place, Mapping[int, Moments]],
    known: Mapping[Place, bytes],
    values: Mapping[Place, bytes],
    current: Mapping[int, int],
) -> None:
    """Add moments to lines that are ``known``, and score them anew.

    ``values`` are the blocks of tallies, which hold the values already; ``current`` names the life of each owner that
    has not ended.
    """
    rows, empty = [], []
    for place, cells in gained.items():
        lines = _lines(known.get(place))
        for slot, more in cells.items():
            lines[slot] = [one + two for one, two in zip(lines[slot], more, strict=True)]
        if any(line[0] for line in lines):
            is_current = current[place[0]] == place[-1]
            rows.append((*place, _encoded(lines), *_scored(lines, values[place], is_current=is_current)))
        else:
            empty.append(place)
    database.write_rows("rollup_line", statements.LINES, rows, _SET)
    statements.forget(database, "rollup_line", empty)


def moments_of(data: bytes) -> Int64:
    """Lines of a chunk, int64 (16, 7)."""
    return np.frombuffer(data, _TYPE).reshape(SLOTS, _COLUMNS).astype(np.int64)


def scores_of(data: bytes) -> Float64:
    """Scores of a chunk, float64 (16,)."""
    return np.frombuffer(data, "<f8").astype(np.float64)


def _lines(data: bytes | None) -> list[Moments]:
    """Count and sums of each slot; zeros of none."""
    if data is None:
        return [[0, 0, 0, 0]] * SLOTS
    stored = moments_of(data).tolist()
    return [
        [n, (t << LIMB_BITS) + t_low, (tt << LIMB_BITS) + tt_low, (tv << LIMB_BITS) + tv_low]
        for n, t, t_low, tt, tt_low, tv, tv_low in stored
    ]


def _encoded(lines: list[Moments]) -> bytes:
    """``moments`` as they are stored."""
    numbers = [one for count, *sums in lines for one in (count, *(limb for each in sums for limb in split_limbs(each)))]
    return np.array(numbers, dtype=_TYPE).tobytes()


def _scored(lines: list[Moments], tallies: bytes, *, is_current: bool) -> tuple[bytes, float | None, int]:
    """``scores``, ``best`` and ``screened`` of a chunk, whose values the tallies hold."""
    scores, found = [0.0] * SLOTS, 0
    for slot, cell in enumerate(decoded(tallies).tolist() if is_current else ()):
        count, t, tt, tv = lines[slot]
        if count:
            v, vv = ((high << LIMB_BITS) + low for high, low in (cell[TOTAL], cell[SQUARES]))
            scores[slot], found = score(count, t, tt, v, vv, tv), found + 1
    return np.array(scores, dtype="<f8").tobytes(), max(scores) if found else None, found


def score(count: int, t: int, tt: int, v: int, vv: int, tv: int) -> float:
    """|t| of the slope from count, sums, squares and products of times and values; 0 where there is none."""
    across, along, both = count * tt - t * t, count * vv - v * v, count * tv - t * v
    if count < LEAST_VALUES or across == 0 or along == 0:
        return 0.0
    explained = both * both / (across * along)
    return math.sqrt(explained * (count - 2) / max(1.0 - explained, _LEAST_RESIDUAL))
