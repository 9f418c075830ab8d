"""Inspections: asked for, followed, cancelled, retried, replayed, amended."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from appliance.inspections import service
from appliance.inspections.models import InspectionRow, Replay
from appliance.inspections.repository import get_replay, list_replays
from appliance.inspections.repository import list_inspections as listed
from appliance.inspections.repository import list_measurements as measured
from appliance.inspections.service import get_inspection as find
from appliance.inspections.service import measurements_of, request_replay
from appliance.measurements.instruments import find_instrument
from appliance.measurements.suspicion import suspicion_of
from appliance.plant.assets import find_asset
from appliance.plant.parts import find_part
from web.api.contract import EDITORS, READERS, REQUESTERS, Area, Call
from web.api.forms import SORT, Body, JsonObject, Key, Line, Moment, Out, Page, PageQuery, Reason
from web.api.paging import page
from web.api.v1.suspicions import SuspicionOut

_INSPECTIONS: Final = "/workspaces/{slug}/inspections"
_INSPECTION: Final = _INSPECTIONS + "/{inspection_id}"
_MEASUREMENTS: Final = "/workspaces/{slug}/measurements"
_REPLAYS: Final = _INSPECTION + "/replays"
State = Literal["stored", "decoded", "aligned", "compared", "judged", "recorded", "failed", "cancelled"]
Decision = Literal["pass", "fail", "inconclusive", "not_measured"]

inspections = Area("inspections", "Inspections: the way of a scan to its verdict.")


class InspectionPageQuery(PageQuery):
    """Which inspections; filters are joined by 'and'."""

    sort: Literal["id", "-id"] = Field("-id", description=SORT)
    asset: Key | None = Field(None, description="Id or name of the asset.")
    part: Key | None = Field(None, description="Id or name of the part.")
    scan: Key | None = Field(None, description="Id of the scan.")
    laboratory: Line | None = Field(None, min_length=1, description="Who measured what was imported.")
    state: State | None = None
    verdict: Decision | None = None
    instrument_is_suspect: bool | None = Field(None, description="Measured after its instrument moved, or not.")
    created_since: Moment | None = Field(None, description="Asked for at this moment or later.")
    created_until: Moment | None = Field(None, description="Asked for before this moment.")


class MeasurementPageQuery(PageQuery):
    """Which measurements; filters are joined by 'and'."""

    sort: Literal["id", "-id", "measured_at", "-measured_at"] = Field("-id", description=SORT)
    asset: Key | None = Field(None, description="Id or name of the asset.")
    inspection: Key | None = Field(None, description="Id of the inspection.")
    name: Line | None = Field(None, description="The characteristic.")
    zone: Line | None = None
    quantity: Line | None = None
    decision: Decision | None = None
    characteristic: Key | None = Field(None, description="Id of the characteristic.")
    source: Literal["scan", "import"] | None = None
    disagrees: bool | None = Field(None, description="The source's verdict and ours cannot both be right.")
    instrument_is_suspect: bool | None = Field(None, description="Measured after its instrument moved, or not.")
    measured_since: Moment | None = Field(None, description="Measured at this moment or later.")
    measured_until: Moment | None = Field(None, description="Measured before this moment.")


class Parameters(Body):
    """What an inspection does differently from its plan."""

    fit: bool | None = Field(default=None, description="Fit the scan, whatever pose is supplied.")
    scan_unit: Literal["mm", "m", "in", "ft", "cm", "um"] | None = None


class InspectionIn(Body):
    """A new inspection of a stored scan; what is left open is what counts for the asset's part now."""

    scan: Key
    cad_revision: Key | None = None
    characteristic_set: Key | None = None
    instrument: Key | None = Field(None, description="Id or name of an instrument.")
    parameters: Parameters = Parameters()
    priority: Literal["high", "normal", "low"] = "normal"


class AmendIn(Body):
    """Why a report is amended, and with what it is judged this time."""

    reason: Reason
    cad_revision: Key | None = None
    characteristic_set: Key | None = None
    instrument: Key | None = None
    parameters: Parameters = Parameters()


class CancelIn(Body):
    """Why."""

    reason: str = Field("", max_length=500)


