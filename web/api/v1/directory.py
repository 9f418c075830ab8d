"""The directory that people sign in through (LDAP, Active Directory), and what its groups may do."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from appliance.errors import NotFound
from appliance.identity.groups import give_role, list_group_roles, take_role
from appliance.identity.ldap import directory as ldap
from appliance.identity.ldap.settings import LdapSettings
from appliance.identity.models import GroupRoleRow
from appliance.identity.records import Roles
from web.api.contract import ADMINISTRATORS, Area, Call
from web.api.forms import Body, Name, Out
from web.api.v1.workspaces import require_appliance

_DIRECTORY: Final = "/directory"
_GROUPS: Final = f"{_DIRECTORY}/groups"
_Dn = Annotated[str, Field(min_length=1, max_length=500)]

directory = Area("directory", "The directory that people sign in through, and what its groups may do.")


class DirectoryIn(Body):
    """How a directory is reached; always under TLS (``ldaps://``, or ``ldap://`` with StartTLS)."""

    kind: Literal["active-directory", "openldap"]
    urls: list[_Dn] = Field(min_length=1, max_length=4, description="Its servers, asked in this order.")
    ca_pem: str = Field(max_length=100_000, description="Certificates of the CA of its servers; no other is believed.")
    bind_dn: _Dn = Field(description="The account that searches.")
    password: str | None = Field(None, max_length=1024, description="Its password; null: as before.")
    user_base: _Dn
    group_base: _Dn
    user_filter: str = Field("", max_length=2000, description="Finds a person by {login}; empty: that of the kind.")


class DirectoryOut(Out):
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


class ExamineIn(Body):
    """Whom to ask the directory about; with a password, it is tried as well."""

    login: Name
    password: str | None = Field(None, max_length=1024)


class Examined(Out):
    """What the directory says about a login."""

    url: str
    tls: str
    dn: str | None = Field(description="The entry; null where there is none, or more than one.")
    subject: str | None
    login: str | None
    name: str | None
    groups: list[str]
    appliance_role: str | None
    workspace_roles: dict[str, str] = Field(description="By workspace id.")
    password: str | None = Field(description="null: not tried; empty: right; else why it was refused.")


class GroupRoleIn(Body):
    """A role for a group; without a workspace, in the appliance as a whole."""

    source: Literal["ldap", "oidc", "saml"] = "ldap"
    group: _Dn
    workspace: Name | None = None
    role: Literal["owner", "supervisor", "operator", "auditor", "plant-it"]


class GroupRoleOut(Out):
    """The role of a group."""

    id: str
    source: str
    group: str
    workspace: str | None
    role: str
    created_at: str
    created_by: str


class GroupRoleList(Out):
    """What groups may do."""

    items: list[GroupRoleOut]


@directory.route("GET", _DIRECTORY, roles=ADMINISTRATORS, answer=DirectoryOut, summary="How the directory is reached")
def get_directory(call: Call) -> DirectoryOut:
    """For the owner of the appliance, as all of this: whoever says whom the appliance believes can become anybody."""
    require_appliance(call.caller)
    known = ldap.directory_of(call.site)
    if known is None:
        raise NotFound("ldap.missing", "There is no directory.", "Name one: d2r ldap set.")
    return _out(known)


@directory.route(
    "PUT", _DIRECTORY, roles=ADMINISTRATORS, body=DirectoryIn, answer=DirectoryOut, summary="Say how it is reached"
)
def put_directory(call: Call) -> DirectoryOut:
    """The whole of it at once. A kept password goes to no other account or server: name it again with them."""
    require_appliance(call.caller)
    named: dict[str, Any] = call.body.model_dump(exclude={"password"})
    settings = LdapSettings(**{**named, "urls": tuple(call.body.urls)})
    return _out(ldap.configure(call.site, settings, call.body.password, call.caller))


@directory.route("DELETE", _DIRECTORY, roles=ADMINISTRATORS, summary="Ask the directory no more")
def delete_directory(call: Call) -> None:
    require_appliance(call.caller)
    ldap.remove(call.site, call.caller)


@directory.route(
    "POST", f"{_DIRECTORY}/test", roles=ADMINISTRATORS, body=ExamineIn, answer=Examined, summary="Ask it about a person"
)
def examine_login(call: Call) -> Examined:
    require_appliance(call.caller)
    found = ldap.examine(call.site, call.body.login, call.body.password)
    person, roles = found.person, found.roles or Roles(None, ())
    return Examined(
        url=found.url,
        tls=found.tls,
        dn=found.dn,
        subject=person.subject if person else None,
        login=person.login if person else None,
        name=person.name if person else None,
        groups=list(person.groups) if person else [],
        appliance_role=roles.appliance,
        workspace_roles=dict(roles.workspaces),
        password=found.password,
    )


@directory.route("GET", _GROUPS, roles=ADMINISTRATORS, answer=GroupRoleList, summary="What groups may do")
def list_groups(call: Call) -> dict[str, Any]:
    require_appliance(call.caller)
    return {"items": [_role_out(row, slug) for row, slug in list_group_roles(call.site)]}


@directory.route(
    "POST", _GROUPS, roles=ADMINISTRATORS, body=GroupRoleIn, answer=GroupRoleOut, status=201, errors=(409,),
    summary="Give a group a role",
)  # fmt: skip
def give_group_role(call: Call) -> GroupRoleOut:
    """From the next login on of whoever is in the group; several roles in one place: the one with the most rights."""
    require_appliance(call.caller)
    body = call.body
    row = give_role(call.site, body.source, body.group, body.workspace, body.role, call.caller)
    return _role_out(row, body.workspace)


@directory.route("DELETE", f"{_GROUPS}/{{group_role}}", roles=ADMINISTRATORS, summary="Take a role from a group")
def take_group_role(call: Call, group_role: str) -> None:
    require_appliance(call.caller)
    take_role(call.site, group_role, call.caller)


def _out(known: ldap.Directory) -> DirectoryOut:
    settings = known.settings
    told = ("kind", "ca_pem", "bind_dn", "user_base", "group_base", "user_filter")
    named = {name: getattr(settings, name) for name in told}
    return DirectoryOut(
        urls=list(settings.urls), changed_at=known.changed_at, changed_by=known.changed_by, **named
    )  # fmt: skip


def _role_out(row: GroupRoleRow, slug: str | None) -> GroupRoleOut:
    made: dict[str, Any] = {"created_at": row.created_at, "created_by": row.created_by}
    named = {"id": row.id, "source": row.source, "group": row.group_name}
    return GroupRoleOut(**named, workspace=slug, role=row.role, **made)
