"""What the schedule does for ingest: go on with what a crash cut, remove what nobody goes on with."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final

from appliance.core.clock import rfc3339_us, utc_now
from appliance.errors import Conflict, D2RError, NotFound
from appliance.ingest.acceptance import Inspect
from appliance.ingest.files import remove_file
from appliance.ingest.finishing import finish, is_complete
from appliance.ingest.locks import locked
from appliance.ingest.models import FINISHED, RECEIVING, UploadRow
from appliance.ingest.quarantine import remove_discarded
from appliance.ingest.receiving import uploads_of
from appliance.ingest.service import find_upload, remove
from appliance.inspections.service import create_inspection
from appliance.objects.filesystem import FilesystemStore
from appliance.tenancy.scope import WorkspaceScope

log = logging.getLogger(__name__)

#: A draft of an object, or a file of an upload without its row, is left over when it is older than this.
_LEFT_OVER_AFTER: Final = timedelta(hours=1)


def keep_house(scope: WorkspaceScope, inspect: Inspect = create_inspection) -> dict[str, int]:
    """Everything below, in order; returns what was done, by name."""
    return {
        "finished": resume(scope, inspect),
        "expired": expire(scope),
        "removed": remove_discarded(scope),
        "swept": sweep(scope),
    }


def resume(scope: WorkspaceScope, inspect: Inspect = create_inspection) -> int:
    """Finish uploads whose bytes are all there; one that cannot be finished now is left for the next time."""
    with scope:
        waiting = [row.id for row in UploadRow.select().where(UploadRow.state != FINISHED) if is_complete(row)]
    finished = 0
    for upload_id in waiting:
        try:
            finish(scope, upload_id, inspect)
            finished += 1
        except D2RError as error:
            log.warning("upload %s is not finished: %s [%s]", upload_id, error, error.code)
    return finished


def expire(scope: WorkspaceScope) -> int:
    """Remove uploads that stood still for too long, and the rows of those that became scans; returns how many."""
    with scope:
        over = (UploadRow.expires_at < rfc3339_us(utc_now())) & UploadRow.state.in_((RECEIVING, FINISHED))
        ids = [row.id for row in UploadRow.select().where(over)]
    return sum(_expire_one(scope, upload_id) for upload_id in ids)


def _expire_one(scope: WorkspaceScope, upload_id: str) -> int:
    try:
        with locked(uploads_of(scope), upload_id):
            upload = find_upload(scope, upload_id)
            if upload.expires_at >= rfc3339_us(utc_now()):
                return 0
            remove(scope, upload)
    except (Conflict, NotFound):  # a request is at work on it, or has just removed it
        return 0
    log.info("upload %s expired at %s of %s bytes", upload_id, upload.offset_bytes, upload.length_bytes)
    return 1


def sweep(scope: WorkspaceScope) -> int:
    """Remove files that no row needs: drafts of a dead process, uploads that were finished or removed."""
    folder, settings = uploads_of(scope), scope.settings
    left_over = (utc_now() - _LEFT_OVER_AFTER).timestamp()
    swept = FilesystemStore(settings.objects_folder / scope.object_prefix, folder).sweep_drafts(left_over)
    with scope:
        alive = {row.id for row in UploadRow.select(UploadRow.id).where(UploadRow.state != FINISHED)}
    for path in folder.glob("upl_*"):
        if path.name not in alive and path.stat().st_mtime < left_over:
            remove_file(scope, path.name)
            swept += 1
    return swept