class InspectionOut(Out):
    """Where an inspection stands; ``progress`` is 1 at its end. It rests on a scan, or on a file of results.

    ``instrument_is_suspect``: reference artefacts say that its instrument moved before it was measured.
    """

    id: str
    scan_id: str | None
    asset_id: str
    part_id: str
    cad_revision_id: str | None
    characteristic_set_id: str | None
    results_file_id: str | None
    laboratory: str
    instrument_id: str | None
    measured_at: str | None
    instrument_is_suspect: bool
    state: str
    step: str
    progress: float
    verdict: str | None
    priority: str
    attempts: int
    amends_id: str | None
    reason: str
    created_at: str
    created_by: str
    started_at: str | None
    finished_at: str | None
    engine: str | None
    report_number: str | None
    issued_at: str | None
    log_index: int | None
    envelope_sha256: str | None
    error_code: str | None
    error_message: str | None
    error_hint: str | None


class MeasurementOut(Out):
    """One characteristic as it was measured: ``value`` to ``upper`` in ``unit``, ``expanded`` = k u.

    ``value_mm`` to ``upper_mm`` are the same of a length, and null of everything else.  ``source_decision`` is the
    verdict of whoever measured, where a result was imported; ``disagrees``: it and ``decision`` cannot both be right.
    """

    name: str
    zone: str
    quantity: str
    unit: str
    value: float | None
    u: float | None
    expanded: float | None
    k: float | None
    lower: float | None
    upper: float | None
    value_mm: float | None
    u_mm: float | None
    expanded_mm: float | None
    lower_mm: float | None
    upper_mm: float | None
    coverage: float | None
    coverage_required: float | None
    conformance_probability: float | None
    decision: str
    source_decision: str | None
    disagrees: bool


class MeasurementRecord(MeasurementOut):
    """One measured characteristic, and where it comes from.

    ``superseded_by`` is the inspection that amended this one: the measurement stays, and counts no longer.
    """

    id: str
    inspection_id: str
    characteristic_id: str
    part_id: str
    asset_id: str
    serial: str
    cad_revision_id: str | None
    instrument_id: str | None
    operator_id: str | None
    source: str
    instrument_is_suspect: bool
    measured_at: str
    recorded_at: str
    superseded_by: str | None


class InspectionFull(InspectionOut):
    """An inspection with what it pinned and what it measured; ``suspicion`` says why its instrument is suspect."""

    context: JsonObject
    parameters: JsonObject
    suspicion: SuspicionOut | None
    measurements: list[MeasurementOut]


class ReplayOut(Out):
    """A verdict computed again: ``reproduced`` says whether every figure is the same, bit for bit."""

    id: str
    inspection_id: str
    state: str
    requested_at: str
    requested_by: str
    finished_at: str | None
    reproduced: bool | None
    same_engine: bool | None
    engine: str | None
    differences: JsonObject | None
    error_code: str | None
    error_message: str | None


@inspections.route(
    "GET", _INSPECTIONS, roles=READERS, query=InspectionPageQuery, answer=Page[InspectionOut],
    summary="Inspections",
)  # fmt: skip
def list_inspections(call: Call) -> object:
    asked = call.query
    filters = {
        "asset_id": find_asset(call.scope, asked.asset).id if asked.asset else None,
        "part_id": find_part(call.scope, asked.part).id if asked.part else None,
        "scan_id": asked.scan, "laboratory": asked.laboratory, "state": asked.state, "verdict": asked.verdict,
        "created_since": asked.created_since, "created_until": asked.created_until,
        "suspect": asked.instrument_is_suspect,
    }  # fmt: skip
    return page(call, lambda listing: listed(call.scope, listing, **filters))


@inspections.route(
    "GET", _MEASUREMENTS, roles=READERS, query=MeasurementPageQuery, answer=Page[MeasurementRecord],
    summary="Measurements of all inspections",
)  # fmt: skip
def list_measurements(call: Call) -> object:
    """For whoever analyses: one characteristic of an asset over time, or all that failed, without asking inspection by
    inspection."""
    asked = call.query
    told = {"asset", "inspection", "characteristic", "disagrees", "instrument_is_suspect"}
    filters = asked.model_dump(exclude={"limit", "cursor", "sort", *told})
    filters |= {
        "suspect": asked.instrument_is_suspect,
        "characteristic_id": asked.characteristic,
        "disagrees": None if asked.disagrees is None else int(asked.disagrees),
        "asset_id": find_asset(call.scope, asked.asset).id if asked.asset else None,
        "inspection_id": find(call.scope, asked.inspection).id if asked.inspection else None,
    }
    return page(call, lambda listing: measured(call.scope, listing, **filters))


