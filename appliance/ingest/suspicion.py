"""A key was stolen: its device is trusted no more, and every scan since then says that it is suspect.

Nothing is deleted and no verdict changes: records and the next issue of a report say since when the key was in other
hands, and people decide.  When a scan was received counts, not when it says that it was captured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.audit.recording import record
from appliance.core.clock import rfc3339_us, utc_now
from appliance.db.listing import WHOLE, Listing
from appliance.enrolment.keys import revoke_keys
from appliance.errors import InvalidInput
from appliance.inspections.models import InspectionRow
from appliance.plant.devices import find_device, revoke_device
from appliance.plant.models import Device
from appliance.plant.repository import checked_text, page
from appliance.queue.outbox import emit
from appliance.scans.models import Scan
from appliance.scans.service import scan_subjects
from appliance.tenancy.scope import WorkspaceScope


@dataclass(frozen=True)
class Suspect:
    """A scan of a device since a moment, and what was made of it, the latest first."""

    scan: Scan
    inspections: tuple[InspectionRow, ...]

    @property
    def id(self) -> str:
        """Of the scan."""
        return str(self.scan.id)


def report_theft(scope: WorkspaceScope, device: Device | str, since: str, reason: str) -> tuple[Device, int]:
    """Revoke a device and its keys, and mark what it sent since then; returns how many scans were marked now.

    Reported again with an earlier moment, it marks what came in between.

    Parameters
    ----------
    since : when the key was last in the right hands (``rfc3339_us``)

    Raises
    ------
    NotFound : there is no such device
    InvalidInput : ``since`` lies ahead, or the reason cannot be used
    """
    why, now = checked_text(reason, "reason"), rfc3339_us(utc_now())
    if since > now:
        raise InvalidInput("device.since", "A key was not stolen before now.", "Say since when it may have been.")
    with scope.transaction():
        row = find_device(scope, device.id if isinstance(device, Device) else device)
        if not row.revoked_at:
            row = revoke_device(scope, row)
        ended = revoke_keys(scope, row, why, stolen_since=since)
        marked = [_mark(scope, row, scan, since, why) for scan in _unmarked(row, since)]
        facts = {"device": row.id, "name": row.name, "since": since, "reason": why, "ended": ended}
        record(scope, "device.stolen", {}, {**facts, "scans": len(marked)})
        emit("device.stolen", {"device": row.id, "name": row.name, "scans": len(marked)})
    return row, len(marked)


def list_suspects(
    scope: WorkspaceScope, device: Device | str, listing: Listing = WHOLE, *, since: str | None = None
) -> list[Suspect]:
    """What a device sent since a moment; without one, what is marked.

    Raises
    ------
    NotFound : there is no such device
    """
    row = find_device(scope, device)
    came = Scan.suspect_since.is_null(False) if since is None else Scan.received_at >= since
    scans = page(scope, Scan, listing, Scan.device_id == row.id, came)
    made = _inspections(scope, [scan.id for scan in scans])
    return [Suspect(scan, tuple(one for one in made if one.scan_id == scan.id)) for scan in scans]


def _unmarked(device: Device, since: str) -> list[Scan]:
    later = Scan.suspect_since.is_null() | (Scan.suspect_since > since)
    return list(Scan.select().where(Scan.device_id == device.id, Scan.received_at >= since, later).order_by(Scan.id))


def _mark(scope: WorkspaceScope, device: Device, scan: Scan, since: str, reason: str) -> str:
    Scan.update(suspect_since=since, suspect_reason=reason).where(Scan.id == scan.id).execute()
    facts = {"scan": scan.id, "device": device.name, "since": since, "reason": reason}
    record(scope, "scan.suspected", scan_subjects(scan), facts)
    return str(scan.id)


def _inspections(scope: WorkspaceScope, scan_ids: Sequence[str]) -> list[InspectionRow]:
    with scope:
        query = InspectionRow.select().where(InspectionRow.scan_id << list(scan_ids))
        return list(query.order_by(InspectionRow.id.desc()))
