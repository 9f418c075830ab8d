"""Use cases of uploads: begin one, add bytes, look, join partial ones, abort; finishing is in ``finishing``.

An upload belongs to the principal who began it; owners and supervisors of the workspace see it too.  All that is
acknowledged is durable: an upload's row when it began, each offset that is answered, the scan when it is finished.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.ids import is_id, new_id
from appliance.errors import Conflict, InvalidInput, NotFound
from appliance.ingest.acceptance import refuse_impossible
from appliance.ingest.context import find_context
from appliance.ingest.files import hash_state, keep_hash_state, opened, remove_file
from appliance.ingest.hashes import Digest
from appliance.ingest.locks import locked
from appliance.ingest.manifest import Manifest
from appliance.ingest.models import FINAL, FINISHED, PARTIAL, RECEIVING, SINGLE, UploadPart, UploadRow
from appliance.ingest.receiving import Read, Receiver, expiry, refuse_below_floor, uploads_of
from appliance.tenancy.scope import WorkspaceScope

#: Algorithms of a request's checksum; SHA-1 because the protocol demands it (it guards a transport, not evidence).
CHECKSUMS: Final = ("sha256", "sha1")
_SEE_ALL: Final = ("owner", "supervisor", "system")


@dataclass(frozen=True)
class Checksum:
    """What the bytes of one request must hash to."""

    algorithm: str
    digest: bytes


def begin(
    scope: WorkspaceScope,
    length_bytes: int,
    *,
    manifest: Manifest | None,
    envelope: bytes | None = None,
    metadata: str = "",
    partial: bool = False,
) -> UploadRow:
    """A new upload of ``length_bytes``; a partial one has no manifest.

    Raises
    ------
    InvalidInput : too long, or a manifest that is missing, impossible, or names what the workspace does not know
    Denied : the manifest is not its device's
    Unavailable : the disk is too full for it
    """
    if length_bytes > scope.settings.upload_limit_bytes:
        limit = scope.settings.upload_limit_bytes
        raise InvalidInput("upload.too_large", f"An upload has at most {limit} bytes.", "Compress or split the scan.")
    announced = None if partial else _checked_manifest(scope, manifest, envelope, length_bytes)
    refuse_below_floor(scope, length_bytes)
    columns = {"kind": PARTIAL if partial else SINGLE, "length_bytes": length_bytes, "metadata": metadata}
    return _insert(scope, columns, announced, envelope)


def begin_final(
    scope: WorkspaceScope, partial_ids: Sequence[str], *, manifest: Manifest, envelope: bytes | None, metadata: str
) -> UploadRow:
    """A new upload that consists of finished partial ones, in this order; ``finishing.finish`` joins them.

    Raises
    ------
    InvalidInput : no partial uploads, one twice, or one that is not partial; else as ``begin``
    Conflict : one is not complete
    NotFound : one is not there
    """
    rows = [find_upload(scope, upload_id) for upload_id in partial_ids]
    if not rows or len(set(partial_ids)) != len(rows) or any(row.kind != PARTIAL for row in rows):
        raise InvalidInput("upload.partials", "A final upload names partial uploads, each of them once.")
    if any(row.offset_bytes != row.length_bytes or row.state == FINISHED for row in rows):
        raise Conflict("upload.incomplete", "A partial upload is not complete, or was joined already.")
    length = sum(row.length_bytes for row in rows)
    if length > scope.settings.upload_limit_bytes:
        raise InvalidInput("upload.too_large", "The joined upload is too long.")
    announced = _checked_manifest(scope, manifest, envelope, length)
    refuse_below_floor(scope, length)
    partials = canonical_bytes(list(partial_ids)).decode()
    columns = {"kind": FINAL, "length_bytes": length, "metadata": metadata, "partials": partials}
    return _insert(scope, columns, announced, envelope)


def find_upload(scope: WorkspaceScope, upload_id: str) -> UploadRow:
    """An upload by its id.

    Raises
    ------
    NotFound : there is none in this workspace, or it is another principal's
    """
    with scope:
        row: UploadRow | None = UploadRow.get_or_none(UploadRow.id == upload_id) if is_id(upload_id, "upl") else None
    sees_all = scope.principal.role in _SEE_ALL
    if row is None or not (sees_all or row.created_by == scope.principal.id):
        raise NotFound("upload.unknown", "There is no such upload.", "Begin a new one.")
    return row


def append(
    scope: WorkspaceScope, upload_id: str, offset: int, read: Read, most: int, checksum: Checksum | None = None
) -> UploadRow:
    """Add up to ``most`` bytes at ``offset``; what a broken connection leaves is kept, unless it has a checksum.

    Raises
    ------
    NotFound : as ``find_upload``
    Conflict : another offset than the upload's (``upload.offset``), another request at work (``upload.locked``)
    InvalidInput : more bytes than the upload's length, or others than the checksum says; nothing is kept of these
    Unavailable : the disk is full; what was committed until then stays
    """
    with locked(uploads_of(scope), upload_id):
        upload = find_upload(scope, upload_id)
        if upload.state != RECEIVING or upload.kind == FINAL or upload.offset_bytes != offset:
            message = f"The upload stands at {upload.offset_bytes} ({upload.state}), not at {offset}."
            raise Conflict("upload.offset", message, "Ask for the offset (HEAD) and go on from there.")
        if most > upload.length_bytes - offset:
            raise InvalidInput("upload.too_large", "The request brings more bytes than the upload's length.")
        with opened(scope, upload, create=offset == 0) as descriptor:
            digest = hash_state(scope, upload, descriptor)
            if checksum is None:
                _take(scope, upload, descriptor, digest, read, most)
            else:
                _take_checked(scope, upload, descriptor, digest, (read, most, checksum))
    return upload


def abort(scope: WorkspaceScope, upload_id: str) -> None:
    """Remove an upload; a scan that it became stays.

    Raises
    ------
    NotFound : as ``find_upload``
    Conflict : a request is at work on it
    """
    with locked(uploads_of(scope), upload_id):
        remove(scope, find_upload(scope, upload_id))


def remove(scope: WorkspaceScope, upload: UploadRow) -> None:
    """Delete row and bytes of an upload whose lock the caller holds.  Rows first: a file without a row is swept."""
    with scope.transaction():
        UploadPart.delete().where(UploadPart.upload_id == upload.id).execute()
        UploadRow.delete().where(UploadRow.id == upload.id).execute()
    remove_file(scope, upload.id)


def partial_ids(upload: UploadRow) -> list[str]:
    """The partial uploads of a final one, in their order."""
    found: list[str] = loads_strict(upload.partials) if upload.partials else []
    return found


def _take(scope: WorkspaceScope, upload: UploadRow, descriptor: int, digest: Digest, read: Read, most: int) -> None:
    Receiver(scope, upload, descriptor, digest).run(read, most)
    keep_hash_state(upload, digest)


def _take_checked(
    scope: WorkspaceScope, upload: UploadRow, descriptor: int, digest: Digest, request: tuple[Read, int, Checksum]
) -> None:
    read, most, checksum = request
    before, check = digest.copy(), hashlib.new(checksum.algorithm, usedforsecurity=False)

    def read_and_hash(size: int) -> bytes:
        block = read(size)
        check.update(block)
        return block

    receiver = Receiver(scope, upload, descriptor, digest, held=True)
    receiver.run(read_and_hash, most)
    if check.digest() != checksum.digest:
        keep_hash_state(upload, before)
        hint = "Send the same bytes again."
        raise InvalidInput("upload.checksum", "The bytes are not those of their checksum; none was kept.", hint)
    receiver.commit_held()
    keep_hash_state(upload, digest)


def _checked_manifest(
    scope: WorkspaceScope, manifest: Manifest | None, envelope: bytes | None, length_bytes: int
) -> Manifest:
    """The manifest, naming the device that sends, if a file of this length can be what it says."""
    if manifest is None:
        raise InvalidInput("manifest.missing", "The upload has no manifest.", "Send it in Upload-Metadata.")
    refuse_impossible(scope, manifest, length_bytes)
    context = find_context(scope, manifest, envelope)
    return manifest.sent_by(context.device.name if context.device else None)


def _insert(
    scope: WorkspaceScope, columns: dict[str, Any], manifest: Manifest | None, envelope: bytes | None
) -> UploadRow:
    with scope.transaction():
        row: UploadRow = UploadRow.create(
            id=new_id("upl"),
            state=RECEIVING,
            manifest=manifest.canonical().decode() if manifest else None,
            manifest_envelope=envelope.decode() if envelope else None,
            created_at=rfc3339_us(utc_now()),
            created_by=scope.principal.id,
            expires_at=expiry(scope),
            **columns,
        )
    return row
