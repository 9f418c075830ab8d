"""People as directories and the appliance know them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from appliance.tenancy.records import Role

Source: TypeAlias = Literal["local", "ldap", "oidc", "saml"]

#: Providers that browsers are sent to: nobody here sees a password, or knows when it was shown.
ELSEWHERE: Final[tuple[Source, ...]] = ("oidc", "saml")

#: Roles that a person can have in a workspace, those with more rights first.
WORKSPACE_ROLES: Final[tuple[Role, ...]] = ("owner", "supervisor", "operator", "auditor")
#: Roles that a person can have in the appliance as a whole.
APPLIANCE_ROLES: Final[tuple[Role, ...]] = ("owner", "plant-it")


@dataclass(frozen=True)
class Vouched:
    """Whom a directory vouches for, having seen the password.

    Attributes
    ----------
    subject : the directory's own name of the person, which outlives a change of login or name
    groups : names of the groups that they belong to, through other groups too
    """

    source: Source
    subject: str
    login: str
    name: str
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Roles:
    """What somebody may do: in the appliance as a whole, and by workspace id."""

    appliance: Role | None
    workspaces: tuple[tuple[str, Role], ...]

    def __bool__(self) -> bool:
        return self.appliance is not None or bool(self.workspaces)


@dataclass(frozen=True)
class User:
    """A person who signs in, with what they may do."""

    id: str
    source: str
    subject: str
    login: str
    name: str
    roles: Roles
    created_at: str
    last_login_at: str | None
    disabled_at: str | None
