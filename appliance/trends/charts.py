"""Control charts of single values (I-MR): limits frozen in phase I and versioned, run rules in phase II.

Limits are made of a stretch of time in which the process was in control, by somebody who says why, and never computed
anew: the chart of later values is judged by the version that was frozen last.  One chart shows at most ``MOST_POINTS``
values, the latest ones; signals are those of Nelson's rules among them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from appliance.audit.recording import record
from appliance.core.canonical import loads_strict
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.ids import new_id
from appliance.errors import InvalidInput, NotFound
from appliance.plant.repository import checked_text
from appliance.queue.outbox import emit
from appliance.spc.monitoring import limits_from, monitor, record_of
from appliance.spc.records import PhaseOne
from appliance.spc.rules import NELSON, Rule
from appliance.spc.variables import individuals_limits
from appliance.tenancy.scope import WorkspaceScope
from appliance.trends.characteristics import find_characteristic
from appliance.trends.models import ControlLimits
from appliance.trends.unchanged import Unchanged

MOST_POINTS: Final = 2_000
#: Of 2,000 points each at most: 1 MB.
_unchanged: Final = Unchanged["ControlChart"](32)
_COLUMNS: Final = "SELECT measured_at, value, inspection_id, instrument_id FROM measurement WHERE characteristic_id = ?"
_COUNTS: Final = "superseded_by IS NULL AND value IS NOT NULL AND measured_at >= ? AND measured_at < ?"
_LATEST: Final = "ORDER BY measured_at DESC, id DESC LIMIT ?"
_OF_PART: Final = f"{_COLUMNS} AND {_COUNTS} {_LATEST}"
_OF_ASSET: Final = f"{_COLUMNS} AND asset_id = ? AND {_COUNTS} {_LATEST}"
_END: Final = "9999"


@dataclass(frozen=True)
class Point:
    """One value of a chart."""

    measured_at: str
    value: float
    inspection_id: str
    instrument_id: str | None


@dataclass(frozen=True)
class RuleSignal:
    """A run rule that was broken: complete ``at`` this point, made by ``points``; ``reason`` in words."""

    statistic: str
    rule: str
    at: int
    measured_at: str
    points: tuple[int, ...]
    reason: str


@dataclass(frozen=True)
class ControlChart:
    """The values with the limits that they were judged by, and every signal; limits are those of single values."""

    version: int
    centre: float
    sigma: float
    lower: float
    upper: float
    made_since: str
    made_until: str
    reason: str
    points: tuple[Point, ...]
    signals: tuple[RuleSignal, ...]


def freeze_limits(
    scope: WorkspaceScope, characteristic: str, since: str, until: str, reason: str, *, asset: str | None = None
) -> ControlLimits:
    """Limits of what was measured within a time (RFC 3339 with microseconds), as the next version.

    Raises
    ------
    NotFound, Conflict : there is no such characteristic, or several have the name
    InvalidInput : too few or too many values, or they are all alike
    """
    known = find_characteristic(scope, characteristic)
    why, now = checked_text(reason, "reason"), rfc3339_us(utc_now())
    with scope.transaction():
        points = points_of(scope, known.id, asset, since, until, MOST_POINTS + 1)
        if len(points) > MOST_POINTS:
            raise InvalidInput("trends.too_much", f"Limits are made of at most {MOST_POINTS} values.", "Shorten it.")
        limits = individuals_limits([point.value for point in points])
        last = _newest(known.id, asset)
        row: ControlLimits = ControlLimits.create(
            id=new_id("lim"), characteristic_id=known.id, asset_id=asset or "", version=last.version + 1 if last else 1,
            limits=json.dumps(record_of(limits)), made_since=since, made_until=until, reason=why, created_at=now,
            created_by=scope.principal.id,
        )  # fmt: skip
        facts: dict[str, Any] = {"limits": row.id, "characteristic": known.id, "version": row.version, "reason": why}
        record(scope, "limits.frozen", {}, facts | ({"asset": asset} if asset else {}))
        emit("limits.frozen", {"limits": row.id, "characteristic": known.id})
    return row


def control_chart(
    scope: WorkspaceScope, characteristic: str, *, asset: str | None = None, since: str = "", until: str = _END
) -> ControlChart:
    """The chart of what was measured within a time, by the newest limits.

    Remembered while nothing is changed (``trends.unchanged``).

    Raises
    ------
    NotFound : there is no such characteristic, or no limits were frozen for it
    """
    question = characteristic, asset, since, until
    return _unchanged.get(scope, question, lambda: _control_chart(scope, *question))


def _control_chart(
    scope: WorkspaceScope, characteristic: str, asset: str | None, since: str, until: str
) -> ControlChart:
    known = find_characteristic(scope, characteristic)
    with scope:
        row = _newest(known.id, asset)
        if row is None:
            hint = "Freeze limits of a time in which the process was in control."
            raise NotFound("limits.none", "No control limits were frozen for this characteristic.", hint)
        limits = limits_from(loads_strict(row.limits))
        return _chart(row, limits, points_of(scope, known.id, asset, since, until))


def points_of(
    scope: WorkspaceScope, characteristic: str, asset: str | None, since: str, until: str, most: int = MOST_POINTS
) -> list[Point]:
    """The latest values within a time, in order of time, inside the open scope."""
    if asset is None:
        rows = scope.database.look_up(_OF_PART, characteristic, since, until, most)
    else:
        rows = scope.database.look_up(_OF_ASSET, characteristic, asset, since, until, most)
    return [Point(*row) for row in reversed(rows)]


def limits_of(scope: WorkspaceScope, characteristic: str, asset: str | None) -> PhaseOne | None:
    """The newest limits, inside the open scope; None where there are none."""
    row = _newest(characteristic, asset)
    return None if row is None else limits_from(loads_strict(row.limits))


def signals_of(limits: PhaseOne, points: list[Point], rules: Iterable[Rule] = NELSON) -> tuple[RuleSignal, ...]:
    """Every run rule that points broke."""
    if not points:
        return ()
    found = monitor(limits, [point.value for point in points], rules=rules)
    return tuple(
        RuleSignal(one.statistic, one.rule, one.at, points[one.at].measured_at, one.points, one.reason) for one in found
    )


def _chart(row: ControlLimits, limits: PhaseOne, points: list[Point]) -> ControlChart:
    assert limits.spread is not None  # only charts of individuals are frozen here
    reach = limits.width * limits.spread.sigma
    return ControlChart(
        row.version, limits.centre, limits.spread.sigma, limits.centre - reach, limits.centre + reach, row.made_since,
        row.made_until, row.reason, tuple(points), signals_of(limits, points),
    )  # fmt: skip


def _newest(characteristic: str, asset: str | None) -> ControlLimits | None:
    theirs = ControlLimits.alike(newest_first="version", characteristic_id=characteristic, asset_id=asset or "")
    return theirs[0] if theirs else None
