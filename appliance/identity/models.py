"""The table of API keys, in the control database."""

from __future__ import annotations

from peewee import TextField

from appliance.db.models import ControlModel


class ApiKey(ControlModel):
    """One API key; its secret is known by hash alone.  Without a workspace it is a key of the appliance."""

    id = TextField(primary_key=True)
    prefix = TextField()
    secret_sha256 = TextField()
    workspace_id = TextField(null=True)
    role = TextField()
    label = TextField()
    created_at = TextField()
    created_by = TextField()
    last_used_at = TextField(null=True)
    revoked_at = TextField(null=True)
    revoked_by = TextField(null=True)

    class Meta:
        table_name = "api_key"
