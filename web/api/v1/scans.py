"""Scans: what was received, its receipts and evidence, and what stands in quarantine."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from flask import Response
from pydantic import BaseModel, Field

from appliance.core.canonical import loads_strict
from appliance.crypto.encoding import b64encode
from appliance.errors import NotFound
from appliance.ingest.quarantine import discard, retry
from appliance.inspections.repository import scan_with_inspections
from appliance.plant.assets import find_asset
from appliance.plant.devices import find_device
from appliance.scans.evidence import scan_blocks
from appliance.scans.models import DISCARDED, Scan, ScanManifest
from appliance.scans.service import find_scan, list_scans, scans_of_content, unknown_scan
from appliance.tenancy.scope import WorkspaceScope
from web.api.contract import EDITORS, READERS, SENDERS_AND_READERS, Area, Call, Model
from web.api.forms import SORT, Body, Key, Moment, Page, PageQuery
from web.api.headers import Header
from web.api.paging import page

_SCANS = "/workspaces/{slug}/scans"
_SCAN = _SCANS + "/{scan_id}"
#: An in-toto statement in a DSSE envelope.
_ENVELOPE = "application/vnd.dsse.envelope.v1+json"
_REPR_DIGEST: Final = Header(
    "Repr-Digest", "SHA-256 of the file (RFC 9530).", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:",
    required=True,
)  # fmt: skip
#: Files that are asked for at once.
_MOST_HASHES: Final = 500

scans = Area("scans", "Scans as they were received: receipts, evidence, quarantine.")


class InspectionBrief(BaseModel):
    """An inspection of a scan, as far as it is."""

    id: str
    state: str
    step: str
    progress: float
    verdict: str | None
    error_code: str | None
    error_message: str | None


class ScanOut(BaseModel):
    """One scan; its inspections, the latest first, where one scan was asked for."""

    id: str
    state: str
    reason_code: str | None
    reason: str | None
    asset_id: str
    device_id: str | None
    format: str
    encoding: str
    sha256: str | None
    size_bytes: int | None
    stored_sha256: str
    stored_bytes: int
    captured_at: str
    received_at: str
    clock_skew_s: int | None
    suspect_since: str | None = Field(description="Since when its device's key was in other hands, if it was.")
    suspect_reason: str | None
    manifest: dict[str, Any]
    inspections: list[InspectionBrief] | None = None


#: Columns of which one scan is told: its receipt and its manifest's envelope are longer than all others together.
_ASKED: Final = (*(name for name in ScanOut.model_fields if name != "inspections"), "received_by")
_ASKED_OF_INSPECTIONS: Final = tuple(InspectionBrief.model_fields)


class ScanPageQuery(PageQuery):
    """Which scans; filters are joined by 'and'."""

    sort: Literal["id", "-id", "captured_at", "-captured_at", "stored_bytes", "-stored_bytes"] = Field(
        "id", description=SORT
    )
    asset: Key | None = Field(None, description="Id or name of the asset.")
    device: Key | None = Field(None, description="Id or name of the device.")
    state: Literal["stored", "quarantined", "discarded"] | None = None
    captured_since: Moment | None = Field(None, description="Captured at this moment or later.")
    captured_until: Moment | None = Field(None, description="Captured before this moment.")


class ManifestOut(BaseModel):
    """One manifest that came with a scan's content; envelope and receipt are DSSE envelopes."""

    sha256: str
    added_at: str
    added_by: str
    manifest: dict[str, Any]
    manifest_envelope: dict[str, Any] | None
    receipt: dict[str, Any]


class ManifestList(BaseModel):
    """All manifests of a scan, the first one first."""

    items: list[ManifestOut]


class LookupIn(Body):
    """Hashes of scan files (SHA-256, lower-case hex)."""

    sha256: list[Annotated[str, Field(pattern="^[0-9a-f]{64}$")]] = Field(min_length=1, max_length=_MOST_HASHES)


class Found(BaseModel):
    """What is here under one hash; ``scan`` is null where nothing is, or nothing that the caller may see."""

    sha256: str
    scan: str | None
    state: str | None


class FoundList(BaseModel):
    """One answer a hash, in the order of asking."""

    items: list[Found]


class Corrections(Model):
    """Fields of the manifest to put right; null takes a field away."""

    corrections: dict[str, Any] = Field(default_factory=dict)


class Reason(Model):
    """Why."""

    reason: str


@scans.route("GET", _SCANS, roles=READERS, query=ScanPageQuery, answer=Page[ScanOut], summary="Scans")
def get_scans(call: Call) -> object:
    asked = call.query
    filters = {
        "asset_id": find_asset(call.scope, asked.asset).id if asked.asset else None,
        "device_id": find_device(call.scope, asked.device).id if asked.device else None,
        "state": asked.state, "captured_since": asked.captured_since, "captured_until": asked.captured_until,
    }  # fmt: skip
    found = page(call, lambda listing: list_scans(call.scope, listing, **filters))
    return {**found, "items": [_out(scan) for scan in found["items"]]}


