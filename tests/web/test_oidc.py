"""OpenID Connect over HTTP: set by the owner, a button at the door, and a browser that comes back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.identity.oidc.sign_on import CALLBACK
from tests.oidc_server import SECRET, OidcServer, new_provider
from tests.web.conftest import Cast
from tests.web.test_directory import token_of

OIDC = "/api/v1/oidc"


@pytest.fixture(scope="module")
def provider(cast: Cast, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcServer]:
    server = new_provider(tmp_path_factory.mktemp("oidc"), cast.site.settings.effective_public_url + CALLBACK)
    assert cast.appliance("PUT", OIDC, body_of(server)).status_code == 200
    given = {"source": "oidc", "group": "leads", "workspace": "main", "role": "supervisor"}
    cast.appliance.made("/api/v1/directory/groups", given)
    yield server
    server.stop()


def body_of(server: OidcServer, **other: str) -> dict[str, str]:
    told = {"issuer": server.issuer, "client_id": "d2r", "client_secret": SECRET, "label": "Plant SSO"}
    return told | other


def went(cast: Cast, server: OidcServer, who: str) -> tuple[TestResponse, FlaskClient, float]:
    """A browser that went to the provider and came back; and how long we took beyond the provider."""
    browser = cast.app.test_client()
    began = time.perf_counter()
    away = browser.get("/console/login/oidc")
    ours = time.perf_counter() - began
    assert away.status_code == 303, away.text
    query = server.visit(away.headers["Location"], who)
    began = time.perf_counter()
    return browser.get(CALLBACK, query_string=query), browser, ours + time.perf_counter() - began


def test_the_provider_is_told_without_its_secret(cast: Cast, provider: OidcServer) -> None:
    shown = cast.appliance("GET", OIDC)
    assert shown.json["redirect_uri"] == cast.site.settings.effective_public_url + CALLBACK
    assert SECRET not in shown.text
    assert cast.appliance("POST", f"{OIDC}/test").json["issuer"] == provider.issuer
    for change in ({"issuer": "http://sso.plant"}, {"issuer": "x"}, {"ca_pem": "x"}, {"label": " "}):
        assert cast.appliance("PUT", OIDC, body_of(provider, **change)).status_code == 422


def test_the_door_has_a_button_and_somebody_comes_in_by_it(cast: Cast, provider: OidcServer) -> None:
    door = cast.app.test_client().get("/console/login").text
    assert '<a class="button" href="/console/login/oidc">Plant SSO</a>' in door
    response, browser, seconds = went(cast, provider, "u-ann")
    assert response.status_code == 200
    assert '<meta http-equiv="refresh" content="0; url=/console/">' in response.text
    cookie = next(line for line in response.headers.getlist("Set-Cookie") if line.startswith("d2r-session="))
    assert {"HttpOnly", "SameSite=Strict"} <= set(cookie.split("; "))
    assert "Ann Lee · supervisor" in browser.get("/console/main/").text
    assert seconds < 1.0  # the bar: beyond the provider's own time


def test_what_matters_most_has_the_provider_ask_for_the_password_again(cast: Cast, provider: OidcServer) -> None:
    _, browser, _ = went(cast, provider, "u-ann")
    token = token_of(browser, "/console/main/")
    act = "/console/main/quarantine/nothing/retry"
    confirm = browser.post(act, data={"token": token}).headers["Location"]
    assert confirm.startswith("/console/-/confirm")  # it is not known when the password was shown
    assert 'href="/console/login/oidc?again=1"' in browser.get(confirm).text
    query = provider.visit(browser.get("/console/login/oidc?again=1").headers["Location"], "u-ann")
    assert browser.get(CALLBACK, query_string=query).status_code == 200
    assert browser.post(act, data={"token": token_of(browser, "/console/main/")}).status_code == 404
    me = browser.get("/console/-/me").text
    assert "oidc+password" in me
    assert "Second factor" not in me
    token = token_of(browser, "/console/-/me")
    assert browser.post("/console/-/me/second-factor", data={"token": token}).status_code == 403


def test_what_is_held_meanwhile_opens_nothing_and_comes_along_from_elsewhere(cast: Cast, provider: OidcServer) -> None:
    browser = cast.app.test_client()
    response = browser.get("/console/login/oidc")
    cookie = response.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/console/login"} <= set(cookie.split("; "))
    assert browser.get("/console/main/").status_code == 303
    other = cast.app.test_client()
    query = provider.visit(response.headers["Location"], "u-ann")
    assert other.get(CALLBACK, query_string=query).status_code == 403
    assert other.get("/console/main/").status_code == 303


@pytest.mark.parametrize("who", ["u-eve", "u-nobody"])
def test_who_has_no_role_or_is_refused_there_stays_outside(cast: Cast, provider: OidcServer, who: str) -> None:
    response, browser, _ = went(cast, provider, who)
    assert response.status_code == 403
    assert 'role="alert"' in response.text
    assert browser.get("/console/main/").status_code == 303


def test_nothing_of_what_comes_back_is_noted(
    cast: Cast, provider: OidcServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG", logger="d2r"), caplog.at_level("DEBUG", logger="appliance"):
        browser = cast.app.test_client()
        query: Any = provider.visit(browser.get("/console/login/oidc").headers["Location"], "u-ann")
        browser.get(CALLBACK, query_string=query)
    said = [line for line in caplog.records if not line.name.startswith("urllib3")]
    text = " ".join(f"{line.getMessage()} {getattr(line, 'fields', '')}" for line in said)
    assert CALLBACK in text
    assert not [word for word in (query["code"], query["state"], SECRET) if word in text]


def test_a_provider_that_is_down_is_said_at_the_door(cast: Cast, provider: OidcServer) -> None:
    cast.appliance("PUT", OIDC, body_of(provider, label="Anew"))
    provider.stop()
    try:
        response = cast.app.test_client().get("/console/login/oidc")
    finally:
        provider.start()
    assert response.status_code == 503
    assert "does not answer" in response.text


def test_the_owner_sets_it_up_on_the_page(cast: Cast, provider: OidcServer) -> None:
    browser = cast.app.test_client()
    browser.post("/console/login", data={"key": cast.appliance.token})
    token = token_of(browser, "/console/-/directory")
    claims = {"groups_claim": "groups", "login_claim": "preferred_username", "name_claim": "name", "ca_pem": ""}
    form = {"token": token, **body_of(provider, label="On the page"), **claims}
    assert browser.post("/console/-/oidc", data={**form, "issuer": "http://sso.plant"}).status_code == 422
    assert browser.post("/console/-/oidc", data=form).status_code == 303
    page = browser.post("/console/-/oidc/test", data={"token": token}).text
    assert f"{provider.issuer}/token" in page
    assert SECRET not in page
    given = {"token": token, "source": "oidc", "group": "crew", "workspace": "main", "role": "operator"}
    assert browser.post("/console/-/directory/groups", data=given).status_code == 303
    found = cast.appliance.get("/api/v1/directory/groups")["items"]
    assert [row["source"] for row in found if row["group"] == "crew"] == ["oidc"]
    assert browser.post("/console/-/oidc/remove", data={"token": token}).status_code == 303
    assert cast.appliance("GET", OIDC).status_code == 404
    assert cast.appliance("DELETE", OIDC).status_code == 404
    assert cast.appliance("PUT", OIDC, body_of(provider)).status_code == 200
