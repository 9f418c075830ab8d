"""Use cases of inspections: ask for one, look, cancel, retry, replay, take up what was left behind.

Every function joins the caller's transaction where there is one; jobs are queued only after its commit.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from appliance.audit.recording import record
from appliance.cad.models import CadRevision
from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.core.clock import rfc3339, rfc3339_us, utc_now
from appliance.core.ids import new_id
from appliance.errors import Conflict, InvalidInput, NotFound
from appliance.inspections.models import FINAL, PRIORITIES, InspectionRow, Replay
from appliance.measurements.models import CharacteristicSetRow, Measurement
from appliance.plant.models import Asset, Part
from appliance.queue.outbox import emit
from appliance.scans.models import Scan
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site

INSPECT_JOB: Final = "inspect_scan"
REPLAY_JOB: Final = "replay_inspection"
#: Claims after which an inspection that never ends is given up: its file kills the worker.
ATTEMPT_LIMIT: Final = 12
#: What ``parameters`` may hold.
_PARAMETERS: Final = ("fit", "scan_unit")


def create_inspection(
    scope: WorkspaceScope,
    scan_id: str,
    *,
    cad_revision_id: str | None = None,
    characteristic_set_id: str | None = None,
    instrument_object: str | None = None,
    alignment_object: str | None = None,
    start_object: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    priority: str = "normal",
    amends_id: str | None = None,
    reason: str = "",
) -> InspectionRow:
    """Ask for the inspection of a stored scan; it is queued when the transaction commits.

    What is left open is taken from what is current for the asset's part, and pinned.

    Raises
    ------
    NotFound : no such scan, revision, set or original inspection
    InvalidInput : the part has no CAD revision or no characteristics yet, or an unknown parameter
    Conflict : the scan is quarantined
    """
    _check(parameters or {}, priority)
    with scope.transaction():
        scan = _scan(scan_id)
        asset = Asset.get_by_id(scan.asset_id)
        part = Part.get_by_id(asset.part_id) if asset.part_id else None
        revision = _revision(part, cad_revision_id)
        plan = _plan(part, characteristic_set_id)
        now = utc_now()
        row: InspectionRow = InspectionRow.create(
            id=new_id("ins"),
            scan_id=scan.id,
            asset_id=asset.id,
            part_id=revision.part_id,
            cad_revision_id=revision.id,
            characteristic_set_id=plan.id,
            instrument_object=instrument_object,
            alignment_object=alignment_object,
            start_object=start_object,
            parameters=_text(dict(parameters or {})),
            context=_text(_context(scope, scan, asset, revision, plan)),
            priority=priority,
            amends_id=_original(amends_id),
            reason=reason,
            inspected_at=rfc3339(now),
            created_at=rfc3339_us(now),
            created_by=scope.principal.id,
            state="stored",
        )
        subjects = {"scan": scan.sha256, "cad": revision.sha256, "characteristics": plan.sha256}
        facts = {"inspection": row.id, "scan": scan.id, "asset": asset.name}
        record(scope, "inspection.created", subjects, facts | ({"amends": amends_id} if amends_id else {}))
        emit("inspection.created", {"inspection": row.id, "scan": scan.id, "asset": asset.name, "state": row.state})
        scope.after_commit(lambda: _queue(scope, INSPECT_JOB, row.id, priority))
    return row


def can_be_inspected(scope: WorkspaceScope, asset_id: str) -> bool:
    """Whether the asset's part has a CAD revision and a characteristic set."""
    with scope:
        part_id = Asset.get_by_id(asset_id).part_id
        part = Part.get_or_none(Part.id == part_id) if part_id else None
        return part is not None and bool(part.current_cad_revision_id and part.current_characteristic_set_id)


def get_inspection(scope: WorkspaceScope, inspection_id: str) -> InspectionRow:
    """One inspection.

    Raises
    ------
    NotFound : there is none of that id in this workspace
    """
    with scope:
        row: InspectionRow | None = InspectionRow.get_or_none(InspectionRow.id == inspection_id)
    if row is None:
        raise NotFound("inspection.unknown", f"There is no inspection '{inspection_id}'.")
    return row


