"""Pages of the directory: how it is reached, a test, and what its groups may do."""

from __future__ import annotations

from typing import Any, Final

from flask import Response, request

from appliance.errors import D2RError
from appliance.identity.groups import give_role, list_group_roles, take_role
from appliance.identity.ldap import directory as ldap
from appliance.identity.ldap.settings import SCHEMAS, LdapSettings
from appliance.identity.oidc import sign_on
from appliance.identity.oidc.settings import OidcSettings
from appliance.identity.records import APPLIANCE_ROLES, ELSEWHERE, WORKSPACE_ROLES, Source
from appliance.identity.saml.provider import known_of
from web.api.contract import Call
from web.console.showing import see
from web.problems import status_of

Shown = tuple[str, dict[str, Any]]
_DIRECTORY: Final = "/console/-/directory"


def directory(call: Call, **more: Any) -> Shown:
    """How the directory is reached, what its groups may do, and a test."""
    known = ldap.directory_of(call.site)
    shown = {
        "directory": known,
        "sign_on": sign_on.sign_on_of(call.site),
        "provider": None,
        "saml": known_of(call.site),
        "settings": known.settings if known else LdapSettings("active-directory", (), "", "", "", ""),
        "kinds": SCHEMAS,
        "groups": list_group_roles(call.site),
        "workspaces": call.site.workspaces(),
        "workspace_roles": WORKSPACE_ROLES,
        "appliance_roles": APPLIANCE_ROLES,
        "slugs": {one.id: one.slug for one in call.site.all_workspaces()},
        "examined": None,
        "problem": None,
    }
    return "directory.html", shown | more


def set_directory(call: Call) -> Any:
    """Keep what the form says; what cannot be used is said beside it, and the form stays filled."""
    form = {name: request.form.get(name, "").strip() for name in ("kind", "bind_dn", "user_base", "group_base")}
    urls = tuple(request.form.get("urls", "").split())
    pem, query = request.form.get("ca_pem", ""), request.form.get("user_filter", "").strip()
    settings = LdapSettings(urls=urls, ca_pem=pem, user_filter=query, **form)
    try:
        ldap.configure(call.site, settings, request.form.get("password") or None, call.caller)
    except D2RError as error:
        return directory(call, settings=settings, problem=error, status=status_of(error))
    return see(_DIRECTORY)


def test_directory(call: Call) -> Shown:
    """Ask the directory about somebody, with a password or without."""
    login, password = request.form.get("login", "").strip(), request.form.get("password") or None
    try:
        return directory(call, examined=ldap.examine(call.site, login, password))
    except D2RError as error:
        return directory(call, problem=error)


def remove_directory(call: Call) -> Response:
    """Ask the directory no more."""
    ldap.remove(call.site, call.caller)
    return see(_DIRECTORY)


def set_provider(call: Call) -> Any:
    """Keep how the OpenID provider is reached."""
    names = ("issuer", "client_id", "label", "groups_claim", "login_claim", "name_claim")
    form = {name: request.form.get(name, "").strip() for name in names}
    settings = OidcSettings(ca_pem=request.form.get("ca_pem", ""), **form)
    try:
        sign_on.configure(call.site, settings, request.form.get("client_secret") or None, call.caller)
    except D2RError as error:
        return directory(call, problem=error, status=status_of(error))
    return see(_DIRECTORY)


def test_provider(call: Call) -> Shown:
    """Ask the OpenID provider about itself."""
    try:
        return directory(call, provider=sign_on.probe(call.site))
    except D2RError as error:
        return directory(call, problem=error)


def remove_provider(call: Call) -> Response:
    """Send nobody to the OpenID provider any more."""
    sign_on.remove(call.site, call.caller)
    return see(_DIRECTORY)


def give_group_role(call: Call) -> Response:
    """Let a group have a role, in a workspace or (``-``) in the appliance as a whole."""
    place, source = request.form.get("workspace", "-"), request.form.get("source", ldap.SOURCE)
    slug = None if place == "-" else place
    known: dict[str, Source] = {one: one for one in ("ldap", *ELSEWHERE)}
    give_role(
        call.site,
        known.get(source, "ldap"),
        request.form.get("group", ""),
        slug,
        request.form.get("role", ""),
        call.caller,
    )
    return see(_DIRECTORY)


def take_group_role(call: Call, group_role_id: str) -> Response:
    """Take a role from a group."""
    take_role(call.site, group_role_id, call.caller)
    return see(_DIRECTORY)
