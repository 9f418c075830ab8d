"""The page of an asset's twin: its history with verdicts, and two versions compared, in figures and as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import Response, request

from appliance.db.listing import Listing
from appliance.errors import NotFound
from appliance.plant.assets import find_asset
from appliance.twin.repository import list_versions
from appliance.twin.service import find_version, skin_of_version
from web.api.contract import Call
from web.api.downloads import small_answer

if TYPE_CHECKING:
    from appliance.twin.comparing import Comparison

_ROWS: Final = 100


def twin(call: Call, asset: str) -> tuple[str, dict[str, Any]]:
    """The newest versions of a twin; two of them compared where the query names them as ``before`` and ``after``."""
    row = find_asset(call.scope, asset)
    shown: dict[str, Any] = {"asset": row, "found": None, "before": "", "after": "", "scale": None}
    shown["versions"] = list_versions(call.scope, Listing("-number", limit=_ROWS), asset_id=row.id)
    if request.args.get("before") and request.args.get("after"):
        found = _compared(call, request.args["before"], request.args["after"])
        if row.id not in (found.before.asset_id, found.after.asset_id):
            raise NotFound("twin.unknown", "These are no versions of this asset's twin.")
        shown |= {"found": found, "before": found.before.id, "after": found.after.id, "scale": _span(found)}
    return "twin.html", shown


def twin_picture(call: Call, version_id: str) -> Response:
    """What changed up to a version, as PNG."""
    from appliance.reports.twin_views import png_of
    from appliance.twin.pictures import picture_of_change

    found = _compared(call, request.args.get("against", ""), version_id)
    return small_answer(png_of(picture_of_change(found, skin_of_version(call.scope, found.after))), "image/png")


def _compared(call: Call, before: str, after: str) -> Comparison:
    from appliance.twin.comparing import compare_versions

    return compare_versions(call.scope, find_version(call.scope, before), find_version(call.scope, after))


def _span(found: Comparison) -> float:
    from appliance.twin.pictures import span_of

    return span_of(found.change.difference_mm[found.change.changed])
