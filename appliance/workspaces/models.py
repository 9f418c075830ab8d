"""The table of workspaces that came from another appliance, in the control database."""

from __future__ import annotations

from peewee import TextField

from appliance.db.models import ControlModel


class WorkspaceImport(ControlModel):
    """One import: the export that it was made of, and what the log was called where it came from."""

    workspace_id = TextField(primary_key=True)
    export_id = TextField()
    statement_sha256 = TextField()
    origin = TextField()
    imported_at = TextField()

    class Meta:
        table_name = "workspace_import"
