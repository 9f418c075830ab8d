"""The table of characteristic sets: what is measured on a part, version by version."""

from __future__ import annotations

from peewee import IntegerField, TextField

from appliance.db.models import WorkspaceModel


class CharacteristicSetRow(WorkspaceModel):
    """One version of a part's inspection plan, as its file came.

    ``object`` names the sealed file; ``characteristics`` counts them; ``notes`` is a JSON list of what the plan
    left open and how it was filled.
    """

    id = TextField(primary_key=True)
    part_id = TextField()
    version = IntegerField()
    sha256 = TextField()
    object = TextField()
    characteristics = IntegerField()
    notes = TextField()
    created_at = TextField()
    created_by = TextField()

    class Meta:
        table_name = "characteristic_set"