def require_scan(row: InspectionRow) -> str:
    """The id of the scan that an inspection rests on.

    Raises
    ------
    Conflict : it rests on a file of results from elsewhere, which is imported and corrected as a whole
    """
    if row.scan_id is None:
        message = "The inspection was imported; it is neither computed nor stopped here."
        raise Conflict("inspection.imported", message, "Import the corrected file: d2r results import --amends.")
    return str(row.scan_id)


def measurements_of(scope: WorkspaceScope, inspection_id: str) -> list[Measurement]:
    """What an inspection measured, in the order of its plan."""
    with scope:
        found = Measurement.select().where(Measurement.inspection_id == inspection_id)
        return list(found.order_by(Measurement.position))


def cancel(scope: WorkspaceScope, inspection_id: str, reason: str = "") -> InspectionRow:
    """Ask an inspection to stop; one that no worker carries stops at once.

    Raises
    ------
    Conflict : it has come to its end already
    """
    with scope.transaction():
        row = get_inspection(scope, inspection_id)
        if row.state in FINAL:
            raise Conflict("inspection.final", f"The inspection is {row.state}; there is nothing to cancel.")
        require_scan(row)
        if row.lease_until is None or row.lease_until <= rfc3339_us(utc_now()):
            mark_cancelled(scope, row.id, reason)
        else:
            InspectionRow.update(cancel_requested=1, reason=reason or row.reason).where(
                InspectionRow.id == row.id
            ).execute()
    return get_inspection(scope, inspection_id)


def mark_cancelled(scope: WorkspaceScope, inspection_id: str, reason: str = "") -> None:
    """Write the end of a cancelled inspection, whoever carries it: the token moves on. Joins a transaction."""
    InspectionRow.update(
        state="cancelled", lease_token=InspectionRow.lease_token + 1, lease_until=None, cancel_requested=1,
        finished_at=rfc3339_us(utc_now()),
    ).where(InspectionRow.id == inspection_id).execute()  # fmt: skip
    record(scope, "inspection.cancelled", {}, {"inspection": inspection_id, "reason": reason})
    emit("inspection.cancelled", {"inspection": inspection_id, "state": "cancelled"})


def retry(scope: WorkspaceScope, inspection_id: str) -> InspectionRow:
    """Take up a failed or cancelled inspection again, with the same pinned evidence.

    Raises
    ------
    Conflict : it neither failed nor was cancelled
    """
    with scope.transaction():
        row = get_inspection(scope, inspection_id)
        if row.state not in ("failed", "cancelled"):
            raise Conflict("inspection.running", f"The inspection is {row.state}; only what ended early is retried.")
        InspectionRow.update(
            state="stored", attempts=0, cancel_requested=0, not_before=None, lease_until=None, finished_at=None,
            error_code=None, error_message=None, error_hint=None, progress=0.0, step="",
        ).where(InspectionRow.id == row.id).execute()  # fmt: skip
        record(scope, "inspection.retried", {}, {"inspection": row.id})
        emit("inspection.retried", {"inspection": row.id, "state": "stored"})
        scope.after_commit(lambda: _queue(scope, INSPECT_JOB, row.id, row.priority))
    return get_inspection(scope, inspection_id)


def request_replay(scope: WorkspaceScope, inspection_id: str) -> Replay:
    """Ask that the verdict be recomputed from its evidence and compared, bit for bit.

    Raises
    ------
    Conflict : the inspection has no verdict
    """
    with scope.transaction():
        row = get_inspection(scope, inspection_id)
        if row.state != "recorded":
            raise Conflict("inspection.no_verdict", f"The inspection is {row.state}; only a verdict is replayed.")
        require_scan(row)
        replay: Replay = Replay.create(
            id=new_id("rpl"), inspection_id=row.id, state="requested", requested_at=rfc3339_us(utc_now()),
            requested_by=scope.principal.id,
        )  # fmt: skip
        record(scope, "replay.requested", {}, {"inspection": row.id, "replay": replay.id})
        emit("replay.requested", {"inspection": row.id, "replay": replay.id})
        scope.after_commit(lambda: _queue(scope, REPLAY_JOB, replay.id, "normal"))
    return replay


