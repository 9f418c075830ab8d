"""Invitations: a link that works once, to an account that does not exist yet or to another password for one.

Whoever has the link chooses the password; nobody else ever sees it.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final

from appliance.audit.recording import record
from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.ids import new_id
from appliance.crypto.secret_text import hash_of_secret
from appliance.errors import Conflict, Denied, NotFound
from appliance.identity.local.accounts import check_login, create_account, local_user, reset_password
from appliance.identity.local.models import InvitationRow
from appliance.identity.local.policy import check_password
from appliance.identity.models import UserRow
from appliance.identity.records import Roles
from appliance.identity.second_factor import has_second_factor, remove_second_factor
from appliance.identity.users import principal_of_user
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.site import Site

#: How long a link works.
LIFETIME: Final = timedelta(hours=72)
_BYTES: Final = 32


def invite(site: Site, login: str, name: str, roles: Roles, by: Principal) -> tuple[InvitationRow, str]:
    """An invitation and what stands in its link, which is kept nowhere.

    Raises
    ------
    InvalidInput : login or name cannot be used
    Conflict : somebody has this login already
    """
    check_login(login, name)
    with site.control_transaction():
        if local_user(login) is not None:
            raise Conflict("account.taken", "There is an account with this login.", "Reset it, or take another.")
        row, token = _written(None, login.strip(), name.strip(), roles, by)
        record(site, "invitation.made", {}, {"invitation": row.id, **_told(roles)}, by=by)
    return row, token


def offer_reset(site: Site, user_id: str, by: Principal) -> tuple[InvitationRow, str]:
    """A link by which a person takes another password; a second factor goes with the former one.

    Raises
    ------
    NotFound : there is no such person
    Conflict : the password is that of a directory
    """
    with site.control_transaction():
        user = UserRow.known(id=user_id)
        if user is None:
            raise NotFound("user.unknown", "There is no such person.")
        if user.source != "local":
            raise Conflict("user.directory", "This password is that of a directory.", "Ask whoever keeps it.")
        row, token = _written(user_id, user.login, user.name, Roles(None, ()), by)
        record(site, "invitation.made", {}, {"invitation": row.id, "reset": True}, by=by)
    return row, token


def find_invitation(site: Site, token: str) -> InvitationRow:
    """The invitation of a link.

    Raises
    ------
    Denied : there is none, it was used or withdrawn, or it expired
    """
    with site.control_session():
        row: InvitationRow = _open(token)
    return row


def accept(site: Site, token: str, password: str) -> Principal:
    """Take the password, make the account where there is none, and close the link.

    Raises
    ------
    Denied : the link does not work any more
    InvalidInput : the password is not taken
    """
    row = find_invitation(site, token)
    check_password(password, site.settings.password_length, (row.login, row.name))
    with site.control_transaction():
        row = _open(token)
        row.closed_at = rfc3339_us(utc_now())
        row.save()
        record(site, "invitation.accepted", {}, {"invitation": row.id})
        if row.user_id is None:
            user_id = create_account(site, row.login, row.name, _roles(row.roles), password, SYSTEM)
        else:
            user_id = row.user_id
            reset_password(site, UserRow.known(id=user_id), password, SYSTEM)
            if has_second_factor(site, user_id):
                remove_second_factor(site, user_id, SYSTEM)
    principal = principal_of_user(site, user_id)
    if principal is None:
        raise Denied("login.disabled", "This person was disabled.", "Ask the owner of the appliance.")
    return principal


def withdraw_invitation(site: Site, invitation_id: str, by: Principal) -> None:
    """Let a link work no more.

    Raises
    ------
    NotFound : there is no such invitation
    Conflict : it was used or withdrawn already
    """
    with site.control_transaction():
        row = InvitationRow.known(id=invitation_id)
        if row is None:
            raise NotFound("invitation.unknown", "There is no such invitation.")
        if row.closed_at is not None:
            raise Conflict("invitation.closed", "This invitation was used or withdrawn already.")
        row.closed_at = rfc3339_us(utc_now())
        row.save()
        record(site, "invitation.withdrawn", {}, {"invitation": row.id}, by=by)


def list_invitations(site: Site) -> list[InvitationRow]:
    """Links that work, the latest first."""
    with site.control_session():
        now = rfc3339_us(utc_now())
        query = InvitationRow.select().where(InvitationRow.closed_at.is_null(), InvitationRow.expires_at > now)
        return list(query.order_by(InvitationRow.id.desc()))


def _written(user_id: str | None, login: str, name: str, roles: Roles, by: Principal) -> tuple[InvitationRow, str]:
    token, now = secrets.token_urlsafe(_BYTES), utc_now()
    row = InvitationRow.create(
        id=new_id("inv"), sha256=hash_of_secret(token), user_id=user_id, login=login, name=name, roles=_spelled(roles),
        created_at=rfc3339_us(now), created_by=by.id, expires_at=rfc3339_us(now + LIFETIME),
    )  # fmt: skip
    return row, token


def _open(token: str) -> Any:
    row = InvitationRow.known(sha256=hash_of_secret(token))
    if row is None or row.closed_at is not None or row.expires_at <= rfc3339_us(utc_now()):
        raise Denied("invitation.refused", "This link does not work any more.", "Ask for another one.")
    return row


def _spelled(roles: Roles) -> str:
    return canonical_bytes({**asdict(roles), "workspaces": dict(roles.workspaces)}).decode()


def _roles(text: str) -> Roles:
    told = loads_strict(text)
    return Roles(told["appliance"], tuple(sorted(told["workspaces"].items())))


def _told(roles: Roles) -> dict[str, Any]:
    return {"appliance_role": roles.appliance or "", "workspaces": dict(roles.workspaces)}
