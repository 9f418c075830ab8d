"""The tables of workspaces, in the control database."""

from __future__ import annotations

from peewee import BlobField, TextField

from appliance.db.models import ControlModel
from appliance.tenancy.records import Workspace


class SlotRow(ControlModel):
    """A schema of PostgreSQL that is ready for a workspace of this id, or taken by it."""

    workspace_id = TextField(primary_key=True)
    password = BlobField()
    provisioned_at = TextField()
    taken_at = TextField(null=True)

    class Meta:
        table_name = "database_slot"


class WorkspaceRow(ControlModel):
    """One workspace; ``data_key`` is wrapped by the master key, and opens for this id only.

    ``creating`` until its database and folders are on the disk; nobody can enter it before.  Of a destroyed one the key
    is empty, and ``cleared_at`` says since when nothing else of it is left.
    """

    id = TextField(primary_key=True)
    slug = TextField()
    name = TextField()
    state = TextField()
    data_key = BlobField()
    created_at = TextField()
    created_by = TextField()
    suspended_at = TextField(null=True)
    destroyed_at = TextField(null=True)
    cleared_at = TextField(null=True)

    class Meta:
        table_name = "workspace"

    def record(self) -> Workspace:
        """The workspace without its key."""
        return Workspace(self.id, self.slug, self.name, self.created_at, self.suspended_at, self.destroyed_at)
