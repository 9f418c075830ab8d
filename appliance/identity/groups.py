"""Groups of a directory and what they may do: one role a group in each workspace, and one in the appliance as a whole.

Whoever is in several groups with roles in the same workspace has the one with the most rights.  Names of groups are
compared as directories compare them: without regard to case and to blanks beside separators.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from appliance.audit.recording import record
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.ids import new_id
from appliance.errors import Conflict, InvalidInput, NotFound
from appliance.identity.models import GroupRoleRow
from appliance.identity.records import APPLIANCE_ROLES, WORKSPACE_ROLES, Roles, Source
from appliance.tenancy.models import WorkspaceRow
from appliance.tenancy.records import Principal, Role
from appliance.tenancy.site import Site

_NAME_CHARACTERS: Final = 500
_SEPARATORS: Final = re.compile(r"\s*([,=+])\s*")
#: Groups asked for in one query.
_AT_ONCE: Final = 200


def group_key(name: str) -> str:
    """The name of a group as names are compared."""
    return " ".join(_SEPARATORS.sub(r"\1", name.strip()).casefold().split())


def give_role(
    site: Site, source: Source, group: str, workspace_slug: str | None, role: str, by: Principal
) -> GroupRoleRow:
    """Let a group have a role in a workspace (None: in the appliance as a whole), from their next login on.

    Raises
    ------
    InvalidInput : no such role there, or a name that no group has
    NotFound : no such workspace
    Conflict : the group has a role there already
    """
    known = APPLIANCE_ROLES if workspace_slug is None else WORKSPACE_ROLES
    if role not in known:
        raise InvalidInput("group.role", f"'{role[:40]}' is no role of people there.", f"Use {', '.join(known)}.")
    if not group.strip() or len(group) > _NAME_CHARACTERS or not group.isprintable():
        raise InvalidInput("group.name", "A group has a printable name.", f"Use 1 to {_NAME_CHARACTERS} characters.")
    workspace_id = None if workspace_slug is None else site.scope(by, workspace_slug).workspace_id
    with site.control_transaction():
        rows = GroupRoleRow.alike(source=source, group_key=group_key(group))
        if any(row.workspace_id == workspace_id for row in rows):
            raise Conflict("group.taken", "This group has a role there already.", "Take it back first.")
        row: GroupRoleRow = GroupRoleRow.create(
            id=new_id("grp"), source=source, group_key=group_key(group), group_name=group.strip(), role=role,
            workspace_id=workspace_id, created_at=rfc3339_us(utc_now()), created_by=by.id,
        )  # fmt: skip
        record(site, "group.given_role", {}, _facts(row), by=by)
    return row


def take_role(site: Site, group_role_id: str, by: Principal) -> None:
    """Take a role from a group; whoever is signed in keeps it until the session ends or the next look at the directory.

    Raises
    ------
    NotFound : there is no such thing
    """
    with site.control_transaction():
        row = GroupRoleRow.known(id=group_role_id)
        if row is None:
            raise NotFound("group.unknown", "There is no such role of a group.")
        row.delete_instance()
        record(site, "group.lost_role", {}, _facts(row), by=by)


def list_group_roles(site: Site, source: Source | None = None) -> list[tuple[GroupRoleRow, str | None]]:
    """What groups (of one source, or of all) may do, in the order of their making; each with the slug of its workspace,
    or None for the appliance.
    """
    with site.control_session():
        slugs = dict(WorkspaceRow.select(WorkspaceRow.id, WorkspaceRow.slug).tuples())
        query = GroupRoleRow.select().order_by(GroupRoleRow.id)
        rows = list(query if source is None else query.where(GroupRoleRow.source == source))
    return [(row, slugs.get(row.workspace_id)) for row in rows]


def roles_of(source: Source, groups: Sequence[str]) -> Roles:
    """What members of ``groups`` may do; in a session of the control database."""
    keys = sorted({group_key(name) for name in groups})
    found: list[tuple[str | None, Role]] = []
    for start in range(0, len(keys), _AT_ONCE):
        some = GroupRoleRow.group_key.in_(keys[start : start + _AT_ONCE])
        rows = GroupRoleRow.select().where(GroupRoleRow.source == source, some)
        found += [(row.workspace_id, row.role) for row in list(rows)]
    workspaces = sorted({place for place, _ in found if place is not None})
    return Roles(
        _highest(APPLIANCE_ROLES, [role for place, role in found if place is None]),
        tuple((place, _least_bound(found, place)) for place in workspaces),
    )


def _least_bound(found: Sequence[tuple[str | None, Role]], workspace_id: str) -> Role:
    role = _highest(WORKSPACE_ROLES, [role for place, role in found if place == workspace_id])
    assert role is not None  # a workspace is there because of a role in it
    return role


def _highest(known: Sequence[Role], roles: Sequence[Role]) -> Role | None:
    return next((role for role in known if role in roles), None)


def _facts(row: GroupRoleRow) -> dict[str, str]:
    facts = {"id": row.id, "source": row.source, "group": row.group_name, "role": row.role}
    return facts | ({"workspace": row.workspace_id} if row.workspace_id else {})
