"""Use cases of changes between two stored scans: asked for, looked at, stopped, tried again, taken up when left behind.

The conventions are those of inspections: the row is the truth, a worker carries it under a lease (``carry_change``).
A change is no verdict: nothing is signed, and the log says what was compared with what, and the hash of the result.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from appliance.audit.recording import record
from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.ids import new_id
from appliance.db.listing import NEWEST, Listing, equal
from appliance.errors import Conflict, InvalidInput, NotFound
from appliance.inspections.change import ARRAYS, LAZ, PLY, RESULT
from appliance.inspections.models import FINAL, ScanChange
from appliance.inspections.service import left_behind
from appliance.objects.sealed import ObjectStore
from appliance.plant.repository import page
from appliance.queue.outbox import emit
from appliance.scans.models import Scan
from appliance.scans.service import unknown_scan
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site

CHANGE_JOB: Final = "compare_scans"
#: The least and the largest length that a change may be asked for with, mm.
LENGTH_MM: Final = (0.001, 1e6)
#: Diameters that normals are sought in.
MOST_SCALES: Final = 16
#: File of a change -> the column that names its object.
COLUMN_OF: Final[Mapping[str, str]] = {
    RESULT: "result_object", LAZ: "laz_object", PLY: "ply_object", ARRAYS: "arrays_object",
}  # fmt: skip


def request_change(scope: WorkspaceScope, first: str, second: str, parameters: Mapping[str, Any]) -> ScanChange:
    """Ask what changed from one stored scan of an asset to another; it is queued when the transaction commits.

    ``parameters`` are those of ``carry_change.request_of`` that were said.

    Raises
    ------
    NotFound : there is no such scan
    InvalidInput : the scans are the same one, or of two assets
    Conflict : one of them is quarantined or gone
    """
    with scope.transaction():
        one, two = _scan(first), _scan(second)
        if one.id == two.id:
            raise InvalidInput("change.same", "A scan is not compared with itself.", "Name two scans.")
        if one.asset_id != two.asset_id:
            raise InvalidInput("change.assets", "The scans are of two assets.", "Name two scans of one asset.")
        row: ScanChange = ScanChange.create(
            id=new_id("chg"), asset_id=one.asset_id, first_scan_id=one.id, second_scan_id=two.id,
            parameters=canonical_bytes(dict(parameters)).decode(), state="requested",
            requested_at=rfc3339_us(utc_now()), requested_by=scope.principal.id,
        )  # fmt: skip
        facts = {"change": row.id, "first": one.id, "second": two.id}
        record(scope, "change.requested", {"first": one.sha256, "second": two.sha256}, facts)
        emit("change.requested", {**facts, "state": row.state})
        scope.after_commit(lambda: scope.queue.enqueue(CHANGE_JOB, scope.workspace_id, row.id))
    return row


def get_change(scope: WorkspaceScope, change_id: str) -> ScanChange:
    """One change.

    Raises
    ------
    NotFound : there is none of that id in this workspace
    """
    with scope:
        row: ScanChange | None = ScanChange.known(id=change_id)
    if row is None:
        raise NotFound("change.unknown", f"There is no change '{change_id[:40]}'.")
    return row


def list_changes(scope: WorkspaceScope, listing: Listing = NEWEST, **equals: str | None) -> list[ScanChange]:
    """Changes whose columns are ``equals`` (None: whatever they are)."""
    return page(scope, ScanChange, listing, *equal(ScanChange, **equals))


def change_file(scope: WorkspaceScope, change_id: str, name: str) -> Iterator[bytes]:
    """A file of a change, block by block; ``name`` is one of ``COLUMN_OF``.

    Raises
    ------
    Conflict : it is not computed
    """
    row = get_change(scope, change_id)
    if row.state != "done":
        raise Conflict("change.not_done", f"The change is {row.state}; only what is computed has files.")
    return ObjectStore.of(scope).blocks(getattr(row, COLUMN_OF[name]))


def cancel_change(scope: WorkspaceScope, change_id: str) -> ScanChange:
    """Ask that it stops; one that no worker carries stops at once.

    Raises
    ------
    Conflict : it has come to its end already
    """
    with scope.transaction():
        row = get_change(scope, change_id)
        if row.state in FINAL:
            raise Conflict("change.final", f"The change is {row.state}; there is nothing to cancel.")
        if row.lease_until is None or row.lease_until <= rfc3339_us(utc_now()):
            mark_cancelled(scope, row.id)
        else:
            ScanChange.update(cancel_requested=1).where(ScanChange.id == row.id).execute()
    return get_change(scope, change_id)


def retry_change(scope: WorkspaceScope, change_id: str) -> ScanChange:
    """Take up a failed or cancelled change again, with the same scans and parameters.

    Raises
    ------
    Conflict : it neither failed nor was cancelled, or one of its scans is quarantined or gone
    """
    with scope.transaction():
        row = get_change(scope, change_id)
        if row.state not in ("failed", "cancelled"):
            raise Conflict("change.running", f"The change is {row.state}; only what ended early is tried again.")
        for scan_id in (row.first_scan_id, row.second_scan_id):
            _scan(scan_id)
        ScanChange.update(
            state="requested", attempts=0, cancel_requested=0, not_before=None, lease_until=None, finished_at=None,
            error_code=None, error_message=None, error_hint=None, progress=0.0, step="",
        ).where(ScanChange.id == row.id).execute()  # fmt: skip
        record(scope, "change.retried", {}, {"change": row.id})
        emit("change.retried", {"change": row.id, "state": "requested"})
        scope.after_commit(lambda: scope.queue.enqueue(CHANGE_JOB, scope.workspace_id, row.id))
    return get_change(scope, change_id)


def changes_under_way(scope: WorkspaceScope) -> list[ScanChange]:
    """Changes that have not come to their end."""
    with scope:
        return list(ScanChange.select().where(ScanChange.state == "requested").order_by(ScanChange.id))


def mark_cancelled(scope: WorkspaceScope, change_id: str) -> None:
    """Write the end of a cancelled change, whoever carries it: the token moves on. Joins a transaction."""
    ScanChange.update(
        state="cancelled", lease_token=ScanChange.lease_token + 1, lease_until=None, cancel_requested=1,
        finished_at=rfc3339_us(utc_now()),
    ).where(ScanChange.id == change_id).execute()  # fmt: skip
    record(scope, "change.cancelled", {}, {"change": change_id})
    emit("change.cancelled", {"change": change_id, "state": "cancelled"})


def summary_of(row: ScanChange) -> dict[str, Any] | None:
    """What the result says in figures; None as long as there is none."""
    found: dict[str, Any] | None = loads_strict(row.summary) if row.summary else None
    return found


def reconcile(site: Site) -> int:
    """Queue again the changes that a lost queue or a killed worker left behind; returns how many."""
    found = 0
    for workspace in site.workspaces():
        scope = site.system_scope(workspace.id)
        with scope:
            left = [row.id for row in left_behind(ScanChange, rfc3339_us(utc_now() - timedelta(seconds=1)))]
        for change_id in left:
            scope.queue.enqueue(CHANGE_JOB, scope.workspace_id, change_id)
        found += len(left)
    return found


def _scan(scan_id: str) -> Scan:
    scan: Scan | None = Scan.known(id=scan_id)
    if scan is None:
        raise unknown_scan(scan_id)
    if scan.state != "stored":
        raise Conflict(f"scan.{scan.state}", f"The scan is {scan.state}; only stored ones are compared.")
    return scan
