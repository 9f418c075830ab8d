"""The tables of API keys (in the control database), of tickets (in each workspace's), of answered requests (both)."""

from __future__ import annotations

from peewee import IntegerField, TextField

from appliance.db.models import ControlModel, WorkspaceModel


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


class LiveTicket(WorkspaceModel):
    """A ticket that nobody used yet; ``sha256`` is of the ticket, which is kept nowhere."""

    sha256 = TextField(primary_key=True)
    key_id = TextField()
    expires_at = TextField()

    class Meta:
        table_name = "live_ticket"


class AnsweredRequest(WorkspaceModel):
    """A request that was answered under an Idempotency-Key; ``answer`` is null where it held a secret."""

    key_mac = TextField(primary_key=True)
    request_mac = TextField()
    status = IntegerField()
    answer = TextField(null=True)
    location = TextField(null=True)
    answered_at = TextField()

    class Meta:
        table_name = "answered_request"


class AnsweredControlRequest(ControlModel):
    """The same, of a request whose work is in the control database."""

    key_mac = TextField(primary_key=True)
    request_mac = TextField()
    status = IntegerField()
    answer = TextField(null=True)
    location = TextField(null=True)
    answered_at = TextField()

    class Meta:
        table_name = "answered_request"
