"""People: admitted when a directory vouches for them, with the roles that their groups have now.

Nobody is entered by hand: the first login makes the person, each login renews name and roles.  A person whose groups
have no role any more is refused, and one that was disabled here stays so, whatever a directory says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

from appliance.audit.persons import create_person, find_person
from appliance.audit.recording import record
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.ids import new_id
from appliance.db.listing import WHOLE, Listing
from appliance.errors import Conflict, Denied, NotFound
from appliance.identity.groups import roles_of
from appliance.identity.models import MembershipRow, UserRow
from appliance.identity.records import Roles, User, Vouched
from appliance.tenancy.records import Principal, Role
from appliance.tenancy.site import Site

#: The source of somebody who was erased: an id is left, and nobody signs in under it.
ERASED: Final = "erased"
_MEMBERSHIPS: Final = """
SELECT m.workspace_id, m.role FROM membership m JOIN workspace w ON w.id = m.workspace_id
WHERE m.user_id = ? AND w.destroyed_at IS NULL ORDER BY m.workspace_id
"""


def admit(site: Site, vouched: Vouched, *, is_login: bool = True) -> Principal:
    """The person that a directory vouches for, made or renewed, with the roles of their groups.

    ``is_login`` : whether the person is there; else the directory was asked on a schedule

    Raises
    ------
    Denied : none of their groups has a role, or the person was disabled
    """
    with site.control_transaction():
        roles = roles_of(vouched.source, vouched.groups)
        row = UserRow.known(source=vouched.source, subject=vouched.subject)
        if row is not None and row.disabled_at is not None:
            raise Denied("login.disabled", "This person was disabled.", "Ask the owner of the appliance.")
        before = _roles(site, row) if row is not None else None
        if not roles and row is None:
            raise _without_role()
        row = _written(row, vouched, roles, is_login)
        principal = _principal(row, roles)
        if before != roles:
            write_memberships(row.id, roles)
            kind = "user.admitted" if before is None else "user.roles_changed"
            personal = {"login": row.login, "name": row.name}
            record(site, kind, {}, _facts(row, roles), personal, row.id, by=principal)
    if not roles:
        raise _without_role()
    return principal


def withdraw(site: Site, user_id: str) -> None:
    """Take every role from a person whom their directory does not know any more; sessions of theirs open nothing.

    Raises
    ------
    NotFound : there is no such person
    """
    with site.control_transaction():
        row, none = _known(user_id), Roles(None, ())
        if not _roles(site, row):
            return
        row.appliance_role = None
        row.save()
        write_memberships(row.id, none)
        personal = {"login": row.login, "name": row.name}
        record(site, "user.roles_changed", {}, _facts(row, none), personal, person_of(site, row))


def principal_of_user(site: Site, user_id: str) -> Principal | None:
    """A person who was admitted before and is not disabled, with the roles of their last login."""
    with site.control_session():
        row = UserRow.known(id=user_id)
        if row is None or row.disabled_at is not None:
            return None
        roles = _roles(site, row)
    return _principal(row, roles) if roles else None


def list_users(site: Site, listing: Listing = WHOLE) -> list[User]:
    """People, disabled ones too."""
    with site.control_session():
        return [_user(row, _roles(site, row)) for row in listing.rows(UserRow)]


def find_user(site: Site, user_id: str) -> User:
    """A person by id.

    Raises
    ------
    NotFound : there is none
    """
    with site.control_session():
        row = _known(user_id)
        return _user(row, _roles(site, row))


def set_disabled(site: Site, user_id: str, is_disabled: bool, by: Principal) -> User:
    """Refuse a person from now on, or no more; sessions of a person who is refused open nothing.

    Raises
    ------
    NotFound : there is none
    Conflict : it is so already, or the person is the one who asks
    """
    with site.control_transaction():
        row = _known(user_id)
        if row.id == by.id:
            raise Conflict("user.self", "Nobody disables themselves.", "Ask another owner.")
        if row.source == ERASED:
            raise Conflict("person.erased", "This person was erased.")
        if (row.disabled_at is not None) == is_disabled:
            raise Conflict("user.state", f"This person is {'disabled' if is_disabled else 'not disabled'} already.")
        row.disabled_at, row.disabled_by = (rfc3339_us(utc_now()), by.id) if is_disabled else (None, None)
        row.save()
        kind = "user.disabled" if is_disabled else "user.enabled"
        record(site, kind, {}, {"source": row.source}, {"login": row.login}, person_of(site, row), by=by)
        return _user(row, _roles(site, row))


def person_of(site: Site, row: Any) -> str:
    """The person of the control log that a user is."""
    if find_person(site, row.id) is None:
        create_person(site, {"name": row.name}, row.id)
    return str(row.id)


def _known(user_id: str) -> Any:
    row = UserRow.known(id=user_id)
    if row is None:
        raise NotFound("user.unknown", "There is no such person.")
    return row


def _roles(site: Site, row: Any) -> Roles:
    found = cast("Sequence[tuple[str, Role]]", site.control.fetch(_MEMBERSHIPS, row.id))
    return Roles(row.appliance_role, tuple((workspace_id, role) for workspace_id, role in found))


def _written(row: Any, vouched: Vouched, roles: Roles, is_login: bool) -> Any:
    now = rfc3339_us(utc_now())
    told = {"login": vouched.login, "name": vouched.name, "appliance_role": roles.appliance}
    told |= {"last_login_at": now} if is_login else {}
    if row is None:
        made = {"id": new_id("usr"), "source": vouched.source, "subject": vouched.subject, "created_at": now}
        return UserRow.create(**made, **told)
    for name, value in told.items():
        setattr(row, name, value)
    row.save()
    return row


def write_memberships(user_id: str, roles: Roles) -> None:
    """Let a person have these roles in workspaces and no others, in the current control transaction."""
    MembershipRow.delete().where(MembershipRow.user_id == user_id).execute()
    for workspace_id, role in roles.workspaces:
        MembershipRow.create(user_id=user_id, workspace_id=workspace_id, role=role)


def _principal(row: Any, roles: Roles) -> Principal:
    return Principal(row.id, "user", row.name, roles.appliance or "member", None, roles.workspaces)


def _user(row: Any, roles: Roles) -> User:
    times = (row.created_at, row.last_login_at, row.disabled_at)
    return User(row.id, row.source, row.subject, row.login, row.name, roles, *times)


def _facts(row: Any, roles: Roles) -> dict[str, Any]:
    return {"source": row.source, "appliance_role": roles.appliance or "", "workspaces": dict(roles.workspaces)}


def _without_role() -> Denied:
    return Denied("login.no_role", "This person has no role here.", "Ask the owner of the appliance for one.")