@scans.route(
    "POST", f"{_SCANS}/lookup", roles=SENDERS_AND_READERS, body=LookupIn, answer=FoundList, asks=True,
    summary="Which of many files are here already",
)  # fmt: skip
def lookup_scans(call: Call) -> FoundList:
    """For a device that comes back to the network with a full disk: one request instead of one upload a scan."""
    sent_by = call.caller.id if call.caller.role == "device" else None
    known = scans_of_content(call.scope, call.body.sha256, sent_by=sent_by)
    return FoundList(items=[_found(sha256, known.get(sha256)) for sha256 in call.body.sha256])


@scans.route("GET", _SCAN, roles=SENDERS_AND_READERS, answer=ScanOut, summary="One scan and its inspections")
def get_scan(call: Call, scan_id: str) -> ScanOut:
    scan, rows = scan_with_inspections(call.scope, scan_id, _ASKED, _ASKED_OF_INSPECTIONS)
    _refuse_others(call, scan)
    told = scan._asdict()
    told |= {"manifest": loads_strict(scan.manifest), "inspections": [row._asdict() for row in rows]}
    return ScanOut.model_validate(told)


@scans.route("GET", f"{_SCAN}/receipt", roles=SENDERS_AND_READERS, media_type=_ENVELOPE, summary="Its custody receipt")
def get_receipt(call: Call, scan_id: str) -> Response:
    return Response(_readable(call, scan_id).receipt, content_type=_ENVELOPE)


@scans.route("GET", f"{_SCAN}/manifests", roles=SENDERS_AND_READERS, answer=ManifestList, summary="All its manifests")
def get_manifests(call: Call, scan_id: str) -> ManifestList:
    scan = _readable(call, scan_id)
    with call.scope:
        rows = list(ScanManifest.select().where(ScanManifest.scan_id == scan.id).order_by(ScanManifest.id))
    return ManifestList(items=[_manifest_out(row) for row in rows])


@scans.route(
    "GET", f"{_SCAN}/content", roles=READERS, media_type="application/octet-stream", is_download=True,
    gives_headers=(_REPR_DIGEST,), summary="The scan file itself",
)  # fmt: skip
def get_content(call: Call, scan_id: str) -> Response:
    scan = find_scan(call.scope, scan_id)
    if scan.state == DISCARDED or scan.sha256 is None:
        raise NotFound("scan.no_content", "The scan was discarded, or its file could not be decompressed.")
    name = f"{scan.id}.{scan.format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Repr-Digest": _digest(scan.sha256)}
    headers["Content-Length"] = str(scan.size_bytes)
    return Response(scan_blocks(call.scope, scan), headers=headers, content_type="application/octet-stream")


@scans.route(
    "POST", f"{_SCAN}/retry", roles=EDITORS, body=Corrections, answer=ScanOut, errors=(409,), summary="Examine it again"
)
def retry_scan(call: Call, scan_id: str) -> ScanOut:
    return _out(retry(call.scope, scan_id, call.body.corrections))


@scans.route(
    "POST",
    f"{_SCAN}/discard",
    roles=EDITORS,
    body=Reason,
    answer=ScanOut,
    errors=(409,),
    summary="Give it up, with a reason",
)
def discard_scan(call: Call, scan_id: str) -> ScanOut:
    return _out(discard(call.scope, scan_id, call.body.reason))


def _digest(sha256: str) -> str:
    """As RFC 9530 writes it."""
    return f"sha-256=:{b64encode(bytes.fromhex(sha256))}:"


def _readable(call: Call, scan_id: str) -> Scan:
    """A scan that the caller may see: a device sees what it sent itself.

    Raises
    ------
    NotFound : there is none, or not for this caller
    """
    scan = find_scan(call.scope, scan_id)
    _refuse_others(call, scan)
    return scan


def _refuse_others(call: Call, scan: Any) -> None:
    if call.caller.role == "device" and not _sent_by(call.scope, scan, call.caller.id):
        raise unknown_scan(scan.id)


def _sent_by(scope: WorkspaceScope, scan: Any, principal_id: str) -> bool:
    with scope:
        said = (ScanManifest.scan_id == scan.id) & (ScanManifest.added_by == principal_id)
        return scan.received_by == principal_id or bool(ScanManifest.select().where(said).exists())


def _out(scan: Scan) -> ScanOut:
    columns = {name: getattr(scan, name) for name in ScanOut.model_fields if name not in ("manifest", "inspections")}
    return ScanOut(**columns, manifest=loads_strict(scan.manifest))


def _found(sha256: str, scan: Scan | None) -> Found:
    return Found(sha256=sha256, scan=scan.id if scan else None, state=scan.state if scan else None)


def _manifest_out(row: ScanManifest) -> ManifestOut:
    return ManifestOut(
        sha256=row.sha256,
        added_at=row.added_at,
        added_by=row.added_by,
        manifest=loads_strict(row.manifest),
        manifest_envelope=loads_strict(row.manifest_envelope) if row.manifest_envelope else None,
        receipt=loads_strict(row.receipt),
    )
