"""How often limits are broken: of each characteristic of a part or an asset, the worst first.

Counted are decisions of what was measured; ``below`` and ``above`` count values beyond a limit whatever their
uncertainty.  The interval of the share is Wilson's.  Months are added by the database: one bucket a characteristic and
month is read, one row a characteristic comes back.

Source: Wilson, JASA 22 (1927) 209-212, doi:10.1080/01621459.1927.10502953.
"""

from __future__ import annotations

import math
from typing import Any, Final

from appliance.core.clock import parse_rfc3339
from appliance.rollups.calendar import seconds_of
from appliance.rollups.keeping import ensure_built
from appliance.rollups.reading import BEGINNING, END
from appliance.rollups.records import MONTH, Dimension
from appliance.spc.exact import NANO
from appliance.tenancy.scope import WorkspaceScope
from appliance.trends.records import Violation

#: 97.5 % quantile of the normal distribution.
_Z: Final = 1.959963984540054
_COUNTS: Final = (
    "SELECT c.id, c.name, c.zone, c.unit, SUM(r.measured), SUM(r.passed), SUM(r.failed), SUM(r.inconclusive), "
    "SUM(r.not_measured), SUM(r.below), SUM(r.above), MIN(r.lowest), MAX(r.highest) FROM rollup_series s "
    "JOIN characteristic c ON c.id = s.characteristic_id JOIN rollup r ON r.series = s.id "
    "WHERE s.dimension = ? AND s.member = ? AND r.grain = ? AND r.bucket >= ? AND r.bucket < ? "
    "GROUP BY c.id, c.name, c.zone, c.unit"
)


def violations(
    scope: WorkspaceScope, dimension: Dimension, member: str, *, since: str | None = None, until: str | None = None,
    limit: int = 100,
) -> tuple[Violation, ...]:  # fmt: skip
    """Counts of every characteristic of one member, in the months that begin within a time (RFC 3339)."""
    calendar = ensure_built(scope)
    first = BEGINNING if since is None else calendar.start_of(MONTH, parse_rfc3339(since))
    last = END if until is None else seconds_of(parse_rfc3339(until))
    with scope:
        rows = scope.database.fetch(_COUNTS, dimension, member, MONTH, first, last)
    found = [_violation(row) for row in rows]
    return tuple(sorted(found, key=_badness)[:limit])


def wilson(hits: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share of ``hits`` in ``count``, which is positive."""
    share, square = hits / count, _Z * _Z / count
    middle = (share + square / 2.0) / (1.0 + square)
    reach = _Z * math.sqrt(share * (1.0 - share) / count + square / (4.0 * count)) / (1.0 + square)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _badness(one: Violation) -> tuple[float, int, str]:
    """The worst first: by what the share is at least, then by how many failed."""
    at_least = one.share_lower if one.failed and one.share_lower is not None else 0.0
    return -at_least, -one.failed, one.characteristic_id


def _violation(row: tuple[Any, ...]) -> Violation:
    """One row of the database, whose sums PostgreSQL gives as decimals."""
    characteristic, name, zone, unit, *counts = row[:11]
    measured, passed, failed, inconclusive, not_measured, below, above = map(int, counts)
    decided = passed + failed + inconclusive
    lower, upper = wilson(failed, decided) if decided else (None, None)
    return Violation(
        characteristic, name, zone, unit, measured, passed, failed, inconclusive, not_measured, below, above,
        failed / decided if decided else None, lower, upper, _unit(row[11]), _unit(row[12]),
    )  # fmt: skip


def _unit(nano: int | None) -> float | None:
    return None if nano is None else nano / NANO
