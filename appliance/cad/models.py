"""The table of CAD revisions."""

from __future__ import annotations

from peewee import FloatField, IntegerField, TextField

from appliance.db.models import WorkspaceModel


class CadRevision(WorkspaceModel):
    """One revision of a part's CAD: its file and zone file as they came, and what was found in them.

    ``object`` and ``zones_object`` name sealed objects; ``zone_names`` and ``findings`` are JSON lists.  ``unit`` is
    the unit of the file's numbers; a revision differs from another in bytes, zones or unit.
    """

    id = TextField(primary_key=True)
    part_id = TextField()
    label = TextField()
    sha256 = TextField()
    object = TextField()
    format = TextField()
    unit = TextField()
    zones_sha256 = TextField(default="")
    zones_object = TextField(null=True)
    zone_names = TextField()
    triangles = IntegerField()
    diagonal_mm = FloatField()
    findings = TextField()
    created_at = TextField()
    created_by = TextField()

    class Meta:
        table_name = "cad_revision"
