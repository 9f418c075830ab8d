"""Quarantine: evidence that was put aside with a reason, looked at again, released or discarded by a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from appliance.audit.recording import record
from appliance.core.canonical import loads_strict
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.faults import point
from appliance.errors import Conflict, InvalidInput
from appliance.ingest.acceptance import Delivery, Inspect, find_content, refuse_impossible, release
from appliance.ingest.context import find_context, inspection_inputs
from appliance.ingest.examining import examine
from appliance.ingest.finishing import CONTENT_LOCK
from appliance.ingest.locks import locked
from appliance.ingest.manifest import Manifest, manifest_of
from appliance.ingest.receiving import uploads_of
from appliance.inspections.service import create_inspection
from appliance.objects.sealed import ObjectStore
from appliance.queue.outbox import emit
from appliance.scans.models import DISCARDED, QUARANTINED, Scan
from appliance.scans.service import find_scan, scan_subjects
from appliance.tenancy.scope import WorkspaceScope

#: Held while objects that no row needs any more are deleted; an export holds it, so that what it counts on stays.
DELETION_LOCK: Final = "deletion"
_REASON_CHARACTERS: Final = 500


def retry(
    scope: WorkspaceScope,
    scan_id: str,
    corrections: Mapping[str, Any] | None = None,
    inspect: Inspect = create_inspection,
) -> Scan:
    """Examine quarantined evidence again, with fields of its manifest corrected; what fits goes into the line.

    A correction of None takes the field away.  The device's signature covers its own words only: a corrected manifest
    is unsigned, and the envelope of the first one stays where it was kept.

    Raises
    ------
    NotFound : there is no such scan
    Conflict : it is not quarantined, or its content turns out to be that of another scan
    InvalidInput : it still cannot be accepted; it stays where it is
    """
    scan = _quarantined(scope, scan_id)
    manifest = _corrected(scan, corrections or {})
    envelope = scan.manifest_envelope.encode() if scan.manifest_envelope and not corrections else None
    refuse_impossible(scope, manifest, scan.stored_bytes)
    context = find_context(scope, manifest, envelope)
    blocks = ObjectStore.of(scope).blocks(scan.object)
    finding = examine(manifest, scan.stored_sha256, scan.stored_bytes, blocks)
    if finding.problem:
        raise finding.problem
    delivery = Delivery(
        manifest, envelope, context, scan.stored_sha256, scan.stored_bytes, scan.object, finding, scan.received_by,
        inspection_inputs(scope, manifest),
    )  # fmt: skip
    with scope.transaction():
        scan = _quarantined(scope, scan_id)
        same = find_content(scope, finding, manifest.encoding, scan.stored_sha256)
        if same is not None and same.id != scan.id:
            raise Conflict("scan.known", f"This is the content of the scan {same.id}.", "Discard this one.")
        release(scope, scan, delivery, inspect)
    return scan


def discard(scope: WorkspaceScope, scan_id: str, reason: str) -> Scan:
    """Give quarantined evidence up: its row stays, with who decided and why, and its bytes are deleted.

    Raises
    ------
    NotFound : there is no such scan
    Conflict : it is not quarantined
    InvalidInput : no reason, or one that is too long
    """
    if not reason.strip() or len(reason) > _REASON_CHARACTERS:
        raise InvalidInput("scan.reason", f"Give a reason of 1 to {_REASON_CHARACTERS} characters.")
    with scope.transaction():
        scan = _quarantined(scope, scan_id)
        facts = {"scan": scan.id, "code": scan.reason_code or "", "reason": reason.strip()}
        record(scope, "scan.discarded", scan_subjects(scan), facts)
        emit("scan.discarded", {"scan": scan.id})
        scan.state, scan.reason = DISCARDED, reason.strip()
        scan.save()
    point("discard.recorded")
    remove_discarded(scope)
    return find_scan(scope, scan_id)


def remove_discarded(scope: WorkspaceScope) -> int:
    """Delete the bytes of discarded scans that are there still; returns how many scans were cleared.

    None while the workspace is exported: they go at the next round of the schedule.
    """
    try:
        with locked(uploads_of(scope), DELETION_LOCK):
            return _remove_discarded(scope)
    except Conflict:
        return 0


def _remove_discarded(scope: WorkspaceScope) -> int:
    store, cleared = ObjectStore.of(scope), 0
    with locked(uploads_of(scope), CONTENT_LOCK, wait=True), scope:
        for scan in list(Scan.select().where(Scan.state == DISCARDED, Scan.removed_at.is_null())):
            if not Scan.select().where(Scan.object == scan.object, Scan.state != DISCARDED).exists():
                store.delete(scan.object)
                point("discard.deleted")
            Scan.update(removed_at=rfc3339_us(utc_now())).where(Scan.id == scan.id).execute()
            cleared += 1
    return cleared


def _quarantined(scope: WorkspaceScope, scan_id: str) -> Scan:
    scan = find_scan(scope, scan_id)
    if scan.state != QUARANTINED:
        raise Conflict("scan.not_quarantined", f"The scan is {scan.state}, not in quarantine.")
    return scan


def _corrected(scan: Scan, corrections: Mapping[str, Any]) -> Manifest:
    fields = {**loads_strict(scan.manifest), **corrections}
    return manifest_of({name: value for name, value in fields.items() if value is not None})
