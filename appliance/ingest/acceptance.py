"""Take a scan over: its row, its audit entry, its receipt, its event and its inspection, in one transaction.

Content that is in the workspace already is never a second scan: another manifest for it is added to the one that is
there, the same manifest changes nothing, and a manifest that fits releases content that stood in quarantine because
its first manifest did not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from appliance.audit.database_log import DatabaseLog
from appliance.audit.recording import record
from appliance.core.clock import parse_rfc3339, rfc3339_us, utc_now
from appliance.core.ids import new_id
from appliance.errors import InvalidInput
from appliance.ingest.context import Context
from appliance.ingest.examining import Finding
from appliance.ingest.manifest import Manifest
from appliance.ingest.receipt import sign_receipt
from appliance.inspections.service import can_be_inspected, create_inspection
from appliance.plant.operators import person_of_badge
from appliance.queue.outbox import emit
from appliance.scans.models import DISCARDED, QUARANTINED, STORED, Scan, ScanManifest
from appliance.scans.service import scan_subjects
from appliance.tenancy.scope import WorkspaceScope

#: Asks for the inspection of a scan: ``inspections.service.create_inspection``, or what a test puts in its place.
Inspect = Callable[..., Any]
MANIFEST: Final = "manifest"
#: Content up to this size may pack as well as it likes: it cannot fill a disk.
_HARMLESS_BYTES: Final = 64 << 20
#: Columns that describe the stored bytes, which stay those that came first.
_OF_STORED_BYTES: Final = ("object", "stored_sha256", "stored_bytes", "encoding")


@dataclass(frozen=True)
class Delivery:
    """What came: bytes that are in the object store, what was said about them, and what they turned out to be.

    ``sent_by`` : id of the principal who brought them
    ``inputs`` : what the manifest decides of an inspection
    """

    manifest: Manifest
    envelope: bytes | None
    context: Context
    stored_sha256: str
    stored_bytes: int
    object: str
    finding: Finding
    sent_by: str
    inputs: dict[str, Any] = field(default_factory=dict)

    @property
    def manifest_sha256(self) -> str:
        """SHA-256 of the envelope that the device signed, else of the manifest's canonical JSON."""
        return sha256(self.envelope or self.manifest.canonical()).hexdigest()


def find_content(scope: WorkspaceScope, finding: Finding, encoding: str, stored_sha256: str) -> Scan | None:
    """The scan that has this content already, if there is one."""
    same = (Scan.stored_sha256 == stored_sha256) & (Scan.encoding == encoding)
    if finding.sha256 is not None:
        same |= Scan.sha256 == finding.sha256
    with scope:
        found: Scan | None = Scan.select().where(same, Scan.state != DISCARDED).order_by(Scan.id).first()
    return found


def accept(scope: WorkspaceScope, delivery: Delivery, inspect: Inspect = create_inspection) -> tuple[Scan, bool]:
    """The scan that a delivery made, and whether its content was there before.  Joins the caller's transaction."""
    with scope.transaction():
        known = find_content(scope, delivery.finding, delivery.manifest.encoding, delivery.stored_sha256)
        if known is None:
            return _receive(scope, delivery, inspect), False
        if known.state == QUARANTINED and delivery.finding.problem is None:
            release(scope, known, delivery, inspect)
        else:
            _add_manifest(scope, known, delivery)
        return known, True


def release(scope: WorkspaceScope, scan: Scan, delivery: Delivery, inspect: Inspect = create_inspection) -> None:
    """Let a quarantined scan into the line, under a manifest that its content fits."""
    was = {"old_code": scan.reason_code or "", "old_reason": scan.reason or ""}
    with scope.transaction():
        kept = () if delivery.object == scan.object else _OF_STORED_BYTES
        _fill(scan, {name: value for name, value in _columns(scope, delivery).items() if name not in kept})
        scan.receipt = _recorded(scope, "scan.released", scan, delivery, was)
        scan.save()
        _keep_manifest(scope, scan, delivery, scan.receipt)
        _go_on(scope, scan, delivery, inspect, "scan.released")


def _receive(scope: WorkspaceScope, delivery: Delivery, inspect: Inspect) -> Scan:
    scan = Scan(id=new_id("scn"), received_at=rfc3339_us(utc_now()), received_by=delivery.sent_by)
    _fill(scan, _columns(scope, delivery))
    scan.clock_skew_s = _skew(scope, scan)
    scan.receipt = _recorded(scope, "scan.received", scan, delivery, {})
    scan.save(force_insert=True)
    _keep_manifest(scope, scan, delivery, scan.receipt)
    _go_on(scope, scan, delivery, inspect, "scan.received")
    return scan


def _fill(scan: Scan, columns: dict[str, Any]) -> None:
    for name, value in columns.items():
        setattr(scan, name, value)


def _go_on(scope: WorkspaceScope, scan: Scan, delivery: Delivery, inspect: Inspect, event: str) -> None:
    body = {"scan": scan.id, "asset": delivery.context.asset.name, "state": scan.state}
    emit(event, body | ({"code": scan.reason_code} if scan.reason_code else {}))
    if scan.state == STORED and can_be_inspected(scope, scan.asset_id):
        inspect(scope, scan.id, **delivery.inputs)


