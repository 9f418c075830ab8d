"""How clearly a life rises or falls: t of the slope of least squares, from exact sums.

A score orders what is looked at more closely; it is no test.  Lives that ended have none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from appliance.db.engine import Engine
from appliance.rollups.statements import SCORED, SET_SCORE
from appliance.spc.exact import LIMB_BITS

#: Fewest values that have a score.
LEAST_VALUES: Final = 3
#: Residuals are taken for at least this share of the variance: a perfect line is not infinitely clear.
_LEAST_RESIDUAL: Final = 1e-12
_LINE: Final = (
    "SELECT l.series, l.bucket, l.measured, l.seconds_high, l.seconds_low, l.seconds_squares_high, "
    "l.seconds_squares_low, l.products_high, l.products_low, r.total_high, r.total_low, r.squares_high, r.squares_low "
    "FROM rollup_line l JOIN rollup r ON r.series = l.series AND r.grain = 3 AND r.bucket = l.bucket "
    "WHERE l.series BETWEEN ? AND ?"
)
_EMPTY: Final = "DELETE FROM rollup_line WHERE measured = 0 AND series BETWEEN ? AND ?"
#: Series between which the numbers of asked ones may lie, in one question.
_SPAN: Final = 2_000


def score_lines(database: Engine, lines: Sequence[tuple[int, int]], current: Mapping[int, int]) -> None:
    """Score (series, life) anew; ``current`` names the life of each series that has not ended."""
    wanted = set(lines)
    scored = []
    for first, last in _spans(sorted({one for one, _ in lines})):
        for row in database.look_up(_LINE, first, last):
            if (row[0], row[1]) in wanted:
                is_current = current[row[0]] == row[1]
                scored.append((*row[:9], _score(*row[2:]) if is_current else None))
        database.run(_EMPTY, first, last)
    database.write_rows("rollup_line", SCORED, [row for row in scored if row[2]], SET_SCORE)


def score(count: int, t: int, tt: int, v: int, vv: int, tv: int) -> float:
    """|t| of the slope from count, sums, squares and products of times and values; 0 where there is none."""
    across, along, both = count * tt - t * t, count * vv - v * v, count * tv - t * v
    if count < LEAST_VALUES or across == 0 or along == 0:
        return 0.0
    explained = both * both / (across * along)
    return math.sqrt(explained * (count - 2) / max(1.0 - explained, _LEAST_RESIDUAL))


def _score(count: int, *limbs: int) -> float:
    t, tt, tv, v, vv = ((limbs[at] << LIMB_BITS) + limbs[at + 1] for at in range(0, 10, 2))
    return score(count, t, tt, v, vv, tv)


def _spans(series: Sequence[int]) -> list[tuple[int, int]]:
    """Stretches of numbers that hold ``series`` and little else."""
    spans: list[tuple[int, int]] = []
    for one in series:
        if spans and one - spans[-1][0] < _SPAN and one - spans[-1][1] < 64:
            spans[-1] = spans[-1][0], one
        else:
            spans.append((one, one))
    return spans
