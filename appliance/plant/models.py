"""Tables of the plant. Times are RFC 3339 in UTC; who acted is the id of a principal."""

from __future__ import annotations

from peewee import IntegerField, TextField

from appliance.db.models import WorkspaceModel


class Part(WorkspaceModel):
    """One kind of part: what its assets are compared with."""

    id = TextField(primary_key=True)
    name = TextField()
    current_cad_revision_id = TextField(null=True)
    current_characteristic_set_id = TextField(null=True)
    created_at = TextField()
    created_by = TextField()
    updated_at = TextField()

    class Meta:
        table_name = "part"


class Asset(WorkspaceModel):
    """One thing that is scanned. ``metadata`` is a JSON object of the plant's own."""

    id = TextField(primary_key=True)
    name = TextField()
    part_id = TextField(null=True)
    serial = TextField(default="")
    location = TextField(default="")
    metadata = TextField(default="{}")
    created_at = TextField()
    created_by = TextField()
    updated_at = TextField()

    class Meta:
        table_name = "asset"


class AssetEvent(WorkspaceModel):
    """What happened to an asset and changes what may be compared: a ``repair``, after which it begins another life.

    ``happened_at`` is RFC 3339 with microseconds.
    """

    id = TextField(primary_key=True)
    asset_id = TextField()
    kind = TextField()
    happened_at = TextField()
    reason = TextField()
    created_at = TextField()
    created_by = TextField()

    class Meta:
        table_name = "asset_event"


class Device(WorkspaceModel):
    """One edge device. ``vkey`` verifies the manifests that it signs; a device that has none cannot sign."""

    id = TextField(primary_key=True)
    name = TextField()
    vkey = TextField(null=True)
    enrolled_at = TextField()
    enrolled_by = TextField()
    revoked_at = TextField(null=True)
    revoked_by = TextField(null=True)

    class Meta:
        table_name = "device"


class Operator(WorkspaceModel):
    """Whoever scans: a badge, under a keyed hash, and the person whom it leads to."""

    id = TextField(primary_key=True)
    badge_mac = TextField()
    person_id = TextField()
    created_at = TextField()

    class Meta:
        table_name = "operator"


class Instrument(WorkspaceModel):
    """One revision of an instrument's statement about itself; dates are ``2026-01-15``, or none."""

    id = TextField(primary_key=True)
    name = TextField()
    revision = IntegerField()
    serial = TextField()
    certificate = TextField()
    calibrated_on = TextField(null=True)
    due_on = TextField(null=True)
    statement_sha256 = TextField()
    statement_object = TextField()
    created_at = TextField()
    created_by = TextField()

    class Meta:
        table_name = "instrument"
