"""Pages of trends: what degrades and which limits are broken, and one series with everything that is known of it."""

from __future__ import annotations

from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import Response, request

from appliance.core.clock import parse_rfc3339
from appliance.db.listing import LARGEST_PAGE, Listing
from appliance.errors import InvalidInput, NotFound
from appliance.measurements.suspicion import lift_suspicion, marks
from appliance.plant.assets import find_asset
from appliance.plant.parts import find_part, list_parts
from appliance.trends.capability import capability_of
from appliance.trends.characteristics import find_characteristic
from appliance.trends.degrading import degrading, evidence_of
from appliance.trends.history import breaks_of, latest_points
from appliance.trends.instruments import instrument_states
from appliance.trends.records import Period
from appliance.trends.violations import violations
from web.api.contract import Call
from web.console.plots import plot_of
from web.console.showing import see

Shown = tuple[str, dict[str, Any]]
_POINTS: Final = 300
_MONTHS: Final = 12
_ROWS: Final = 20


def trends(call: Call) -> Shown:
    """What degrades in the workspace, or of the asset in the query; limits that are broken; instruments."""
    asset = find_asset(call.scope, request.args["asset"]) if request.args.get("asset") else None
    parts = list_parts(call.scope, Listing(limit=LARGEST_PAGE))
    part = None if asset else _part(call, parts)
    member = ("asset", asset.id) if asset else ("part", part.id) if part else None
    broken = violations(call.scope, *member, limit=_ROWS) if member else ()  # type: ignore[arg-type]
    shown = {
        "asset": asset, "parts": parts, "part": part, "broken": [one for one in broken if one.failed],
        "ranking": degrading(call.scope, asset=asset.id if asset else None),
        "instruments": instrument_states(call.scope),
    }  # fmt: skip
    return "trends.html", shown


def explain_instrument(call: Call, suspicion_id: str) -> Response:
    """Say what explains that an instrument seemed to move; then what the charts say of it now."""
    lift_suspicion(call.scope, suspicion_id, request.form.get("reason", ""))
    return see(f"/console/{call.scope.slug}/trends")


def series(call: Call, asset: str, characteristic: str) -> Shown:
    """One characteristic of one asset: its values, the trend through them, and how capable its months were."""
    row, known = find_asset(call.scope, asset), find_characteristic(call.scope, characteristic)
    points = latest_points(call.scope, known.id, row.id, _POINTS)
    if not points:
        raise NotFound("trends.nothing", "Nothing was measured of this characteristic of this asset.")
    shown: dict[str, Any] = {"asset": row, "characteristic": known, "points": points, "most": _POINTS}
    shown["evidence"], shown["why_not"] = _evidence(call, row.id, known.id)
    with call.scope:
        breaks = breaks_of(call.scope.database, row.id)
    shown["plot"] = plot_of(points, breaks, shown["evidence"])
    standing = marks(call.scope)
    shown["suspect"] = {one.inspection_id: one for one in points if standing.of(one.instrument_id, one.measured_at)}
    shown["months"] = _capability(call, row.id, known.id)
    return "series.html", shown


def _evidence(call: Call, asset: str, characteristic: str) -> tuple[Any, str]:
    try:
        return evidence_of(call.scope, asset, characteristic), ""
    except InvalidInput as error:
        return None, error.message


def _capability(call: Call, asset: str, characteristic: str) -> list[tuple[str, Period]]:
    """The latest months, the newest first; none where there are no limits, or too many months to look at."""
    try:
        months = capability_of(call.scope, characteristic, "month", asset=asset)
    except InvalidInput:
        return []
    zone = ZoneInfo(call.site.settings.time_zone)
    return [(f"{parse_rfc3339(one.since).astimezone(zone):%Y-%m}", one) for one in reversed(months[-_MONTHS:])]


def _part(call: Call, parts: list[Any]) -> Any:
    """The part in the query, else the first one."""
    if request.args.get("part"):
        return find_part(call.scope, request.args["part"])
    return parts[0] if parts else None
