"""Rows of scans: which evidence there is, where it came from, and in which state it stands."""

from __future__ import annotations

from typing import Final

from peewee import BigIntegerField, IntegerField, TextField

from appliance.db.models import WorkspaceModel

#: ``stored`` is evidence that may be inspected; ``quarantined`` evidence has a reason and waits for a person.
STORED: Final = "stored"
QUARANTINED: Final = "quarantined"
DISCARDED: Final = "discarded"


class Scan(WorkspaceModel):
    """One scan, named by the content of its file.

    ``sha256``, ``size_bytes`` : of the scan file itself; None where the sent bytes could not be decompressed
    ``stored_sha256``, ``stored_bytes``, ``object`` : of the bytes as they came, and their name in the object store
    ``clock_skew_s`` : seconds that the device's clock was ahead (behind: negative), where more than the settings allow
    ``manifest`` : canonical JSON; ``manifest_envelope`` : the same as the device signed it, if it did
    ``removed_at`` : when a discarded scan's object was deleted
    ``suspect_since`` : since when the key of its device was in other hands, where it came later than that
    """

    id = TextField(primary_key=True)
    sha256 = TextField(null=True)
    size_bytes = BigIntegerField(null=True)
    encoding = TextField()
    stored_sha256 = TextField()
    stored_bytes = BigIntegerField()
    object = TextField()
    format = TextField()
    asset_id = TextField()
    device_id = TextField(null=True)
    operator_person_id = TextField(null=True)
    captured_at = TextField()
    received_at = TextField()
    received_by = TextField()
    clock_skew_s = IntegerField(null=True)
    manifest = TextField()
    manifest_envelope = TextField(null=True)
    receipt = TextField()
    state = TextField()
    reason_code = TextField(null=True)
    reason = TextField(null=True)
    removed_at = TextField(null=True)
    suspect_since = TextField(null=True)
    suspect_reason = TextField(null=True)

    class Meta:
        table_name = "scan"


class ScanManifest(WorkspaceModel):
    """One manifest that came with a scan's content; ``sha256`` is of its envelope, or of its canonical JSON."""

    id = TextField(primary_key=True)
    scan_id = TextField()
    sha256 = TextField()
    manifest = TextField()
    manifest_envelope = TextField(null=True)
    receipt = TextField()
    added_at = TextField()
    added_by = TextField()

    class Meta:
        table_name = "scan_manifest"
