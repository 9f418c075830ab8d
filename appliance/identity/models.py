"""The tables of identity: keys, people, sessions and directories in the control database, tickets in each workspace's,
answered requests in both.
"""

from __future__ import annotations

from peewee import BlobField, CompositeKey, IntegerField, TextField

from appliance.db.models import ControlModel, WorkspaceModel


class ApiKey(ControlModel):
    """One API key; ``prefix`` is that of its latest secret.  Without a workspace it is a key of the appliance.

    ``scopes`` : separated by blanks; without them it may do all that its role may
    """

    id = TextField(primary_key=True)
    prefix = TextField()
    workspace_id = TextField(null=True)
    role = TextField()
    label = TextField()
    created_at = TextField()
    created_by = TextField()
    last_used_at = TextField(null=True)
    revoked_at = TextField(null=True)
    revoked_by = TextField(null=True)
    scopes = TextField(null=True)
    expires_at = TextField(null=True)
    rotated_at = TextField(null=True)

    class Meta:
        table_name = "api_key"


class ApiKeySecret(ControlModel):
    """A secret of a key, known by hash alone; one that was followed by another counts until ``ends_at``."""

    prefix = TextField(primary_key=True)
    key_id = TextField()
    secret_sha256 = TextField()
    made_at = TextField()
    ends_at = TextField(null=True)

    class Meta:
        table_name = "api_key_secret"


class UserRow(ControlModel):
    """A person who signs in; ``subject`` is the name that ``source`` itself gives them, for good."""

    id = TextField(primary_key=True)
    source = TextField()
    subject = TextField()
    login = TextField()
    name = TextField()
    appliance_role = TextField(null=True)
    created_at = TextField()
    last_login_at = TextField(null=True)
    disabled_at = TextField(null=True)
    disabled_by = TextField(null=True)

    class Meta:
        table_name = "user_account"


class MembershipRow(ControlModel):
    """The role of a person in one workspace."""

    user_id = TextField()
    workspace_id = TextField()
    role = TextField()

    class Meta:
        table_name = "membership"
        primary_key = CompositeKey("user_id", "workspace_id")


class SessionRow(ControlModel):
    """A session of the console; ``sha256`` is of what the browser holds, which is kept nowhere else.

    ``foreign_session`` : what the provider elsewhere calls it, where people sign out there too
    """

    id = TextField(primary_key=True)
    sha256 = TextField()
    principal_id = TextField()
    method = TextField()
    peer = TextField()
    agent = TextField()
    began_at = TextField()
    seen_at = TextField()
    expires_at = TextField()
    ended_at = TextField(null=True)
    ended_by = TextField(null=True)
    confirmed_at = TextField(null=True)
    foreign_session = TextField(null=True)

    class Meta:
        table_name = "console_session"


class GroupRoleRow(ControlModel):
    """What a group of a directory may do; ``group_key`` is its name as names are compared."""

    id = TextField(primary_key=True)
    source = TextField()
    group_key = TextField()
    group_name = TextField()
    workspace_id = TextField(null=True)
    role = TextField()
    created_at = TextField()
    created_by = TextField()

    class Meta:
        table_name = "group_role"


class DirectoryRow(ControlModel):
    """How a directory is reached; ``secret`` is wrapped by the master key."""

    source = TextField(primary_key=True)
    settings = TextField()
    secret = BlobField(null=True)
    changed_at = TextField()
    changed_by = TextField()

    class Meta:
        table_name = "directory"


class ForeignLoginRow(ControlModel):
    """A login that was sent to a provider elsewhere; ``verifier`` is wrapped by the master key."""

    sha256 = TextField(primary_key=True)
    source = TextField()
    nonce = TextField()
    verifier = BlobField()
    expires_at = TextField()

    class Meta:
        table_name = "foreign_login"


class DeniedAttemptRow(ControlModel):
    """Something that a caller tried and may not, while its window is open; ``entry`` is where the log says so."""

    principal_id = TextField()
    route = TextField()
    reason = TextField()
    workspace_id = TextField()
    entry = IntegerField()
    began_at = TextField()
    closes_at = TextField()
    repeats = IntegerField()

    class Meta:
        table_name = "denied_attempt"
        primary_key = CompositeKey("principal_id", "route", "reason", "workspace_id")


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
