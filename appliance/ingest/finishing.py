"""Finish an upload: its bytes become evidence, its manifest a scan.

Steps, each of which may be the last before a crash; whoever asks next goes on where it stopped:

1. The directory of the parts is written behind them and synced.
2. The row says ``sealed``: which object the bytes become is decided.
3. They are examined: is this the scan that the manifest describes?
4. The file takes its name in the object store, durably.
5. One transaction: scan, audit entry, receipt, event, inspection; the upload is ``finished``.
6. What is not needed any more is removed.

No step moves bytes: the sealed parts become the object as they lie there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from typing import Final

from appliance.core.canonical import loads_strict
from appliance.core.faults import point
from appliance.crypto.segments import Part
from appliance.errors import Conflict, Denied, NotFound
from appliance.ingest.acceptance import Delivery, Inspect, accept, find_content
from appliance.ingest.context import Context, inspection_inputs, known_context
from appliance.ingest.examining import Finding, examine
from appliance.ingest.files import hash_state, keep_hash_state, opened, parts_of, path_of, remove_file
from appliance.ingest.locks import locked
from appliance.ingest.manifest import Manifest, manifest_of
from appliance.ingest.models import FINAL, FINISHED, PARTIAL, RECEIVING, SEALED, UploadPart, UploadRow
from appliance.ingest.receiving import commit_parts, uploads_of
from appliance.ingest.service import find_upload, partial_ids
from appliance.inspections.service import create_inspection
from appliance.objects.directory import Directory
from appliance.objects.filesystem import storage_error
from appliance.objects.reading import SealedReader
from appliance.objects.sealed import ObjectStore, finish_draft
from appliance.tenancy.scope import WorkspaceScope

#: The lock under which content is adopted, compared with what is there, and deleted.
CONTENT_LOCK: Final = "content"


def is_complete(upload: UploadRow) -> bool:
    """Whether all bytes of an upload that becomes a scan are there, or can be joined."""
    if upload.kind == PARTIAL or upload.state == FINISHED:
        return False
    return upload.kind == FINAL or bool(upload.offset_bytes == upload.length_bytes)


def finish(scope: WorkspaceScope, upload_id: str, inspect: Inspect = create_inspection) -> UploadRow:
    """Carry a complete upload to its end; does nothing where that was done.

    Raises
    ------
    NotFound : there is no such upload
    Conflict : it is not complete, or another request is at work on it
    Denied : the device that sent it was revoked meanwhile
    Unavailable : the disk is full; the upload stays as it is
    """
    with locked(uploads_of(scope), upload_id):
        upload = find_upload(scope, upload_id)
        if upload.state == FINISHED:
            return upload
        if not is_complete(upload):
            raise Conflict("upload.incomplete", "The upload is not complete.", "Send the rest.")
        if upload.kind == FINAL and upload.state == RECEIVING:
            _join(scope, upload)
        if upload.state == RECEIVING:
            _seal(scope, upload)
        _deliver(scope, upload, inspect)
    return upload


def _join(scope: WorkspaceScope, upload: UploadRow) -> None:
    """Put the sealed parts of partial uploads one behind the other, as they are, and commit them as one."""
    if upload.offset_bytes == upload.length_bytes:
        return
    parts: list[Part] = []
    with opened(scope, upload, create=True) as descriptor:
        place = 0
        for partial_id in partial_ids(upload):
            partial = find_upload(scope, partial_id)
            with opened(scope, partial, create=not partial.length_bytes) as source:
                _copy(source, descriptor, place, partial.sealed_bytes)
            place += partial.sealed_bytes
            parts += parts_of(scope, partial_id)
        try:
            os.fsync(descriptor)
        except OSError as error:
            raise storage_error(error) from error
        point("upload.joined")
        if parts:
            commit_parts(scope, upload, parts)


def _copy(source: int, target: int, place: int, length: int) -> None:
    done = 0
    try:
        while done < length and (copied := os.copy_file_range(source, target, length - done, done, place + done)):
            done += copied
    except OSError as error:
        raise storage_error(error) from error
    if done != length:
        raise NotFound("upload.lost", "The bytes of a partial upload are gone.", "Send it again.")


def _seal(scope: WorkspaceScope, upload: UploadRow) -> None:
    """Steps 1 and 2: the file is whole, and its row says what it becomes."""
    with opened(scope, upload, create=not upload.length_bytes) as descriptor:
        digest = hash_state(scope, upload, descriptor)
        keep_hash_state(upload, digest)
        directory = Directory(digest.digest(), parts_of(scope, upload.id))
        # 1. The directory.
        finish_draft(descriptor, scope.data_key, directory)
        point("finish.directory")
    # 2. What it becomes.
    upload.content_sha256 = directory.sha256.hex()
    upload.object = ObjectStore.of(scope).name_of(upload.content_sha256)
    upload.state = SEALED
    with scope.transaction():
        upload.save()
    point("finish.sealed")


def _deliver(scope: WorkspaceScope, upload: UploadRow, inspect: Inspect) -> None:
    """Steps 3 to 6."""
    envelope = upload.manifest_envelope.encode() if upload.manifest_envelope else None
    manifest = manifest_of(loads_strict(upload.manifest))
    _refuse_revoked(known_context(scope, manifest))
    # 3. Is it the scan that was announced?
    finding = examine(manifest, upload.content_sha256, upload.length_bytes, _received(scope, upload))
    inputs = {} if finding.problem else inspection_inputs(scope, manifest)
    delivery = Delivery(
        manifest,
        envelope,
        known_context(scope, manifest),
        upload.content_sha256,
        upload.length_bytes,
        upload.object,
        finding,
        upload.created_by,
        inputs,
    )
    with locked(uploads_of(scope), CONTENT_LOCK, wait=True):
        # 4. The evidence.
        _adopt(scope, upload, manifest, finding)
        point("finish.adopted")
        # 5. The scan.
        with scope.transaction():
            _refuse_revoked(known_context(scope, manifest))
            scan, upload.duplicate = accept(scope, delivery, inspect)
            upload.scan_id, upload.state = scan.id, FINISHED
            upload.save()
            spent = [upload.id, *partial_ids(upload)]
            UploadPart.delete().where(UploadPart.upload_id << spent).execute()
            UploadRow.update(state=FINISHED).where(UploadRow.id << spent).execute()
        point("finish.recorded")
    # 6. What is left over.
    _clear(scope, upload)


def _refuse_revoked(context: Context) -> None:
    """A device that was revoked while it was sending sent nothing: its upload stays as it is until it expires."""
    if context.device is not None and context.device.revoked_at:
        raise Denied(
            "device.revoked", f"The device '{context.device.name}' is revoked since {context.device.revoked_at}."
        )


def _adopt(scope: WorkspaceScope, upload: UploadRow, manifest: Manifest, finding: Finding) -> None:
    """Give the file its name, unless this content is evidence already, or the file has its name since a crash."""
    path = path_of(scope, upload)
    if not path.exists() or find_content(scope, finding, manifest.encoding, upload.content_sha256) is not None:
        return
    with path.open("rb", buffering=0) as file:
        directory = SealedReader(file, scope.data_key).directory
    ObjectStore.of(scope).adopt(path, directory)


def _received(scope: WorkspaceScope, upload: UploadRow) -> Iterator[bytes]:
    """The bytes that came, from the upload's file, or from the object that it has become."""
    path = path_of(scope, upload)
    if not path.exists():
        yield from ObjectStore.of(scope).blocks(upload.object)
        return
    with path.open("rb", buffering=0) as file, closing(SealedReader(file, scope.data_key)) as reader:
        yield from reader.blocks()


def _clear(scope: WorkspaceScope, upload: UploadRow) -> None:
    for upload_id in (upload.id, *partial_ids(upload)):
        remove_file(scope, upload_id)
