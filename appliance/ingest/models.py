"""Rows of uploads under way, and of the sealed parts that they consist of."""

from __future__ import annotations

from typing import Final

from peewee import BigIntegerField, BlobField, CompositeKey, IntegerField, TextField

from appliance.crypto.segments import Part
from appliance.db.models import WorkspaceModel

#: Bytes are coming in.
RECEIVING: Final = "receiving"
#: All bytes are there, and what they become is decided; ``object`` names it.
SEALED: Final = "sealed"
#: The scan is there (``scan_id``), or, of a partial upload, the final upload has taken its bytes.
FINISHED: Final = "finished"

SINGLE: Final = "single"
PARTIAL: Final = "partial"
FINAL: Final = "final"


class UploadRow(WorkspaceModel):
    """One upload; ``offset_bytes`` and ``sealed_bytes`` count only what is synced to the disk."""

    id = TextField(primary_key=True)
    kind = TextField()
    partials = TextField(null=True)
    state = TextField()
    length_bytes = BigIntegerField()
    offset_bytes = BigIntegerField(default=0)
    sealed_bytes = BigIntegerField(default=0)
    parts = IntegerField(default=0)
    metadata = TextField()
    manifest = TextField(null=True)
    manifest_envelope = TextField(null=True)
    content_sha256 = TextField(null=True)
    object = TextField(null=True)
    scan_id = TextField(null=True)
    duplicate = IntegerField(default=0)
    created_at = TextField()
    created_by = TextField()
    expires_at = TextField()

    class Meta:
        table_name = "upload"


class UploadPart(WorkspaceModel):
    """One sealed part of an upload's file, in its order."""

    upload_id = TextField()
    position = IntegerField()
    salt = BlobField()
    plain_bytes = BigIntegerField()

    class Meta:
        table_name = "upload_part"
        primary_key = CompositeKey("upload_id", "position")

    def part(self) -> Part:
        """The part as ``objects`` reads it."""
        return Part(bytes(self.salt), int(self.plain_bytes))
