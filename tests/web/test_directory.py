"""The directory over HTTP: set, tested, given roles by the appliance's owner; people sign in through it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.ldap_server import PASSWORD, SEARCHER_PASSWORD, LdapServer, group, new_server
from tests.web.conftest import Cast

DIRECTORY, GROUPS = "/api/v1/directory", "/api/v1/directory/groups"
#: Routes and forms of the appliance's owner alone.
ROUTES = [
    ("GET", DIRECTORY), ("PUT", DIRECTORY), ("DELETE", DIRECTORY), ("POST", f"{DIRECTORY}/test"), ("GET", GROUPS),
    ("POST", GROUPS), ("DELETE", f"{GROUPS}/grp_x"), ("GET", "/api/v1/people"), ("GET", "/api/v1/people/usr_x"),
    ("POST", "/api/v1/people/usr_x/disable"), ("POST", "/api/v1/people/usr_x/enable"), ("GET", "/api/v1/sessions"),
    ("POST", "/api/v1/sessions/ses_x/end"), ("GET", "/api/v1/oidc"), ("PUT", "/api/v1/oidc"),
    ("DELETE", "/api/v1/oidc"), ("POST", "/api/v1/oidc/test"), ("GET", "/api/v1/saml"), ("PUT", "/api/v1/saml"),
    ("DELETE", "/api/v1/saml"), ("GET", "/api/v1/saml/metadata"), ("POST", "/api/v1/saml/test"),
]  # fmt: skip
PAGES = ("/console/-/people", "/console/-/directory")
FORMS = (
    "/console/-/directory", "/console/-/directory/test", "/console/-/directory/remove", "/console/-/directory/groups",
    "/console/-/directory/groups/grp_x/take", "/console/-/people/usr_x/disable", "/console/-/sessions/ses_x/end",
    "/console/-/oidc", "/console/-/oidc/test", "/console/-/oidc/remove",
    "/console/-/saml", "/console/-/saml/remove",
)  # fmt: skip


@dataclass
class Plant:
    """An appliance with a directory, and its browsers."""

    cast: Cast
    server: LdapServer

    def body(self, **other: Any) -> dict[str, Any]:
        settings = self.server.settings()
        named = {name: getattr(settings, name) for name in ("kind", "ca_pem", "bind_dn", "user_base", "group_base")}
        return {**named, "urls": list(settings.urls), "password": SEARCHER_PASSWORD, "user_filter": ""} | other

    def login(self, login: str, password: str = PASSWORD) -> tuple[int, FlaskClient]:
        browser = self.cast.app.test_client()
        return browser.post("/console/login", data={"login": login, "password": password}).status_code, browser


@pytest.fixture(scope="module")
def plant(cast: Cast, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    server = new_server(tmp_path_factory.mktemp("ldap"))
    found = Plant(cast, server)
    assert cast.appliance("PUT", DIRECTORY, found.body()).status_code == 200
    for name, place, role in (
        ("Supervisors", "main", "supervisor"), ("operators", "main", "operator"), ("operators", "other", "auditor"),
        ("ring-b", None, "plant-it"),
    ):  # fmt: skip
        cast.appliance.made(GROUPS, {"group": group(name), "workspace": place, "role": role})
    yield found
    server.stop()


def token_of(browser: FlaskClient, path: str = "/console/") -> str:
    found = re.search(r'name="token" value="([0-9a-f]{64})"', browser.get(path, follow_redirects=True).text)
    assert found
    return found[1]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_the_owner_of_a_workspace_says_nothing_about_who_may_come_in(cast: Cast, method: str, path: str) -> None:
    bodies = {"PUT": {"kind": "openldap"}, "POST": {}}
    for caller in (cast.owner, cast.plant_it, cast.stranger):
        response = caller.client.open(
            path, method=method, json=bodies.get(method), headers={"Authorization": f"Bearer {caller.token}"}
        )
        assert response.status_code in (403, 422), response.text


def test_the_directory_is_told_without_its_password(plant: Plant) -> None:
    shown = plant.cast.appliance("GET", DIRECTORY)
    assert shown.json["urls"] == [plant.server.ldaps]
    assert "password" not in shown.json
    assert SEARCHER_PASSWORD not in shown.text


def test_what_cannot_be_used_is_refused(plant: Plant) -> None:
    for change in ({"urls": ["ldap"]}, {"ca_pem": "x"}, {"kind": "novell"}, {"user_filter": "(uid=x)"}, {"urls": []}):
        assert plant.cast.appliance("PUT", DIRECTORY, plant.body(**change)).status_code == 422
    assert plant.cast.appliance("PUT", DIRECTORY, plant.body(password=None)).status_code == 200


def test_a_person_is_asked_about_with_and_without_password(plant: Plant) -> None:
    workspace = plant.cast.appliance.get("/api/v1/workspaces/main")["id"]
    found: Any = plant.cast.appliance("POST", f"{DIRECTORY}/test", {"login": "ann", "password": PASSWORD}).json
    assert (found["name"], found["password"], found["tls"]) == ("Ann Lee", "", "TLSv1.3")
    assert found["workspace_roles"] == {workspace: "supervisor"}
    assert found["groups"] == [group("shift-leads"), group("Supervisors")]
    wrong: Any = plant.cast.appliance("POST", f"{DIRECTORY}/test", {"login": "ann", "password": "no"}).json
    assert wrong["password"] == "invalidCredentials"
    nobody: Any = plant.cast.appliance("POST", f"{DIRECTORY}/test", {"login": "x"}).json
    assert (nobody["dn"], nobody["groups"], nobody["password"]) == (None, [], None)


def test_a_role_is_given_once_listed_and_taken_back(plant: Plant) -> None:
    body = {"group": "cn=visitors,dc=plant", "workspace": "other", "role": "auditor"}
    made = plant.cast.appliance.made(GROUPS, body)
    assert plant.cast.appliance("POST", GROUPS, body).status_code == 409
    assert made in plant.cast.appliance.get(GROUPS)["items"]
    assert plant.cast.appliance("POST", GROUPS, {**body, "workspace": "nowhere"}).status_code == 404
    assert plant.cast.appliance("POST", GROUPS, {**body, "workspace": None}).status_code == 422
    assert plant.cast.appliance("DELETE", f"{GROUPS}/{made['id']}").status_code == 204
    assert plant.cast.appliance("DELETE", f"{GROUPS}/{made['id']}").status_code == 404


def test_a_person_signs_in_and_has_their_role_in_each_workspace(plant: Plant) -> None:
    status, browser = plant.login("ben")
    assert status == 303
    home = browser.get("/console/").text
    assert "/console/main/" in home
    assert "/console/other/" in home
    assert "· operator" in browser.get("/console/main/").text
    assert "· auditor" in browser.get("/console/other/").text
    token = token_of(browser)
    act = "inspections/nothing/retry"
    assert browser.post(f"/console/main/{act}", data={"token": token}).status_code == 404
    assert browser.post(f"/console/other/{act}", data={"token": token}).status_code == 403
    assert browser.post("/console/main/live-ticket", data={"token": token}).status_code == 200
    for page in PAGES:
        assert browser.get(page).status_code == 403


def test_a_ticket_of_a_person_opens_the_workspaces_that_are_theirs(plant: Plant) -> None:
    from appliance.errors import Denied
    from appliance.identity.tickets import redeem_ticket

    _, browser = plant.login("ann")
    said: Any = browser.post("/console/main/live-ticket", data={"token": token_of(browser)}).json
    ticket = said["url"].partition("ticket=")[2]
    main, other = (plant.cast.appliance.get(f"/api/v1/workspaces/{slug}")["id"] for slug in ("main", "other"))
    with pytest.raises(Denied):
        redeem_ticket(plant.cast.site, other, ticket)
    assert redeem_ticket(plant.cast.site, main, ticket).role == "supervisor"


def test_a_wrong_password_a_stranger_and_somebody_without_a_role_stay_outside(plant: Plant) -> None:
    for login, password in (("ann", "wrong"), ("nobody", PASSWORD), ("eve", PASSWORD), ("ann", "")):
        status, browser = plant.login(login, password)
        assert status == 403
        assert browser.get_cookie("d2r-session", path="/console/") is None
        assert browser.get("/console/main/").status_code == 303


def test_a_directory_that_is_away_is_said_on_the_page(plant: Plant) -> None:
    plant.server.stop()
    try:
        status, browser = plant.login("ann")
        page = browser.post("/console/login", data={"login": "ann", "password": "x"}).text
    finally:
        plant.server.start()
    assert status == 503
    assert "does not answer" in page
    assert plant.login("ann")[0] == 303


def test_plant_it_sees_directory_and_people_and_changes_neither(plant: Plant) -> None:
    from tests.ldap_server import ODD_LOGIN

    status, browser = plant.login(ODD_LOGIN)
    assert status == 303
    for page in PAGES:
        shown = browser.get(page)
        assert shown.status_code == 200
        assert SEARCHER_PASSWORD not in shown.text
    token = token_of(browser)
    tried = browser.post("/console/-/directory/test", data={"token": token, "login": "ann"})
    assert "cn=p0,ou=people" in tried.text
    for form in FORMS:
        if not form.endswith("/test"):
            assert browser.post(form, data={"token": token}).status_code == 403
    assert browser.get("/console/main/").status_code == 404


@pytest.mark.parametrize("path", FORMS)
def test_a_form_of_the_appliance_needs_its_token_and_its_owner(plant: Plant, path: str) -> None:
    browser = plant.cast.app.test_client()
    assert browser.post(path).headers["Location"] == "/console/login"
    browser.post("/console/login", data={"key": plant.cast.owner.token})
    assert browser.post(path, data={"token": token_of(browser)}).status_code == 403
    browser.post("/console/login", data={"key": plant.cast.appliance.token})
    assert browser.post(path, data={"token": "0" * 64}).status_code == 403


def test_an_owner_ends_a_session_and_disables_a_person(plant: Plant) -> None:
    _, browser = plant.login("ben")
    person = next(one for one in plant.cast.appliance.get("/api/v1/people")["items"] if one["login"] == "ben")
    assert plant.cast.appliance.get(f"/api/v1/people/{person['id']}") == person
    sessions = [
        one for one in plant.cast.appliance.get("/api/v1/sessions")["items"] if one["principal_id"] == person["id"]
    ]
    for one in sessions:
        assert plant.cast.appliance("POST", f"/api/v1/sessions/{one['id']}/end").status_code == 204
    assert browser.get("/console/main/").status_code == 303
    _, browser = plant.login("ben")
    assert plant.cast.appliance("POST", f"/api/v1/people/{person['id']}/disable").json["disabled_at"]
    assert plant.cast.appliance("POST", f"/api/v1/people/{person['id']}/disable").status_code == 409
    assert browser.get("/console/main/").status_code == 303
    assert plant.login("ben")[0] == 403
    assert plant.cast.appliance("POST", f"/api/v1/people/{person['id']}/enable").json["disabled_at"] is None
    assert plant.login("ben")[0] == 303
    assert plant.cast.appliance("GET", "/api/v1/people/usr_nothing").status_code == 404
    assert plant.cast.appliance("POST", "/api/v1/sessions/ses_nothing/end").status_code == 404


def test_the_owner_sets_up_everything_on_the_page(plant: Plant) -> None:
    browser = plant.cast.app.test_client()
    browser.post("/console/login", data={"key": plant.cast.appliance.token})
    token = token_of(browser, "/console/-/directory")
    form = {**plant.body(), "urls": plant.server.start_tls, "token": token}
    refused = browser.post("/console/-/directory", data={**form, "ca_pem": "nonsense"})
    assert refused.status_code == 422
    assert plant.server.start_tls in refused.text  # the form stays filled
    assert SEARCHER_PASSWORD not in refused.text
    assert browser.post("/console/-/directory", data=form).status_code == 303
    shown = browser.post("/console/-/directory/test", data={"token": token, "login": "ann", "password": PASSWORD}).text
    assert "right" in shown
    given = {"token": token, "group": "cn=guests,dc=plant", "workspace": "-", "role": "plant-it"}
    assert browser.post("/console/-/directory/groups", data=given).status_code == 303
    page = browser.get("/console/-/directory").text
    found = re.search(r'groups/(grp_\w+)/take"[^>]*>(?:(?!</tr>).)*guests', page, re.DOTALL)
    assert found
    taken = browser.post(f"/console/-/directory/groups/{found[1]}/take", data={"token": token})
    assert taken.status_code == 303
    assert "guests" not in browser.get("/console/-/directory").text
    assert browser.post("/console/-/directory", data={**form, "urls": plant.server.ldaps}).status_code == 303


def test_no_line_of_a_log_holds_a_password(plant: Plant, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        plant.login("ann")
        plant.login("ann", "a-wrong-password")
        plant.cast.appliance("POST", f"{DIRECTORY}/test", {"login": "ann", "password": PASSWORD})
    assert caplog.text
    assert not [word for word in (PASSWORD, "a-wrong-password", SEARCHER_PASSWORD) if word in caplog.text]
