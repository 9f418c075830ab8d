"""Principals and workspaces, as the rest of the appliance sees them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias, get_args

Kind: TypeAlias = Literal["user", "key", "device", "system", "stranger"]
Role: TypeAlias = Literal[
    "owner", "supervisor", "operator", "auditor", "device", "service", "plant-it", "member", "system"
]

ROLES: Final[tuple[Role, ...]] = get_args(Role)


#: Roles that act in every workspace, where the principal belongs to none.
_EVERYWHERE: Final = ("owner", "system")


@dataclass(frozen=True)
class Principal:
    """Who acts.  ``workspace_id`` is the one workspace that it belongs to; None: the appliance as a whole.

    ``memberships`` : of a person, the role in each workspace; outside of them such a person is a ``member``, who may
    do nothing, or has a role in the appliance
    ``scopes`` : of a key or token that may do less than its role: what it may; None: all that the role may
    ``via`` : the token, the grant or the device's key by which it acts, where that is not ``id`` itself
    """

    id: str
    kind: Kind
    label: str
    role: Role
    workspace_id: str | None = None
    memberships: tuple[tuple[str, Role], ...] = ()
    scopes: frozenset[str] | None = None
    via: str = ""

    @property
    def holder(self) -> str:
        """What must still count for it to act: the token or grant, else the person or key."""
        return self.via or self.id

    @property
    def is_everywhere(self) -> bool:
        """Whether it acts in every workspace, as the appliance's owner does."""
        return self.workspace_id is None and self.role in _EVERYWHERE

    def within(self, workspace_id: str) -> Principal | None:
        """The same principal as it acts in a workspace; None where it has no part in it."""
        if self.is_everywhere or self.workspace_id == workspace_id:
            return self
        role = dict(self.memberships).get(workspace_id)
        return None if role is None else replace(self, role=role, workspace_id=workspace_id, memberships=())

    def confined(self, workspace_id: str, scopes: frozenset[str] | None, via: str) -> Principal | None:
        """The same principal, of one workspace and under scopes, wherever else it may act."""
        acting = self.within(workspace_id)
        return acting and replace(acting, workspace_id=workspace_id, memberships=(), scopes=scopes, via=via)


#: The appliance itself: jobs, schedules, start and stop.
SYSTEM: Final = Principal("system", "system", "appliance", "system")
#: All who showed nothing that is known, together: they may do nothing.
STRANGER: Final = Principal("stranger", "stranger", "somebody unknown", "member")


#: Conditions of a workspace.
ACTIVE: Final = "active"
SUSPENDED: Final = "suspended"
DESTROYED: Final = "destroyed"


@dataclass(frozen=True)
class Workspace:
    """One workspace. ``slug`` is its name in addresses; ``id`` names its database, its folder and its log."""

    id: str
    slug: str
    name: str
    created_at: str
    suspended_at: str | None = None
    destroyed_at: str | None = None

    @property
    def condition(self) -> str:
        """Whether people and jobs may enter it."""
        if self.destroyed_at is not None:
            return DESTROYED
        return ACTIVE if self.suspended_at is None else SUSPENDED