@inspections.route(
    "POST", _INSPECTIONS, roles=REQUESTERS, body=InspectionIn, answer=InspectionOut, status=201, errors=(409,),
    once="workspace", summary="Ask for an inspection",
)  # fmt: skip
def create_inspection(call: Call) -> InspectionRow:
    return _asked_for(call, call.body, call.body.scan, priority=call.body.priority)


@inspections.route(
    "GET", _INSPECTION, roles=READERS, answer=InspectionFull, summary="One inspection and its measurements"
)
def get_inspection(call: Call, inspection_id: str) -> InspectionFull:
    row = find(call.scope, inspection_id)
    measured = [MeasurementOut.model_validate(one) for one in measurements_of(call.scope, row.id)]
    suspicion = suspicion_of(call.scope, row.instrument_id, row.measured_at)
    row.instrument_is_suspect = suspicion is not None
    known = InspectionOut.model_validate(row).model_dump()
    pinned = {"context": row.context, "parameters": row.parameters}
    return InspectionFull(**known, **pinned, suspicion=suspicion, measurements=measured)


@inspections.route(
    "POST", f"{_INSPECTION}/cancel", roles=REQUESTERS, body=CancelIn, answer=InspectionOut, errors=(409,),
    summary="Stop an inspection",
)  # fmt: skip
def cancel_inspection(call: Call, inspection_id: str) -> InspectionRow:
    """One that a worker carries stops at its next step."""
    return service.cancel(call.scope, inspection_id, call.body.reason)


@inspections.route(
    "POST", f"{_INSPECTION}/retry", roles=REQUESTERS, answer=InspectionOut, errors=(409,),
    summary="Take a failed or cancelled inspection up again",
)  # fmt: skip
def retry_inspection(call: Call, inspection_id: str) -> InspectionRow:
    return service.retry(call.scope, inspection_id)


@inspections.route(
    "POST", f"{_INSPECTION}/amend", roles=EDITORS, body=AmendIn, answer=InspectionOut, status=201, errors=(409,),
    once="workspace", summary="Amend an issued report by a new one",
)  # fmt: skip
def amend_inspection(call: Call, inspection_id: str) -> InspectionRow:
    """The new report names the original and the reason; the original stays as it is (ISO/IEC 17025, 7.8.8)."""
    original = find(call.scope, inspection_id)
    return _asked_for(call, call.body, service.require_scan(original), amends_id=original.id, reason=call.body.reason)


@inspections.route(
    "POST", _REPLAYS, roles=REQUESTERS, answer=ReplayOut, status=201, errors=(409,),
    once="workspace", summary="Compute the verdict again from its evidence",
)  # fmt: skip
def replay_inspection(call: Call, inspection_id: str) -> Replay:
    row = request_replay(call.scope, inspection_id)
    call.made(f"inspections/{inspection_id}/replays/{row.id}")
    return row


@inspections.route(
    "GET", _REPLAYS, roles=READERS, query=PageQuery, answer=Page[ReplayOut], summary="Replays of an inspection"
)
def list_inspection_replays(call: Call, inspection_id: str) -> object:
    row = find(call.scope, inspection_id)
    return page(call, lambda listing: list_replays(call.scope, row.id, listing))


@inspections.route("GET", f"{_REPLAYS}/{{replay_id}}", roles=READERS, answer=ReplayOut, summary="One replay")
def get_inspection_replay(call: Call, inspection_id: str, replay_id: str) -> Replay:
    return get_replay(call.scope, inspection_id, replay_id)


def _asked_for(call: Call, body: InspectionIn | AmendIn, scan_id: str, **more: str) -> InspectionRow:
    instrument = find_instrument(call.scope, body.instrument).statement_object if body.instrument else None
    row = service.create_inspection(
        call.scope, scan_id, cad_revision_id=body.cad_revision, characteristic_set_id=body.characteristic_set,
        instrument_object=instrument, parameters=body.parameters.model_dump(exclude_none=True), **more,
    )  # fmt: skip
    call.made(f"inspections/{row.id}")
    return row
