"""Files of results: received, looked at, listed.  What is received is queued, and recorded whole or not at all."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final

from appliance.audit.recording import record
from appliance.core.canonical import canonical_bytes
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.faults import point
from appliance.core.ids import new_id
from appliance.db.listing import NEWEST, Listing, equal
from appliance.errors import Conflict, InvalidInput, NotFound
from appliance.exchange.planning import Plan, planned
from appliance.exchange.reading import read_results
from appliance.exchange.records import MOST_BYTES, ImportOptions
from appliance.inspections.service import left_behind
from appliance.measurements.models import ResultsFile
from appliance.objects.sealed import ObjectStore, StoredObject
from appliance.plant.repository import page
from appliance.queue.outbox import emit
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site

IMPORT_JOB: Final = "import_results"
#: Files up to this size are checked before they are kept, while the caller waits; larger ones by the job.
CHECKED_AT_ONCE_BYTES: Final = 4 << 20


def receive_results(
    scope: WorkspaceScope, path: Path, options: ImportOptions, *, amends: str | None = None, reason: str = ""
) -> ResultsFile:
    """Keep a file of results as evidence and queue its recording; the same file is the same row.

    ``amends`` is the id of a file that this one corrects, with the ``reason``.

    Raises
    ------
    InvalidInput, NotFound, Conflict : a small file that cannot be recorded as it is; of larger ones the row says so
    Conflict : the file was imported with other options
    """
    corrected = _amended(scope, amends, reason)
    _require_size(path)
    if path.stat().st_size <= CHECKED_AT_ONCE_BYTES:
        check_results(scope, path, options)
    stored = ObjectStore.of(scope).put_file(path)
    point("results.stored")
    with scope.transaction():
        row = _known(stored.sha256) or _insert(scope, path.name, stored, options, corrected, reason)
        _require_same(row, options, amends)
    return row


def check_results(scope: WorkspaceScope, path: Path, options: ImportOptions) -> Plan:
    """What recording the file would do; nothing is written.

    Raises
    ------
    InvalidInput, NotFound, Conflict : it cannot be recorded
    """
    reading = read_results(path, options)
    return planned(scope, reading, create=options.create, received_at=rfc3339_us(utc_now()))


def get_results_file(scope: WorkspaceScope, file_id: str) -> ResultsFile:
    """One file.

    Raises
    ------
    NotFound : there is none of that id in this workspace
    """
    with scope:
        row: ResultsFile | None = ResultsFile.known(id=file_id)
    if row is None:
        raise NotFound("results.unknown", f"There is no results file '{file_id[:40]}'.")
    return row


def list_results_files(scope: WorkspaceScope, listing: Listing = NEWEST, **equals: str | None) -> list[ResultsFile]:
    """Files whose columns are ``equals`` (None: whatever they are)."""
    return page(scope, ResultsFile, listing, *equal(ResultsFile, **equals))


def reconcile(site: Site) -> int:
    """Queue again the files that a lost queue or a killed worker left behind; returns how many."""
    found = 0
    for workspace in site.workspaces():
        scope = site.system_scope(workspace.id)
        with scope:
            left = [row.id for row in left_behind(ResultsFile, rfc3339_us(utc_now() - timedelta(seconds=1)))]
        for file_id in left:
            scope.queue.enqueue(IMPORT_JOB, scope.workspace_id, file_id)
        found += len(left)
    return found


def _require_size(path: Path) -> None:
    if path.stat().st_size > MOST_BYTES:
        raise InvalidInput("results.size", f"The file is larger than {MOST_BYTES >> 20} MiB.", "Split it.")


def _known(sha256: str) -> ResultsFile | None:
    same = (ResultsFile.sha256 == sha256) & (ResultsFile.state != "failed")
    row: ResultsFile | None = ResultsFile.get_or_none(same)
    return row


def _amended(scope: WorkspaceScope, file_id: str | None, reason: str) -> str | None:
    if file_id is None:
        return None
    row = get_results_file(scope, file_id)
    if not reason.strip():
        raise InvalidInput("results.reason", "A correction has a reason.", "Say why: --reason.")
    if row.state != "recorded":
        raise Conflict("results.not_recorded", f"The file is {row.state}; only a recorded one is amended.")
    return str(row.id)


def _insert(
    scope: WorkspaceScope, name: str, stored: StoredObject, options: ImportOptions, amends: str | None, reason: str
) -> ResultsFile:
    row: ResultsFile = ResultsFile.create(
        id=new_id("res"), name=name, sha256=stored.sha256, size_bytes=stored.size_bytes, object=stored.name,
        format=options.format, options=_spelled(options), amends_id=amends, reason=reason,
        received_at=rfc3339_us(utc_now()), received_by=scope.principal.id, state="received",
    )  # fmt: skip
    facts = {"file": row.id, "size_bytes": stored.size_bytes} | ({"amends": amends, "reason": reason} if amends else {})
    record(scope, "results.received", {"results": stored.sha256}, facts)
    emit("results.received", {"file": row.id, "state": row.state})
    scope.after_commit(lambda: scope.queue.enqueue(IMPORT_JOB, scope.workspace_id, row.id))
    return row


def _require_same(row: ResultsFile, options: ImportOptions, amends: str | None) -> None:
    if row.options != _spelled(options) or row.amends_id != amends:
        message = f"This file was imported as {row.id}, with other options."
        hint = "A correction is a file of its own: import it with --amends."
        raise Conflict("results.imported", message, hint)


def _spelled(options: ImportOptions) -> str:
    return canonical_bytes(options.as_json()).decode()
