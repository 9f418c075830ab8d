"""Use cases of scans that every station has: find one, list them, put one aside with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from appliance.audit.recording import record
from appliance.db.listing import WHOLE, Listing, between, equal
from appliance.errors import Conflict, NotFound
from appliance.plant.repository import page
from appliance.queue.outbox import emit
from appliance.scans.models import DISCARDED, QUARANTINED, Scan, ScanManifest
from appliance.tenancy.scope import WorkspaceScope


def find_scan(scope: WorkspaceScope, scan_id: str) -> Scan:
    """A scan by its id.

    Raises
    ------
    NotFound : there is none in this workspace
    """
    with scope:
        scan: Scan | None = Scan.known(id=scan_id)
    if scan is None:
        raise unknown_scan(scan_id)
    return scan


def unknown_scan(scan_id: str) -> NotFound:
    """What is said of a scan that is not there, or not for whoever asks."""
    return NotFound("scan.unknown", f"There is no scan '{scan_id[:40]}'.")


def list_scans(
    scope: WorkspaceScope,
    listing: Listing = WHOLE,
    *,
    captured_since: str | None = None,
    captured_until: str | None = None,
    **equals: str | None,
) -> list[Scan]:
    """Scans whose columns are ``equals`` (None: whatever they are), captured within a time (``rfc3339_us``)."""
    captured = between(Scan.captured_at, captured_since, captured_until)
    return page(scope, Scan, listing, *equal(Scan, **equals), *captured)


def scans_of_content(scope: WorkspaceScope, hashes: Sequence[str], *, sent_by: str | None = None) -> dict[str, Scan]:
    """Which of these files are here, by the SHA-256 of the file (hex); what was discarded may be sent again.

    Parameters
    ----------
    hashes : some hundreds at most
    sent_by : id of a principal that is shown only what it sent itself
    """
    conditions: list[Any] = [Scan.sha256.in_(list(hashes)), Scan.state != DISCARDED]
    if sent_by is not None:
        also = ScanManifest.select(ScanManifest.scan_id).where(ScanManifest.added_by == sent_by)
        conditions.append((Scan.received_by == sent_by) | Scan.id.in_(also))
    with scope:
        return {scan.sha256: scan for scan in Scan.select().where(*conditions)}


def quarantine(scope: WorkspaceScope, scan_id: str, code: str, reason: str) -> Scan:
    """Put a scan aside: its evidence is kept, and nothing inspects it until a person decides.

    Joins the caller's transaction.  A scan that is quarantined already keeps its first reason.

    Raises
    ------
    NotFound : there is no such scan
    Conflict : it was discarded
    """
    with scope.transaction():
        scan = find_scan(scope, scan_id)
        if scan.state == DISCARDED:
            raise Conflict("scan.discarded", "The scan was discarded.")
        if scan.state != QUARANTINED:
            scan.state, scan.reason_code, scan.reason = QUARANTINED, code, reason
            scan.save()
            record(scope, "scan.quarantined", scan_subjects(scan), {"scan": scan.id, "code": code, "reason": reason})
            emit("scan.quarantined", {"scan": scan.id, "code": code})
    return scan


def scan_subjects(scan: Scan) -> dict[str, str]:
    """What an audit entry about a scan names: its content, and the bytes that were sent, by SHA-256."""
    subjects = {"stored": scan.stored_sha256}
    return subjects | ({"scan": scan.sha256} if scan.sha256 else {})
