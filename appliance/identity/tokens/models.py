"""The tables of tokens, in the control database."""

from __future__ import annotations

from peewee import BlobField, TextField

from appliance.db.models import ControlModel


class PersonalTokenRow(ControlModel):
    """A token of a person for one workspace; its secret is known by hash alone."""

    id = TextField(primary_key=True)
    prefix = TextField()
    secret_sha256 = TextField()
    user_id = TextField()
    workspace_id = TextField()
    scopes = TextField()
    label = TextField()
    created_at = TextField()
    expires_at = TextField()
    last_used_at = TextField(null=True)
    revoked_at = TextField(null=True)
    revoked_by = TextField(null=True)

    class Meta:
        table_name = "personal_token"


class TokenGrantRow(ControlModel):
    """A family of access and refresh tokens; ``holder_id``: the key, personal token or session that it comes from."""

    id = TextField(primary_key=True)
    holder_id = TextField()
    principal_id = TextField()
    scopes = TextField(null=True)
    created_at = TextField()
    idle_at = TextField()
    expires_at = TextField()
    revoked_at = TextField(null=True)
    revoked_by = TextField(null=True)

    class Meta:
        table_name = "token_grant"


class RefreshTokenRow(ControlModel):
    """A refresh token, known by hash; ``sealed`` is the one after it, which only this one opens."""

    sha256 = TextField(primary_key=True)
    grant_id = TextField()
    issued_at = TextField()
    used_at = TextField(null=True)
    successor_sha256 = TextField(null=True)
    sealed = BlobField(null=True)

    class Meta:
        table_name = "refresh_token"


class TokenKeyRow(ControlModel):
    """A key that signs access tokens; ``wrapped``: its private half, which is gone once it signs no more."""

    kid = TextField(primary_key=True)
    public = TextField()
    wrapped = BlobField(null=True)
    created_at = TextField()
    ends_at = TextField(null=True)

    class Meta:
        table_name = "token_key"
