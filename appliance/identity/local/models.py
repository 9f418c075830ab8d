"""The tables of local accounts, in the control database."""

from __future__ import annotations

from peewee import BlobField, CompositeKey, IntegerField, TextField

from appliance.db.models import ControlModel


class LocalPasswordRow(ControlModel):
    """The hash of a password, sealed by the master key."""

    user_id = TextField(primary_key=True)
    wrapped = BlobField()
    changed_at = TextField()
    is_break_glass = IntegerField(default=0)
    used_at = TextField(null=True)

    class Meta:
        table_name = "local_password"


class InvitationRow(ControlModel):
    """A one-time link; ``sha256`` is of what stands in it, which is kept nowhere."""

    id = TextField(primary_key=True)
    sha256 = TextField()
    user_id = TextField(null=True)
    login = TextField()
    name = TextField()
    roles = TextField()
    created_at = TextField()
    created_by = TextField()
    expires_at = TextField()
    closed_at = TextField(null=True)

    class Meta:
        table_name = "invitation"


class SecondFactorRow(ControlModel):
    """What makes a person's codes, wrapped by the master key; it counts once a first code was shown."""

    user_id = TextField(primary_key=True)
    wrapped = BlobField()
    last_step = IntegerField(default=0)
    created_at = TextField()
    confirmed_at = TextField(null=True)

    class Meta:
        table_name = "second_factor"


class RecoveryCodeRow(ControlModel):
    """A code for the day when the telephone is gone; each opens once."""

    user_id = TextField()
    sha256 = TextField()
    used_at = TextField(null=True)

    class Meta:
        table_name = "recovery_code"
        primary_key = CompositeKey("user_id", "sha256")


class PendingLoginRow(ControlModel):
    """Somebody who showed the password and still owes the code."""

    sha256 = TextField(primary_key=True)
    user_id = TextField()
    method = TextField()
    expires_at = TextField()

    class Meta:
        table_name = "pending_login"


class LoginAttemptRow(ControlModel):
    """Failed attempts with one name."""

    login_hash = TextField(primary_key=True)
    failures = IntegerField()
    last_at = TextField()
    locked_until = TextField(null=True)

    class Meta:
        table_name = "login_attempt"
