"""Changes between two stored scans of an asset, without CAD: asked for, followed, stopped, tried again, fetched."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from flask import Response
from pydantic import Field

from appliance.inspections import scan_changes
from appliance.inspections.change import ARRAYS, LAZ, PLY, RESULT
from appliance.inspections.models import ScanChange
from appliance.inspections.scan_changes import LENGTH_MM, MOST_SCALES
from appliance.plant.assets import find_asset
from web.api.contract import READERS, REQUESTERS, Area, Call
from web.api.downloads import file_answer
from web.api.forms import SORT, Body, JsonObject, Key, Out, Page, PageQuery
from web.api.intake import BYTES
from web.api.paging import page

_CHANGES: Final = "/workspaces/{slug}/changes"
_CHANGE: Final = _CHANGES + "/{change_id}"
Length = Annotated[float, Field(ge=LENGTH_MM[0], le=LENGTH_MM[1])]

changes = Area("changes", "Changes: what differs between two scans of an asset, and how sure (docs/change.md).")


class ChangePageQuery(PageQuery):
    """Which changes; filters are joined by 'and'."""

    sort: Literal["id", "-id"] = Field("-id", description=SORT)
    asset: Key | None = Field(None, description="Id or name of the asset.")
    state: Literal["requested", "done", "failed", "cancelled"] | None = None


class ChangeIn(Body):
    """Two stored scans of one asset; scales that are left out suit how dense the coarser scan is."""

    first: Key = Field(description="Id of the scan before.")
    second: Key = Field(description="Id of the scan after.")
    cores_mm: Length | None = Field(None, description="Distance between core points.")
    scales_mm: list[Length] = Field([], max_length=MOST_SCALES, description="Diameters that normals are found in.")
    radius_mm: Length | None = Field(None, description="Radius of the cylinder whose points are averaged.")
    depth_mm: Length | None = Field(None, description="How far a change is sought to either side.")
    registration_mm: float = Field(0.0, ge=0.0, le=LENGTH_MM[1], description="Added to the level of detection.")
    align: bool = Field(False, description="Fit the second scan to the first; the residual is added too.")
    robust: bool = Field(False, description="Median and interquartile range instead of mean and deviation.")
    upwards: bool = Field(False, description="Change is positive upwards, wherever the scanner stood.")
    scan_unit: Literal["mm", "m", "in", "ft", "cm", "um"] | None = Field(
        None, description="Unit of scans whose format states none; E57 is in metres."
    )


class ScanChangeOut(Out):
    """Where the computing of a change stands, and in figures what was found; ``result_sha256`` stands in the log."""

    id: str
    asset_id: str
    first_scan_id: str
    second_scan_id: str
    parameters: JsonObject
    state: str
    step: str
    progress: float
    requested_at: str
    requested_by: str
    attempts: int
    finished_at: str | None
    engine: str | None
    summary: JsonObject | None
    result_sha256: str | None
    error_code: str | None
    error_message: str | None
    error_hint: str | None


@changes.route("GET", _CHANGES, roles=READERS, query=ChangePageQuery, answer=Page[ScanChangeOut], summary="Changes")
def list_scan_changes(call: Call) -> object:
    asked = call.query
    asset = find_asset(call.scope, asked.asset).id if asked.asset else None
    return page(call, lambda listing: scan_changes.list_changes(call.scope, listing, asset_id=asset, state=asked.state))


@changes.route(
    "POST", _CHANGES, roles=REQUESTERS, body=ChangeIn, answer=ScanChangeOut, status=201, errors=(409,),
    once="workspace", summary="Ask what changed between two scans",
)  # fmt: skip
def request_scan_change(call: Call) -> ScanChange:
    """M3C2 (Lague, Brodu & Leroux 2013) in the background; `state` says what became of it."""
    asked: dict[str, Any] = call.body.model_dump(exclude={"first", "second"}, exclude_defaults=True)
    row = scan_changes.request_change(call.scope, call.body.first, call.body.second, asked)
    call.made(f"changes/{row.id}")
    return row


@changes.route("GET", _CHANGE, roles=READERS, answer=ScanChangeOut, summary="One change")
def get_scan_change(call: Call, change_id: str) -> ScanChange:
    return scan_changes.get_change(call.scope, change_id)


@changes.route(
    "POST", f"{_CHANGE}/cancel", roles=REQUESTERS, answer=ScanChangeOut, errors=(409,),
    summary="Stop computing a change",
)  # fmt: skip
def cancel_scan_change(call: Call, change_id: str) -> ScanChange:
    """One that a worker carries stops at its next step."""
    return scan_changes.cancel_change(call.scope, change_id)


@changes.route(
    "POST", f"{_CHANGE}/retry", roles=REQUESTERS, answer=ScanChangeOut, errors=(409,),
    summary="Take a failed or cancelled change up again",
)  # fmt: skip
def retry_scan_change(call: Call, change_id: str) -> ScanChange:
    return scan_changes.retry_change(call.scope, change_id)


def _file(name: str, summary: str, media_type: str) -> None:
    """Declare the download of one file of a change."""

    def view(call: Call, change_id: str) -> Response:
        return file_answer(scan_changes.change_file(call.scope, change_id, name), f"{change_id}-{name}", media_type)

    view.__name__ = f"get_change_{name.removeprefix('change.').replace('.', '_')}"
    changes.route(
        "GET", f"{_CHANGE}/{name}", roles=READERS, media_type=media_type, is_download=True, errors=(409,),
        summary=summary,
    )(view)  # fmt: skip


for _name, _summary, _type in (
    (RESULT, "Scales, registration, counts, percentiles", "application/json"),
    (LAZ, "The core points with their change (LAZ)", BYTES),
    (PLY, "The core points with their change (PLY)", BYTES),
    (ARRAYS, "Everything of each core point (NumPy)", BYTES),
):
    _file(_name, _summary, _type)
