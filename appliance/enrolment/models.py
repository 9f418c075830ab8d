"""Rows of codes, of devices' own keys, and of the tokens that these were exchanged for."""

from __future__ import annotations

from peewee import BlobField, IntegerField, TextField

from appliance.db.models import WorkspaceModel


class DeviceCode(WorkspaceModel):
    """A code that lets one device in; ``sealed_key`` is what it stands for, under the key of the workspace.

    ``device_name`` : the only name that the device may take; ``device_id``: the device that gets another key
    ``device_key_id`` : the key that came with it
    """

    id = TextField(primary_key=True)
    locator = TextField()
    sealed_key = BlobField()
    device_name = TextField(null=True)
    device_id = TextField(null=True)
    reason = TextField(default="")
    created_at = TextField()
    created_by = TextField()
    expires_at = TextField()
    failures = IntegerField(default=0)
    closed_at = TextField(null=True)
    closed_by = TextField(null=True)
    device_key_id = TextField(null=True)

    class Meta:
        table_name = "device_code"


class DeviceKey(WorkspaceModel):
    """A key of a device: ``public_key`` is base64 of 32 bytes; it counts until ``expires_at`` or ``revoked_at``.

    ``last_used_at`` : when it was last exchanged for a token
    """

    id = TextField(primary_key=True)
    device_id = TextField()
    public_key = TextField()
    enrolled_at = TextField()
    enrolled_by = TextField()
    replaced_at = TextField(null=True)
    expires_at = TextField(null=True)
    revoked_at = TextField(null=True)
    revoked_by = TextField(null=True)
    reason = TextField(default="")
    stolen_since = TextField(null=True)
    last_used_at = TextField(null=True)

    #: Whether the device signs with it now; filled where rows are listed (``keys.list_keys``).
    is_current: bool = False

    class Meta:
        table_name = "device_key"


class DeviceToken(WorkspaceModel):
    """A token that still counts; ``sha256`` is of the token, ``proof_sha256`` of the signature it was given for."""

    sha256 = TextField(primary_key=True)
    device_key_id = TextField()
    proof_sha256 = TextField()
    expires_at = TextField()

    class Meta:
        table_name = "device_token"
