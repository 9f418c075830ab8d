"""The directory that people sign in through, and what its groups may do.

Written by ``make client`` from the OpenAPI document: change the route, never this file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypedDict

from appliance.client.calls import Calls, quoted


class DirectoryOut(TypedDict):
    """How the directory is reached, without the password."""

    kind: str
    urls: list[str]
    ca_pem: str
    bind_dn: str
    user_base: str
    group_base: str
    user_filter: str
    changed_at: str
    changed_by: str


class Examined(TypedDict):
    """What the directory says about a login."""

    url: str
    tls: str
    dn: str | None
    subject: str | None
    login: str | None
    name: str | None
    groups: list[str]
    appliance_role: str | None
    workspace_roles: dict[str, str]
    password: str | None


class GroupRoleList(TypedDict):
    """What groups may do."""

    items: list[GroupRoleOut]


class GroupRoleOut(TypedDict):
    """The role of a group."""

    id: str
    source: str
    group: str
    workspace: str | None
    role: str
    created_at: str
    created_by: str


class Directory:
    """The directory that people sign in through, and what its groups may do."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def get_directory(self, *, held: DirectoryOut | None = None) -> DirectoryOut:
        """How the directory is reached.

        For the owner of the appliance, as all of this: whoever says whom the appliance believes can become anybody.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: DirectoryOut = self._calls.get("directory", held)
        return record

    def put_directory(
        self,
        *,
        kind: Literal["active-directory", "openldap"],
        urls: list[str],
        ca_pem: str,
        bind_dn: str,
        password: str | None = None,
        user_base: str,
        group_base: str,
        user_filter: str | None = None,
    ) -> DirectoryOut:
        """Say how it is reached.

        The whole of it at once. A kept password goes to no other account or server: name it again with them.

        Parameters
        ----------
        urls : its servers, asked in this order
        ca_pem : certificates of the CA of its servers; no other is believed
        bind_dn : the account that searches
        password : its password; null: as before
        user_filter : finds a person by {login}; empty: that of the kind
        """
        record: DirectoryOut = self._calls.act(
            "PUT",
            "directory",
            body={
                "kind": kind,
                "urls": urls,
                "ca_pem": ca_pem,
                "bind_dn": bind_dn,
                "password": password,
                "user_base": user_base,
                "group_base": group_base,
                "user_filter": user_filter,
            },
        )
        return record

    def delete_directory(self) -> Mapping[str, str]:
        """Ask the directory no more."""
        return self._calls.exchange("DELETE", "directory")

    def examine_login(self, *, login: str, password: str | None = None) -> Examined:
        """Ask it about a person."""
        record: Examined = self._calls.act("POST", "directory/test", body={"login": login, "password": password})
        return record

    def list_groups(self, *, held: GroupRoleList | None = None) -> GroupRoleList:
        """What groups may do.

        Parameters
        ----------
        held : what the caller holds already; given back where it is unchanged
        """
        record: GroupRoleList = self._calls.get("directory/groups", held)
        return record

    def give_group_role(
        self,
        *,
        source: Literal["ldap", "oidc", "saml"] | None = None,
        group: str,
        workspace: str | None = None,
        role: Literal["owner", "supervisor", "operator", "auditor", "plant-it"],
    ) -> GroupRoleOut:
        """Give a group a role.

        From the next login on of whoever is in the group; several roles in one place: the one with the most rights.
        """
        record: GroupRoleOut = self._calls.act(
            "POST", "directory/groups", body={"source": source, "group": group, "workspace": workspace, "role": role}
        )
        return record

    def take_group_role(self, group_role: str) -> Mapping[str, str]:
        """Take a role from a group."""
        return self._calls.exchange("DELETE", f"directory/groups/{quoted(group_role)}")
