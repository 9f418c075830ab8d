"""How often limits are broken: of each characteristic of a part or an asset, the worst first.

Counted are decisions of what was measured; ``below`` and ``above`` count values beyond a limit whatever their
uncertainty.  The interval of the share is Wilson's.  Read is one block of 16 characteristics a month.

Source: Wilson, JASA 22 (1927) 209-212, doi:10.1080/01621459.1927.10502953.
"""

from __future__ import annotations

import math
from typing import Final

from appliance.core.clock import parse_rfc3339
from appliance.rollups.calendar import seconds_of
from appliance.rollups.keeping import ensure_built
from appliance.rollups.reading import BEGINNING, END, of_member
from appliance.rollups.records import MONTH, Dimension, Tally
from appliance.spc.exact import NANO
from appliance.tenancy.scope import WorkspaceScope
from appliance.trends.records import Violation
from appliance.trends.unchanged import Unchanged

#: 97.5 % quantile of the normal distribution.
_Z: Final = 1.959963984540054
_unchanged: Final = Unchanged[tuple[Violation, ...]](128)
_NAME: Final = "SELECT name, zone, unit FROM characteristic WHERE id = ?"


def violations(
    scope: WorkspaceScope, dimension: Dimension, member: str, *, since: str | None = None, until: str | None = None,
    limit: int = 100,
) -> tuple[Violation, ...]:  # fmt: skip
    """Counts of every characteristic of one member, in the months that begin within a time (RFC 3339).

    Remembered while nothing is changed (``trends.unchanged``).
    """
    question = dimension, member, since, until, limit
    return _unchanged.get(scope, question, lambda: _violations(scope, *question))


def _violations(
    scope: WorkspaceScope, dimension: Dimension, member: str, since: str | None, until: str | None, limit: int
) -> tuple[Violation, ...]:
    calendar = ensure_built(scope)
    first = BEGINNING if since is None else calendar.start_of(MONTH, parse_rfc3339(since))
    last = END if until is None else seconds_of(parse_rfc3339(until))
    with scope:
        tallies = of_member(scope.database, dimension, member, MONTH, first, last)
        worst = sorted(tallies, key=lambda one: _badness(one, tallies[one]))[:limit]
        names = scope.database.look_up_each(_NAME, ("text",), [(one,) for one in worst])
    return tuple(_violation(one, known, tallies[one]) for one, [known] in zip(worst, names, strict=True))


def wilson(hits: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share of ``hits`` in ``count``, which is positive."""
    share, square = hits / count, _Z * _Z / count
    middle = (share + square / 2.0) / (1.0 + square)
    reach = _Z * math.sqrt(share * (1.0 - share) / count + square / (4.0 * count)) / (1.0 + square)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _badness(characteristic_id: str, tally: Tally) -> tuple[float, int, str]:
    """The worst first: by what the share is at least, then by how many failed."""
    at_least = wilson(tally.failed, _decided(tally))[0] if tally.failed else 0.0
    return -at_least, -tally.failed, characteristic_id


def _decided(tally: Tally) -> int:
    return tally.passed + tally.failed + tally.inconclusive


def _violation(characteristic_id: str, known: tuple[str, str, str], tally: Tally) -> Violation:
    decided = _decided(tally)
    lower, upper = wilson(tally.failed, decided) if decided else (None, None)
    return Violation(
        characteristic_id, *known, tally.sums.count, tally.passed, tally.failed, tally.inconclusive,
        tally.not_measured, tally.below, tally.above, tally.failed / decided if decided else None, lower, upper,
        _unit(tally.lowest), _unit(tally.highest),
    )  # fmt: skip


def _unit(nano: int | None) -> float | None:
    return None if nano is None else nano / NANO
