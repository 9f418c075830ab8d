"""Local accounts: made by accepting an invitation, with the roles that an owner gave, under a login for good."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from appliance.audit.recording import record
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.ids import new_id
from appliance.errors import Conflict, Denied, InvalidInput, NotFound
from appliance.identity.local.models import LocalPasswordRow
from appliance.identity.local.passwords import is_password, write_password
from appliance.identity.local.policy import check_password
from appliance.identity.models import UserRow
from appliance.identity.records import APPLIANCE_ROLES, WORKSPACE_ROLES, Roles, User
from appliance.identity.sessions import end_sessions
from appliance.identity.users import find_user, person_of, write_memberships
from appliance.tenancy.records import Principal, Role
from appliance.tenancy.site import Site

SOURCE: Final = "local"
_LOGIN_CHARACTERS: Final = 120


def login_key(login: str) -> str:
    """A login as logins are compared."""
    return login.strip().casefold()


def local_user(login: str) -> Any:
    """The row of the local account with this login, or None; in a session of the control database."""
    return UserRow.known(source=SOURCE, subject=login_key(login)) if login.strip() else None


def check_login(login: str, name: str) -> None:
    """Return if an account can be called so.

    Raises
    ------
    InvalidInput : it cannot
    """
    for text in (login, name):
        if not text.strip() or len(text) > _LOGIN_CHARACTERS or not text.isprintable():
            hint = f"Use 1 to {_LOGIN_CHARACTERS} printable characters."
            raise InvalidInput("account.name", "Login or name cannot be used.", hint)


def roles_named(site: Site, by: Principal, appliance: str | None, workspaces: Mapping[str, str]) -> Roles:
    """Roles as an owner names them, workspaces by slug.

    Raises
    ------
    InvalidInput : there is no such role, or none at all
    NotFound : there is no such workspace, or not for ``by``
    """
    if appliance is not None and appliance not in APPLIANCE_ROLES:
        raise InvalidInput("account.role", f"'{appliance[:40]}' is no role in the appliance.", "owner or plant-it")
    found: list[tuple[str, Role]] = []
    for slug, name in workspaces.items():
        role = next((one for one in WORKSPACE_ROLES if one == name), None)
        if role is None:
            raise InvalidInput(
                "account.role", f"'{name[:40]}' is no role of people.", f"Use {', '.join(WORKSPACE_ROLES)}."
            )
        found.append((site.scope(by, slug).workspace_id, role))
    own = next((one for one in APPLIANCE_ROLES if one == appliance), None)
    roles = Roles(own, tuple(sorted(found)))
    if not roles:
        raise InvalidInput("account.role", "An account has a role somewhere.", "Name one.")
    return roles


def create_account(
    site: Site, login: str, name: str, roles: Roles, password: str, by: Principal, *, is_break_glass: bool = False
) -> str:
    """Make a local account, in the current control transaction; returns its id.

    Raises
    ------
    Conflict : somebody has this login already
    """
    if local_user(login) is not None:
        raise Conflict("account.taken", "There is an account with this login.", "Take another.")
    row = UserRow.create(
        id=new_id("usr"), source=SOURCE, subject=login_key(login), login=login.strip(), name=name.strip(),
        appliance_role=roles.appliance, created_at=rfc3339_us(utc_now()),
    )  # fmt: skip
    write_memberships(row.id, roles)
    write_password(site, row.id, password, is_break_glass=is_break_glass)
    _note(site, "user.created", row, roles, by)
    return str(row.id)


def set_roles(site: Site, user_id: str, roles: Roles, by: Principal) -> User:
    """Let a local account have these roles and no others, at once.

    Raises
    ------
    NotFound : there is no such person
    Conflict : the roles of this person come from a directory, or it is the one who asks
    """
    with site.control_transaction():
        row = _local(user_id)
        if row.id == by.id:
            raise Conflict("user.self", "Nobody changes their own roles.", "Ask another owner.")
        row.appliance_role = roles.appliance
        row.save()
        write_memberships(row.id, roles)
        _note(site, "user.roles_changed", row, roles, by)
    return find_user(site, user_id)


def change_password(site: Site, by: Principal, former: str, password: str, session_id: str) -> None:
    """Let a person take another password; their other sessions end.

    Raises
    ------
    Denied : the former password is wrong
    InvalidInput : the new one is not taken
    """
    with site.control_session():
        row = UserRow.known(id=by.id)
    if row is None or row.source != SOURCE or not is_password(site, by.id, former):
        raise Denied("login.refused", "The password is wrong.", "Try again.")
    check_password(password, site.settings.password_length, (row.login, row.name))
    with site.control_transaction():
        write_password(site, by.id, password)
        record(site, "password.changed", {}, {}, by=by)
        end_sessions(site, by.id, by, but=session_id)


def reset_password(site: Site, row: Any, password: str, by: Principal) -> None:
    """Let a person have another password, in the current control transaction; every session of theirs ends."""
    kept = LocalPasswordRow.known(user_id=row.id)
    write_password(site, row.id, password, is_break_glass=bool(kept and kept.is_break_glass))
    record(site, "password.reset", {}, {}, {"login": row.login}, person_of(site, row), by=by)
    end_sessions(site, row.id, by)


def _local(user_id: str) -> Any:
    row = UserRow.known(id=user_id)
    if row is None:
        raise NotFound("user.unknown", "There is no such person.")
    if row.source != SOURCE:
        raise Conflict("user.directory", "The roles of this person come from their directory.", "d2r ldap group")
    return row


def _note(site: Site, kind: str, row: Any, roles: Roles, by: Principal) -> None:
    facts = {"source": SOURCE, "appliance_role": roles.appliance or "", "workspaces": dict(roles.workspaces)}
    record(site, kind, {}, facts, {"login": row.login, "name": row.name}, person_of(site, row), by=by)
