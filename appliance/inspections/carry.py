"""The job that carries one scan from its evidence to its recorded verdict.

Every state is committed under a fenced lease, and every output is content-addressed, so the job may die at any
instruction and start again: the same evidence gives the same result, and what was signed once is taken up again
(``docs/crash-matrix.md``).  In order:

1. claim the lease; lay the evidence out in the scratch folder;
2. the line itself: decoded, aligned, compared;
3. outputs become objects, the report is signed and logged (``issue``): judged;
4. proof and PDF become objects, measurements become rows: recorded.

What ends it otherwise: bad input fails the inspection (and quarantines a scan that cannot be read), a cancellation
cancels it, a lost lease leaves it to the other worker, a full disk or an unreachable store gives it back for later.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from appliance.audit.recording import record
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.faults import point
from appliance.errors import D2RError, InvalidInput, Unavailable
from appliance.inspections.evidence import lay_out
from appliance.inspections.keeper import Cancelled, Keeper
from appliance.inspections.lease import Lease, LostLease
from appliance.inspections.models import LINE, InspectionRow
from appliance.inspections.outputs import FIELD, write_field, write_tiles_of
from appliance.inspections.pipeline import inspect
from appliance.inspections.records import TILES, Inspection
from appliance.inspections.service import ATTEMPT_LIMIT, context_of, mark_cancelled
from appliance.objects.sealed import ObjectStore
from appliance.queue.outbox import emit
from appliance.scans.service import quarantine
from appliance.tenancy.scope import WorkspaceScope

log = logging.getLogger(__name__)

#: Signs, logs and stores the report of an inspection; its last write makes the row ``recorded``.
Issue = Callable[[Lease, Inspection, Path, Keeper], None]

#: The step after whose end the row takes a state.
_STATE_AFTER: Final = {"read scan": "decoded", "align": "aligned", "deviation": "compared"}
#: Seconds until a job that found a resource missing is tried again: the first, and the longest.
_FIRST_WAIT_S: Final = 2.0
_LONGEST_WAIT_S: Final = 300.0


def carry(scope: WorkspaceScope, inspection_id: str, issue: Issue) -> str | None:
    """Carry an inspection to its end; returns its state, None where another worker has it or it is final."""
    lease = Lease.claim(scope, InspectionRow, inspection_id)
    if lease is None:
        return None
    row = lease.row()
    if row.attempts > ATTEMPT_LIMIT:
        _fail(lease, "inspection.attempts", f"{ATTEMPT_LIMIT} attempts ended without a word.", "See the worker's log.")
        return "failed"
    folder = scope.settings.scratch_folder / inspection_id
    shutil.rmtree(folder, ignore_errors=True)
    try:
        _carry(lease, row, folder, issue)
    except LostLease:
        return None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return str(lease.row().state)


def _carry(lease: Lease, row: InspectionRow, folder: Path, issue: Issue) -> None:
    with Keeper(lease, lambda step: _ended(lease, step)) as keeper:
        try:
            lease.write(started_at=row.started_at or rfc3339_us(utc_now()), step="read scan")
            _line(lease, row, folder, keeper, issue)
        except Cancelled:
            with lease.writing():
                mark_cancelled(lease.scope, row.id)
        except InvalidInput as error:
            _refuse(lease, row, error, "read scan" in keeper.open_steps)
        except Unavailable as error:
            _give_back(lease, row, error)
        except D2RError as error:
            _fail(lease, error.code, error.message, error.hint)
        except LostLease:
            raise
        except Exception as error:  # a fault of the engine must not take the queue with it
            log.exception("inspection %s", row.id)
            _give_back(lease, row, Unavailable("inspection.internal", f"The engine failed: {type(error).__name__}."))


def _line(lease: Lease, row: InspectionRow, folder: Path, keeper: Keeper, issue: Issue) -> None:
    # 1. Evidence.
    request = lay_out(lease.scope, row, folder / "evidence")
    point("inspection.laid_out")
    # 2. The line.
    outputs = folder / "outputs"
    outputs.mkdir()
    written: list[Future[dict[str, str]]] = []
    with ThreadPoolExecutor(1) as writer:
        inspection = inspect(
            request,
            keeper,
            lambda measured, cloud, _, steps: written.append(
                writer.submit(write_tiles_of, outputs, measured, cloud, steps)
            ),
        )
    hashes = written[0].result() | write_field(outputs, inspection)
    inspection = replace(inspection, result={**inspection.result, "context": context_of(row), "clouds_sha256": hashes})
    _store(lease, outputs)
    point("inspection.outputs_stored")
    # 3. and 4. The report.
    keeper.begin("report")
    issue(lease, inspection, folder, keeper)


def _store(lease: Lease, outputs: Path) -> None:
    """Outputs become sealed objects, named by content: storing them twice stores them once."""
    store = ObjectStore.of(lease.scope)
    tiles, field = store.put_file(outputs / TILES), store.put_file(outputs / FIELD)
    lease.write(tiles_object=tiles.name, field_object=field.name)


def _ended(lease: Lease, step: str) -> None:
    """A step has ended; a state that an earlier attempt went beyond stays as it is."""
    state = _STATE_AFTER.get(step)
    if state is None or LINE.index(lease.row().state) >= LINE.index(state):
        return
    with lease.writing(state=state):
        emit(f"inspection.{state}", {"inspection": lease.row_id, "state": state})
    point(f"inspection.{state}")


def _refuse(lease: Lease, row: InspectionRow, error: InvalidInput, unreadable: bool) -> None:
    """Bad input: the inspection fails; a scan that could not be read goes into quarantine with it."""
    with lease.writing():
        _write_failure(lease, error.code, error.message, error.hint)
        if unreadable:
            quarantine(lease.scope, row.scan_id, error.code, error.message)


def _fail(lease: Lease, code: str, message: str, hint: str) -> None:
    with lease.writing():
        _write_failure(lease, code, message, hint)


def _write_failure(lease: Lease, code: str, message: str, hint: str) -> None:
    columns: dict[str, Any] = {"error_code": code, "error_message": message, "error_hint": hint}
    InspectionRow.update(
        state="failed", finished_at=rfc3339_us(utc_now()), lease_until=None, **columns
    ).where(InspectionRow.id == lease.row_id).execute()  # fmt: skip
    record(lease.scope, "inspection.failed", {}, {"inspection": lease.row_id, "code": code})
    emit("inspection.failed", {"inspection": lease.row_id, "state": "failed", "code": code})


def _give_back(lease: Lease, row: InspectionRow, error: Unavailable) -> None:
    """A resource is missing: nobody's fault, so the attempt does not count and the row waits."""
    if error.permanent:
        _fail(lease, error.code, error.message, error.hint)
        return
    wait_s = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(row.attempts, 10))
    columns: dict[str, Any] = {"error_code": error.code, "error_message": error.message, "error_hint": error.hint}
    not_before = rfc3339_us(utc_now() + timedelta(seconds=wait_s))
    attempts = row.attempts - (error.code != "inspection.internal")
    lease.write(lease_until=None, not_before=not_before, attempts=attempts, **columns)
