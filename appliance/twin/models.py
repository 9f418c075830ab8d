"""The tables of twin versions, and of how the cells of one CAD revision lie on those of another."""

from __future__ import annotations

from peewee import FloatField, IntegerField, TextField

from appliance.db.models import WorkspaceModel


class TwinVersion(WorkspaceModel):
    """One version of an asset's twin; times are RFC 3339 with microseconds, UTC; ``*_object`` are sealed objects.

    ``number`` counts the versions of an asset; ``parent_id`` was its head when this one was made.  ``amends_id`` and
    ``restores_id`` say of which version this one is the correction, or the repetition.  ``content_sha256`` is over all
    columns but the last two, which say which version made this one count no longer, and when.
    """

    id = TextField(primary_key=True)
    asset_id = TextField()
    number = IntegerField()
    parent_id = TextField(null=True)
    parent_sha256 = TextField(default="")
    part_id = TextField()
    cad_revision_id = TextField()
    cad_sha256 = TextField()
    inspection_id = TextField()
    envelope_sha256 = TextField()
    verdict = TextField()
    amends_id = TextField(null=True)
    restores_id = TextField(null=True)
    reason = TextField(default="")
    measured_at = TextField()
    recorded_at = TextField()
    recorded_by = TextField()
    cells = IntegerField()
    coverage = FloatField()
    cells_sha256 = TextField()
    zones_sha256 = TextField()
    field_sha256 = TextField()
    field_object = TextField()
    skin_sha256 = TextField()
    skin_object = TextField()
    content_sha256 = TextField()
    superseded_by = TextField(null=True)
    superseded_at = TextField(null=True)

    class Meta:
        table_name = "twin_version"


class TwinProjection(WorkspaceModel):
    """A projection between two surfaces; ``id`` is the hash of both and of the limits (``projecting.key_of``)."""

    id = TextField(primary_key=True)
    sha256 = TextField()
    object = TextField()

    class Meta:
        table_name = "twin_projection"
