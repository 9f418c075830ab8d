"""Tables of what trends are judged by: limits that were frozen, artefacts that watch instruments."""

from __future__ import annotations

from peewee import IntegerField, TextField

from appliance.db.models import WorkspaceModel


class ControlLimits(WorkspaceModel):
    """One version of limits of phase I; ``asset_id`` is empty where they are those of all assets of the part.

    ``limits`` is the JSON record of ``spc.monitoring``; they were made of what was measured from ``made_since`` on and
    before ``made_until``.  Never changed: new limits are another version.
    """

    id = TextField(primary_key=True)
    characteristic_id = TextField()
    asset_id = TextField()
    version = IntegerField()
    limits = TextField()
    made_since = TextField()
    made_until = TextField()
    reason = TextField()
    created_at = TextField()
    created_by = TextField()

    class Meta:
        table_name = "control_limits"


class ReferenceArtefact(WorkspaceModel):
    """An asset that does not change: what moves in its measurements is the instrument."""

    asset_id = TextField(primary_key=True)
    reason = TextField()
    created_at = TextField()
    created_by = TextField()

    class Meta:
        table_name = "reference_artefact"