def reconcile(site: Site) -> int:
    """Queue again whatever a lost queue, a killed worker or a full disk left behind; returns how many."""
    found = 0
    for workspace in site.workspaces():
        scope = site.system_scope(workspace.id)
        with scope:
            moment = rfc3339_us(utc_now() - timedelta(seconds=1))
            scans = InspectionRow.scan_id.is_null(False)
            left = [(INSPECT_JOB, row.id, row.priority) for row in left_behind(InspectionRow, moment, scans)]
            left += [(REPLAY_JOB, row.id, "normal") for row in left_behind(Replay, moment)]
        for job, row_id, priority in left:
            _queue(scope, job, row_id, priority)
        found += len(left)
    return found


def left_behind(model: Any, moment: str, *conditions: Any) -> list[Any]:
    """Rows of the open scope that are not final, and that no worker carries at ``moment``."""
    free = model.lease_until.is_null() | (model.lease_until <= moment)
    rows = list(model.select().where(model.state.not_in(FINAL) & free, *conditions))
    return [row for row in rows if not (getattr(row, "not_before", None) or "") > moment]


def _queue(scope: WorkspaceScope, job: str, row_id: str, priority: str) -> None:
    scope.queue.enqueue(job, scope.workspace_id, row_id, priority=priority)


def _scan(scan_id: str) -> Scan:
    scan: Scan | None = Scan.get_or_none(Scan.id == scan_id)
    if scan is None:
        raise NotFound("scan.unknown", f"There is no scan '{scan_id}'.")
    if scan.state == "quarantined":
        raise Conflict("scan.quarantined", f"The scan is quarantined: {scan.reason}", "Release it first.")
    return scan


def _revision(part: Part | None, revision_id: str | None) -> CadRevision:
    chosen = revision_id or (part.current_cad_revision_id if part else None)
    if chosen is None:
        raise InvalidInput("inspection.no_cad", "The asset's part has no CAD revision yet.", "Add one: d2r cad add.")
    found: CadRevision | None = CadRevision.get_or_none(CadRevision.id == chosen)
    if found is None:
        raise NotFound("cad.unknown", f"There is no CAD revision '{chosen}'.")
    return found


def _plan(part: Part | None, set_id: str | None) -> CharacteristicSetRow:
    chosen = set_id or (part.current_characteristic_set_id if part else None)
    if chosen is None:
        raise InvalidInput(
            "inspection.no_plan", "The asset's part has no characteristics yet.", "Add them: d2r characteristic add."
        )
    found: CharacteristicSetRow | None = CharacteristicSetRow.get_or_none(CharacteristicSetRow.id == chosen)
    if found is None:
        raise NotFound("characteristics.unknown", f"There is no characteristic set '{chosen}'.")
    return found


def _original(inspection_id: str | None) -> str | None:
    if inspection_id is None:
        return None
    row = InspectionRow.get_or_none(InspectionRow.id == inspection_id)
    if row is None:
        raise NotFound("inspection.unknown", f"There is no inspection '{inspection_id}' to amend.")
    if row.state != "recorded":
        raise Conflict("inspection.no_report", f"The inspection is {row.state}; only an issued report is amended.")
    return str(row.id)


def _context(
    scope: WorkspaceScope, scan: Scan, asset: Asset, revision: CadRevision, plan: CharacteristicSetRow
) -> dict[str, Any]:
    """Who and what, as it was known when the inspection was asked for: printed on the report."""
    return {
        "workspace": scope.slug,
        "asset": asset.name,
        "serial": asset.serial or "",
        "location": asset.location or "",
        "cad_revision": revision.label,
        "characteristics_version": str(plan.version),
        "scan": scan.id,
        "device": scan.device_id or "",
        "captured_at": scan.captured_at or "",
        "received_at": scan.received_at,
    }


def _check(parameters: Mapping[str, Any], priority: str) -> None:
    unknown = [name for name in parameters if name not in _PARAMETERS]
    if unknown:
        raise InvalidInput("inspection.parameter", f"There is no parameter '{unknown[0]}'.", "Known: fit, scan_unit.")
    if priority not in PRIORITIES:
        raise InvalidInput("inspection.priority", f"'{priority}' is no priority.", "Use high, normal or low.")


def _text(value: dict[str, Any]) -> str:
    return canonical_bytes(value).decode()


def context_of(row: InspectionRow) -> dict[str, Any]:
    """The printed context of an inspection."""
    found: dict[str, Any] = loads_strict(row.context)
    return found
