"""Principals and workspaces, as the rest of the appliance sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

Kind: TypeAlias = Literal["user", "key", "device", "system"]
Role: TypeAlias = Literal["owner", "supervisor", "operator", "auditor", "device", "service", "plant-it", "system"]

ROLES: Final[tuple[Role, ...]] = get_args(Role)


@dataclass(frozen=True)
class Principal:
    """Who acts.  ``workspace_id`` is the one workspace that it belongs to; None: the appliance as a whole."""

    id: str
    kind: Kind
    label: str
    role: Role
    workspace_id: str | None = None


#: The appliance itself: jobs, schedules, start and stop.
SYSTEM: Final = Principal("system", "system", "appliance", "system")


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