def _add_manifest(scope: WorkspaceScope, scan: Scan, delivery: Delivery) -> None:
    """Note that known content came again, with another manifest; the same one changes nothing."""
    same = (ScanManifest.scan_id == scan.id) & (ScanManifest.sha256 == delivery.manifest_sha256)
    if ScanManifest.select().where(same).exists():
        return
    _keep_manifest(scope, scan, delivery, _recorded(scope, "scan.manifest_added", scan, delivery, {}))
    emit("scan.manifest_added", {"scan": scan.id})


def _columns(scope: WorkspaceScope, delivery: Delivery) -> dict[str, Any]:
    """The columns of a scan that follow from a delivery."""
    manifest, problem = delivery.manifest, delivery.finding.problem
    return {
        "sha256": delivery.finding.sha256,
        "size_bytes": delivery.finding.size_bytes,
        "encoding": manifest.encoding,
        "stored_sha256": delivery.stored_sha256,
        "stored_bytes": delivery.stored_bytes,
        "object": delivery.object,
        "format": manifest.format,
        "asset_id": delivery.context.asset.id,
        "device_id": delivery.context.device.id if delivery.context.device else None,
        "operator_person_id": person_of_badge(scope, manifest.operator) if manifest.operator else None,
        "captured_at": rfc3339_us(parse_rfc3339(manifest.captured_at)),
        "manifest": manifest.canonical().decode(),
        "manifest_envelope": delivery.envelope.decode() if delivery.envelope else None,
        "state": QUARANTINED if problem else STORED,
        "reason_code": problem.code if problem else None,
        "reason": problem.message if problem else None,
    }


def _recorded(scope: WorkspaceScope, kind: str, scan: Scan, delivery: Delivery, more: dict[str, Any]) -> str:
    """Write the audit entry and sign the receipt that names it; returns the receipt."""
    subjects = {**scan_subjects(scan), MANIFEST: delivery.manifest_sha256}
    facts = _facts(scan, delivery)
    operator = delivery.manifest.operator
    person = person_of_badge(scope, operator) if operator else None
    index = record(scope, kind, subjects, {**facts, **more}, {"operator": operator} if operator else None, person)
    audit = {"log": DatabaseLog.of(scope).origin, "index": index}
    return sign_receipt(scope.keys.signer(), sorted(subjects.items()), {**facts, "audit": audit}).decode()


def _keep_manifest(scope: WorkspaceScope, scan: Scan, delivery: Delivery, receipt: str) -> None:
    """Keep what was said about a scan, and the receipt for it; one that is there already stays."""
    ScanManifest.insert(
        id=new_id("man"),
        scan_id=scan.id,
        sha256=delivery.manifest_sha256,
        manifest=delivery.manifest.canonical().decode(),
        manifest_envelope=delivery.envelope.decode() if delivery.envelope else None,
        receipt=receipt,
        added_at=rfc3339_us(utc_now()),
        added_by=delivery.sent_by,
    ).on_conflict_ignore().execute()


def _facts(scan: Scan, delivery: Delivery) -> dict[str, Any]:
    """What entry and receipt say about a delivery; the operator stands in neither."""
    manifest, context = delivery.manifest, delivery.context
    facts: dict[str, Any] = {
        "scan": scan.id,
        "asset": context.asset.name,
        "format": manifest.format,
        "encoding": manifest.encoding,
        "stored_bytes": delivery.stored_bytes,
        "captured_at": manifest.captured_at,
        "received_at": scan.received_at,
        "manifest_signed": delivery.envelope is not None,
        "state": scan.state,
    }
    optional = {
        "device": context.device.name if context.device else None,
        "size_bytes": delivery.finding.size_bytes,
        "clock_skew_s": scan.clock_skew_s,
        "reason_code": scan.reason_code,
    }
    return facts | {name: value for name, value in optional.items() if value is not None}


def _skew(scope: WorkspaceScope, scan: Scan) -> int | None:
    """How far the device's time lies ahead of ours (behind: negative), in seconds, if further than is allowed."""
    ahead = (parse_rfc3339(scan.captured_at) - parse_rfc3339(scan.received_at)).total_seconds()
    return round(ahead) if abs(ahead) > scope.settings.clock_skew_seconds else None


def refuse_impossible(scope: WorkspaceScope, manifest: Manifest, length_bytes: int) -> None:
    """Return if a file of ``length_bytes`` can be what its manifest says.

    Raises
    ------
    InvalidInput : another length than the manifest's, or compressed beyond what is believed
    """
    ratio = scope.settings.inflate_limit_ratio
    believed = max(_HARMLESS_BYTES, ratio * length_bytes)
    if manifest.encoding == "identity" and manifest.size_bytes != length_bytes:
        message = f"The upload is of {length_bytes} bytes, its manifest says {manifest.size_bytes}."
        raise InvalidInput("ingest.length", message)
    if manifest.encoding == "zstd" and manifest.size_bytes > believed:
        message = f"The manifest promises {manifest.size_bytes} bytes from {length_bytes} compressed ones."
        raise InvalidInput("ingest.bomb", message, f"A scan that packs better than {ratio} to 1 is sent uncompressed.")
