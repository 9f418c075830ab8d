"""The job that computes what changed between two stored scans.

Order of commits, and what a crash between two of them leaves:

1. the lease; both scans lie in the scratch folder;
2. the files of the result are objects: unnamed ones, made anew by the next attempt;
3. one transaction: their names, the summary, entry ``change.done``, event: ``done``.

Bad input fails it, a cancellation cancels it, a lost lease leaves it to the other worker, a full disk or an unreachable
store gives it back for later.
"""

from __future__ import annotations

import logging
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from appliance.audit.recording import record
from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.faults import point
from appliance.errors import D2RError, Unavailable
from appliance.inspections.change import RESULT, ChangeRequest, change_of_files
from appliance.inspections.evidence import scan_file_name
from appliance.inspections.keeper import Cancelled, Keeper
from appliance.inspections.lease import Lease, LostLease
from appliance.inspections.models import ScanChange
from appliance.inspections.result import plain
from appliance.inspections.scan_changes import COLUMN_OF, mark_cancelled
from appliance.inspections.service import ATTEMPT_LIMIT
from appliance.objects.sealed import ObjectStore
from appliance.queue.outbox import emit
from appliance.scans.evidence import copy_scan
from appliance.scans.models import Scan
from appliance.tenancy.scope import WorkspaceScope

log = logging.getLogger(__name__)

#: Seconds until an attempt that found a resource missing is repeated, times the attempts so far.
_WAIT_S: Final = 10.0
#: The one format that states its unit.
_STATES_UNIT: Final = "e57"


def carry_change(scope: WorkspaceScope, change_id: str) -> str | None:
    """Compute a change; returns its state, None where another worker has it or it is final."""
    lease = Lease.claim(scope, ScanChange, change_id)
    if lease is None:
        return None
    row = lease.row()
    if row.attempts > ATTEMPT_LIMIT:
        _fail(lease, Unavailable("change.attempts", f"{ATTEMPT_LIMIT} attempts ended without a word."))
        return "failed"
    folder = scope.settings.scratch_folder / change_id
    shutil.rmtree(folder, ignore_errors=True)
    try:
        _carry(lease, row, folder)
    except LostLease:
        return None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return str(lease.row().state)


def request_of(parameters: dict[str, Any], first: Path, second: Path) -> ChangeRequest:
    """The comparison that the row's parameters ask for; what they leave open suits how dense the scans are."""
    unit = parameters.get("scan_unit")
    return ChangeRequest(
        first=first,
        second=second,
        cores=parameters.get("cores_mm"),
        normal_mm=tuple(parameters.get("scales_mm", ())),
        radius_mm=parameters.get("radius_mm"),
        half_length_mm=parameters.get("depth_mm"),
        registration_mm=parameters.get("registration_mm", 0.0),
        register=parameters.get("align", False),
        robust=parameters.get("robust", False),
        upwards=parameters.get("upwards", False),
        first_unit=_unit(first, unit),
        second_unit=_unit(second, unit),
    )


def _carry(lease: Lease, row: ScanChange, folder: Path) -> None:
    with Keeper(lease) as keeper:
        try:
            _compute(lease, row, folder, keeper)
        except Cancelled:
            with lease.writing():
                mark_cancelled(lease.scope, row.id)
        except LostLease:
            raise
        except Unavailable as error:
            _give_back(lease, row, error)
        except D2RError as error:
            _fail(lease, error)
        except Exception as error:  # a fault of the engine must not take the queue with it
            log.exception("change %s", row.id)
            _give_back(lease, row, Unavailable("change.internal", f"The engine failed: {type(error).__name__}."))


def _compute(lease: Lease, row: ScanChange, folder: Path, keeper: Keeper) -> None:
    scope = lease.scope
    first, second = (
        _laid_out(scope, one, folder / name)
        for one, name in ((row.first_scan_id, "first"), (row.second_scan_id, "second"))
    )
    point("change.laid_out")
    outputs = folder / "outputs"
    outputs.mkdir()
    result = plain(change_of_files(request_of(loads_strict(row.parameters), first, second), outputs, keeper))
    store = ObjectStore.of(scope)
    stored = {name: store.put_file(outputs / name) for name in COLUMN_OF}
    point("change.stored")
    columns = {COLUMN_OF[name]: one.name for name, one in stored.items()}
    summary = {name: result[name] for name in ("spacing_mm", "scales", "positive", "registration", "change")}
    with lease.writing(
        state="done", lease_until=None, progress=1.0, finished_at=rfc3339_us(utc_now()), engine=result["engine"],
        summary=canonical_bytes(summary).decode(), result_sha256=stored[RESULT].sha256, error_code=None,
        error_message=None, error_hint=None, **columns,
    ):  # fmt: skip
        facts = {"change": row.id, "first": row.first_scan_id, "second": row.second_scan_id}
        record(scope, "change.done", {"result": stored[RESULT].sha256}, {**facts, "engine": result["engine"]})
        emit("change.done", {**facts, "state": "done"})


def _laid_out(scope: WorkspaceScope, scan_id: str, folder: Path) -> Path:
    """The file of a scan as it came, in a folder of its own."""
    with scope:
        scan = Scan.get_by_id(scan_id)
    folder.mkdir(mode=0o700, parents=True)
    path = folder / scan_file_name(scan)
    copy_scan(scope, scan, path)
    return path


def _unit(scan: Path, asked: str | None) -> str | None:
    return None if scan.suffix.lower() == f".{_STATES_UNIT}" else asked


def _fail(lease: Lease, error: D2RError) -> None:
    columns = {"error_code": error.code, "error_message": error.message, "error_hint": error.hint}
    with lease.writing(state="failed", lease_until=None, finished_at=rfc3339_us(utc_now()), **columns):
        record(lease.scope, "change.failed", {}, {"change": lease.row_id, "code": error.code})
        emit("change.failed", {"change": lease.row_id, "state": "failed", "code": error.code})


def _give_back(lease: Lease, row: ScanChange, error: Unavailable) -> None:
    """A resource is missing: the change waits, and is given up when that was tried too often."""
    if error.permanent or row.attempts >= ATTEMPT_LIMIT:
        _fail(lease, error)
        return
    later = rfc3339_us(utc_now() + timedelta(seconds=_WAIT_S * row.attempts))
    columns = {"error_code": error.code, "error_message": error.message, "error_hint": error.hint}
    lease.write(lease_until=None, not_before=later, **columns)
