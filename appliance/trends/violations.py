"""How often limits are broken: of each characteristic of a part or an asset, the worst first.

Counted are decisions of what was measured; ``below`` and ``above`` count values beyond a limit whatever their
uncertainty.  The interval of the share is Wilson's.  Reads months: one bucket a characteristic and month.

Source: Wilson, JASA 22 (1927) 209-212, doi:10.1080/01621459.1927.10502953.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Final

from appliance.core.clock import parse_rfc3339
from appliance.measurements.models import MeasuredCharacteristic
from appliance.rollups.calendar import seconds_of
from appliance.rollups.keeping import ensure_built
from appliance.rollups.reading import BEGINNING, END, of_member, total
from appliance.rollups.records import MONTH, Dimension, Tally
from appliance.spc.exact import NANO
from appliance.tenancy.scope import WorkspaceScope
from appliance.trends.records import Violation

#: 97.5 % quantile of the normal distribution.
_Z: Final = 1.959963984540054


def violations(
    scope: WorkspaceScope,
    dimension: Dimension,
    member: str,
    *,
    since: str | None = None,
    until: str | None = None,
    limit: int = 100,
) -> tuple[Violation, ...]:
    """Counts of every characteristic of one member, in the months that begin within a time (RFC 3339).

    Raises
    ------
    InvalidInput : there are too many months
    """
    calendar = ensure_built(scope)
    first = BEGINNING if since is None else calendar.start_of(MONTH, parse_rfc3339(since))
    last = END if until is None else seconds_of(parse_rfc3339(until))
    found: dict[str, list[Tally]] = defaultdict(list)
    with scope:
        for (characteristic, _, _), tally in of_member(scope.database, dimension, member, MONTH, first, last).items():
            found[characteristic].append(tally)
        counted = {name: total(tallies) for name, tallies in found.items()}
        worst = sorted(counted, key=lambda name: (-_lower(counted[name]), -counted[name].failed, name))
        return tuple(_violation(name, counted[name]) for name in worst[:limit])


def wilson(hits: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share of ``hits`` in ``count``, which is positive."""
    share, square = hits / count, _Z * _Z / count
    middle = (share + square / 2.0) / (1.0 + square)
    reach = _Z * math.sqrt(share * (1.0 - share) / count + square / (4.0 * count)) / (1.0 + square)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _lower(tally: Tally) -> float:
    decided = tally.passed + tally.failed + tally.inconclusive
    return wilson(tally.failed, decided)[0] if decided and tally.failed else 0.0


def _violation(characteristic: str, tally: Tally) -> Violation:
    known = MeasuredCharacteristic.known(id=characteristic)
    decided = tally.passed + tally.failed + tally.inconclusive
    lower, upper = wilson(tally.failed, decided) if decided else (None, None)
    return Violation(
        characteristic, known.name, known.zone, known.unit, tally.sums.count, tally.passed, tally.failed,
        tally.inconclusive, tally.not_measured, tally.below, tally.above, tally.failed / decided if decided else None,
        lower, upper, _unit(tally.lowest), _unit(tally.highest),
    )  # fmt: skip


def _unit(nano: int | None) -> float | None:
    return None if nano is None else nano / NANO
