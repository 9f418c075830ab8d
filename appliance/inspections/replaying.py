"""The job that recomputes a verdict from its evidence and compares every figure, bit for bit."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Final

from appliance.audit.recording import record
from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.core.clock import rfc3339_us, utc_now
from appliance.errors import D2RError, Unavailable
from appliance.inspections.comparison import differences
from appliance.inspections.engine import engine_version
from appliance.inspections.evidence import lay_out
from appliance.inspections.keeper import Keeper
from appliance.inspections.lease import Lease, LostLease
from appliance.inspections.models import InspectionRow, Replay
from appliance.inspections.pipeline import inspect
from appliance.objects.sealed import ObjectStore
from appliance.queue.outbox import emit
from appliance.tenancy.scope import WorkspaceScope

#: Differences that a replay keeps in words; their number is kept whatever it is.
_KEPT: Final = 200


def carry_replay(scope: WorkspaceScope, replay_id: str) -> None:
    """Recompute, compare, and write what was found."""
    lease = Lease.claim(scope, Replay, replay_id)
    if lease is None:
        return
    folder = scope.settings.scratch_folder / replay_id
    shutil.rmtree(folder, ignore_errors=True)
    try:
        with Keeper(lease, writes_progress=False) as keeper:
            _carry(lease, folder, keeper)
    except LostLease:
        return
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _carry(lease: Lease, folder: Path, keeper: Keeper) -> None:
    scope = lease.scope
    with scope:
        row = InspectionRow.get_by_id(lease.row().inspection_id)
    try:
        then = loads_strict(ObjectStore.of(scope).read(row.result_object))
        now = inspect(lay_out(scope, row, folder), keeper).result
    except Unavailable:
        lease.write(lease_until=None)
    except D2RError as error:
        _finish(lease, row, {"state": "failed", "error_code": error.code, "error_message": error.message})
    else:
        found = [str(item) for item in differences({**then, "context": None}, {**now, "context": None})]
        same = then["engine"] == engine_version()
        kept = {
            "count": len(found),
            "figures": found[:_KEPT],
            "verdict_then": then["verdict"],
            "verdict": now["verdict"],
        }
        columns = {"reproduced": int(not found), "same_engine": int(same), "engine": engine_version()}
        _finish(lease, row, {"state": "done", "differences": canonical_bytes(kept).decode(), **columns})


def _finish(lease: Lease, row: InspectionRow, columns: dict[str, Any]) -> None:
    outcome = "failed" if columns["state"] == "failed" else "reproduced" if columns["reproduced"] else "differs"
    facts = {"replay": lease.row_id, "inspection": row.id, "outcome": outcome, "engine": engine_version()}
    with lease.writing(lease_until=None, finished_at=rfc3339_us(utc_now()), **columns):
        record(lease.scope, f"replay.{outcome}", {"envelope": row.envelope_sha256}, facts)
        emit(f"replay.{outcome}", facts)
