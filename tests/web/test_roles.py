"""Every cell of the matrix of roles, as docs/roles.md states it, held against what the server does."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from appliance.identity.groups import give_role
from appliance.identity.records import Vouched
from appliance.identity.sessions import Visit, begin_session
from appliance.identity.users import admit
from appliance.tenancy.records import SYSTEM
from tests.web.conftest import Cast
from web.roles import DOCUMENT, ROLES, matrix, roles_document

_ROW = re.compile(r"\| `([A-Z]+) (\S+)` \|(?: `(\S+)`)? \|((?: ?✔? \|){7})")
CELLS = [
    (method, address, role, "✔" in cell)
    for method, address, _, cells in _ROW.findall(DOCUMENT.read_text())
    for role, cell in zip(ROLES, cells.split("|"), strict=False)
]
SCOPES = [(method, address, scope) for method, address, scope, _ in _ROW.findall(DOCUMENT.read_text()) if scope]
IN_WORKSPACES = [cell for cell in CELLS if "{slug}" in cell[1] and not cell[1].startswith("/console")]
OF_APPLIANCE = [cell for cell in CELLS if "{slug}" not in cell[1] and not cell[1].startswith("/console")]
PAGES = [cell for cell in CELLS if cell[1].startswith("/console") and cell[2] not in ("service", "device")]
#: What people can be, and where.
PLACES = {"owner": "main", "supervisor": "main", "operator": "main", "auditor": "main", "plant-it": None}


def label(value: Any) -> str:
    return str(value)


def path_of(address: str) -> str:
    return re.sub(r"\{[^}]+\}", "nothing", address.replace("{slug}", "main"))


@pytest.fixture(scope="module")
def browsers(cast: Cast) -> dict[str, tuple[FlaskClient, str]]:
    """A browser for each role of people, and the owner of the appliance, with the token of its forms."""
    found = {}
    for role, place in [*PLACES.items(), ("owner of the appliance", None)]:
        give_role(cast.site, "ldap", f"cn={role}", place, role.split(" ")[0], SYSTEM)
        person = admit(cast.site, Vouched("ldap", role, role, role.title(), (f"cn={role}",)))
        browser = cast.app.test_client()
        browser.set_cookie("d2r-session", begin_session(cast.site, person, "ldap", Visit()), path="/console/")
        page = browser.get("/console/-/me").text
        token = re.search(r'name="token" value="([0-9a-f]{64})"', page)
        assert token
        found[role] = browser, token[1]
    return found


def test_the_document_is_what_the_declarations_say() -> None:
    assert DOCUMENT.read_text() == roles_document(), "write it anew: python -m web.roles"
    assert len(CELLS) == 7 * len(list(matrix()))
    assert len(CELLS) > 700


@pytest.mark.parametrize(("method", "address", "role", "may"), IN_WORKSPACES, ids=label)
def test_a_cell_of_a_workspace_is_kept(cast: Cast, method: str, address: str, role: str, may: bool) -> None:
    headers = {"Authorization": f"Bearer {cast.by_role[role].token}"}
    response: Any = cast.nobody.client.open(path_of(address), method=method, headers=headers)
    assert response.status_code != 401
    if method == "HEAD":  # its answers say nothing but their status
        assert (response.status_code == 403) != may
        return
    assert (response.status_code == 403 and response.json["code"] == "role.denied") != may, response.text


@pytest.mark.parametrize(("method", "address", "role", "may"), OF_APPLIANCE, ids=label)
def test_a_cell_of_the_appliance_is_kept(cast: Cast, method: str, address: str, role: str, may: bool) -> None:
    """The owner of a cell is that of the appliance: another has nothing but what every role has."""
    caller = cast.appliance if role == "owner" else cast.by_role[role]
    headers = {"Authorization": f"Bearer {caller.token}"}
    response: Any = cast.nobody.client.open(path_of(address), method=method, headers=headers)
    assert (response.status_code == 403 and response.json["code"] == "role.denied") != may, response.text


@pytest.mark.parametrize(("method", "address", "role", "may"), PAGES, ids=label)
def test_a_cell_of_the_console_is_kept(
    cast: Cast, browsers: dict[str, tuple[FlaskClient, str]], method: str, address: str, role: str, may: bool
) -> None:
    is_own = "{slug}" not in address
    browser, token = browsers["owner of the appliance" if is_own and role == "owner" else role]
    response = browser.open(path_of(address), method=method, data={"token": token} if method == "POST" else None)
    is_absent = not is_own and role == "plant-it"  # a workspace is not there for somebody without a part in it
    assert ("role.denied" in response.text or (is_absent and "workspace.unknown" in response.text)) != may


@pytest.mark.parametrize("address", ["/console/-/people", "/console/-/directory"])
def test_the_owner_of_a_workspace_is_nobody_in_the_appliance(
    browsers: dict[str, tuple[FlaskClient, str]], address: str
) -> None:
    assert browsers["owner"][0].get(address).status_code == 403
