"""How clearly a life rises or falls: t of the slope of least squares, from exact sums.

A score orders what is looked at more closely; it is no test.  Lives that ended have none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from appliance.db.engine import Engine
from appliance.rollups.statements import LINES, SET_LINES
from appliance.spc.exact import LIMB_BITS, split_limbs

#: Fewest values that have a score.
LEAST_VALUES: Final = 3
#: Residuals are taken for at least this share of the variance: a perfect line is not infinitely clear.
_LEAST_RESIDUAL: Final = 1e-12
_KNOWN: Final = (
    "SELECT r.series, r.bucket, COALESCE(l.measured, 0), COALESCE(l.seconds_high, 0), COALESCE(l.seconds_low, 0), "
    "COALESCE(l.seconds_squares_high, 0), COALESCE(l.seconds_squares_low, 0), COALESCE(l.products_high, 0), "
    "COALESCE(l.products_low, 0), r.total_high, r.total_low, r.squares_high, r.squares_low FROM rollup_series s "
    "JOIN rollup r ON r.series = s.id AND r.grain = 3 "
    "LEFT JOIN rollup_line l ON l.series = r.series AND l.bucket = r.bucket WHERE s.id BETWEEN ? AND ?"
)
_EMPTY: Final = "DELETE FROM rollup_line WHERE measured = 0 AND series BETWEEN ? AND ?"
#: Series between which the numbers of asked ones may lie, in one question.
_SPAN: Final = 2_000


def add_lines(database: Engine, moments: Mapping[tuple[int, int], tuple[int, ...]], current: Mapping[int, int]) -> None:
    """Add moments to (series, life), whose roll-ups hold the values already, and score these lines anew.

    ``current`` names the life of each series that has not ended.
    """
    rows: list[tuple[float | None, ...]] = []
    spans = _spans(sorted({one for one, _ in moments}))
    for first, last in spans:
        for one, life, count, *limbs in database.look_up(_KNOWN, first, last):
            if (added := moments.get((one, life))) is not None:
                rows.append((one, life, *_line([count, *limbs], added, is_current=current[one] == life)))
    database.write_rows("rollup_line", LINES, rows, SET_LINES)
    if any(row[2] == 0 for row in rows):
        for first, last in spans:
            database.run(_EMPTY, first, last)


def _line(known: Sequence[int], added: Sequence[int], *, is_current: bool) -> tuple[float | None, ...]:
    """Values, moments in limbs, and the score; ``known`` are values, limbs of moments and of the roll-up."""
    t, tt, tv, v, vv = ((known[at] << LIMB_BITS) + known[at + 1] for at in range(1, 11, 2))
    count, t, tt, tv = known[0] + added[0], t + added[1], tt + added[2], tv + added[3]
    own = score(count, t, tt, v, vv, tv) if is_current else None
    return (count, *split_limbs(t), *split_limbs(tt), *split_limbs(tv), own)


def score(count: int, t: int, tt: int, v: int, vv: int, tv: int) -> float:
    """|t| of the slope from count, sums, squares and products of times and values; 0 where there is none."""
    across, along, both = count * tt - t * t, count * vv - v * v, count * tv - t * v
    if count < LEAST_VALUES or across == 0 or along == 0:
        return 0.0
    explained = both * both / (across * along)
    return math.sqrt(explained * (count - 2) / max(1.0 - explained, _LEAST_RESIDUAL))


def _spans(series: Sequence[int]) -> list[tuple[int, int]]:
    """Stretches of numbers that hold ``series`` and little else."""
    spans: list[tuple[int, int]] = []
    for one in series:
        if spans and one - spans[-1][0] < _SPAN and one - spans[-1][1] < 64:
            spans[-1] = spans[-1][0], one
        else:
            spans.append((one, one))
    return spans
