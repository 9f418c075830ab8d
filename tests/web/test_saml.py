"""SAML over HTTP, with a real provider: set by the owner, a button at the door, and a browser that goes and comes."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.identity.saml.own import BACK, CONSUMER, LOGOUT, METADATA
from appliance.identity.saml.provider import known_of
from tests.saml_server import SamlServer, new_provider
from tests.web.conftest import Cast
from tests.web.test_directory import token_of

SAML = "/api/v1/saml"
AWAY = "/console/login/saml"


@pytest.fixture(scope="module")
def provider(cast: Cast, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SamlServer]:
    server = new_provider(tmp_path_factory.mktemp("saml"))
    assert cast.appliance("PUT", SAML, body_of(server)).status_code == 200
    server.knows(cast.app.test_client().get(METADATA).text)
    given = {"source": "saml", "group": "leads", "workspace": "main", "role": "supervisor"}
    cast.appliance.made("/api/v1/directory/groups", given)
    yield server
    server.stop()


def body_of(server: SamlServer, **other: Any) -> dict[str, Any]:
    return {"metadata_xml": server.metadata(), "label": "Plant SAML", **other}


@pytest.fixture
def there() -> requests.Session:
    """What a browser holds of the provider."""
    return requests.Session()


def went(
    cast: Cast, server: SamlServer, who: str, there: requests.Session | None = None, how: str = ""
) -> tuple[TestResponse, FlaskClient, float]:
    """A browser that went to the provider and came back; and how long we took beyond the provider."""
    browser = cast.app.test_client()
    began = time.perf_counter()
    away = browser.get(AWAY + how)
    ours = time.perf_counter() - began
    assert away.status_code == 303, away.text
    form = server.visit(away.headers["Location"], who, there)
    began = time.perf_counter()
    answer = came(browser, form)
    return answer, browser, ours + time.perf_counter() - began


def came(browser: FlaskClient, form: dict[str, str]) -> TestResponse:
    """What the browser sees in the end that the provider has send a form; no cookie of ours comes along with it."""
    arrived = browser.application.test_client().post(CONSUMER, data=form, headers={"Sec-Fetch-Site": "cross-site"})
    if arrived.status_code != 303:
        return arrived
    assert arrived.headers["Location"] == BACK
    return browser.get(BACK)


def test_the_door_has_a_button_and_somebody_comes_in_by_it(cast: Cast, provider: SamlServer) -> None:
    door = cast.app.test_client().get("/console/login").text
    assert f'<a class="button" href="{AWAY}">Plant SAML</a>' in door
    response, browser, seconds = went(cast, provider, "ann")
    assert response.status_code == 200, response.text
    assert '<meta http-equiv="refresh" content="0; url=/console/">' in response.text
    cookie = next(line for line in response.headers.getlist("Set-Cookie") if line.startswith("d2r-session="))
    assert {"HttpOnly", "SameSite=Strict"} <= set(cookie.split("; "))
    assert "Ann Lee · supervisor" in browser.get("/console/main/").text
    assert seconds < 1.0  # the bar: beyond the provider's own time


def test_sealed_assertions_of_the_provider_are_opened(cast: Cast, provider: SamlServer) -> None:
    provider.configure(is_sealed=True)
    try:
        assert went(cast, provider, "ann")[0].status_code == 200
    finally:
        provider.configure()


@pytest.mark.parametrize(("who", "said"), [("eve", "no role"), ("ben", "no role")])
def test_who_has_no_role_stays_outside(cast: Cast, provider: SamlServer, who: str, said: str) -> None:
    response, browser, _ = went(cast, provider, who)
    assert response.status_code == 403
    assert said in response.text
    assert browser.get("/console/main/").status_code == 303


def test_what_is_held_meanwhile_opens_nothing_and_comes_along_from_elsewhere(cast: Cast, provider: SamlServer) -> None:
    browser = cast.app.test_client()
    away = browser.get(AWAY)
    cookie = away.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/console/login"} <= set(cookie.split("; "))
    form = provider.visit(away.headers["Location"], "ann")
    assert came(cast.app.test_client(), form).status_code == 403  # another browser: it arrives, and opens nothing
    assert browser.get(BACK).status_code == 200
    assert came(browser, form).status_code == 403  # twice


def test_what_matters_most_has_the_provider_ask_for_the_password_again(
    cast: Cast, provider: SamlServer, there: requests.Session
) -> None:
    _, browser, _ = went(cast, provider, "ann", there)
    act = "/console/main/quarantine/nothing/retry"
    confirm = browser.post(act, data={"token": token_of(browser, "/console/main/")}).headers["Location"]
    again = re.search(f'href="({re.escape(AWAY)}[^"]+)"', browser.get(confirm).text)
    assert again
    time.sleep(1.1)  # the provider knows whole seconds: a form that it had not shown again would be older
    form = provider.visit(browser.get(again[1].replace("&amp;", "&")).headers["Location"], "ann", there)
    answer = came(browser, form)
    assert 'url=/console/main/quarantine"' in answer.text  # back to where the password was missing
    assert browser.post(act, data={"token": token_of(browser, "/console/main/")}).status_code == 404
    me = browser.get("/console/-/me").text
    assert "saml+password" in me
    assert "Second factor" not in me


def test_signing_out_here_signs_out_there(cast: Cast, provider: SamlServer, there: requests.Session) -> None:
    _, browser, _ = went(cast, provider, "ann", there)
    page = browser.post("/console/logout", data={"token": token_of(browser, "/console/main/")})
    assert browser.get("/console/main/").status_code == 303  # it ended before anything was asked of the provider
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', page.text)
    assert found
    address = found[1].replace("&amp;", "&")
    back = provider.leaves(address, there, cast.site.settings.effective_public_url + LOGOUT)
    done = browser.get(back.removeprefix(cast.site.settings.effective_public_url))
    assert "here and at the provider" in done.text
    assert browser.get(back.removeprefix(cast.site.settings.effective_public_url)).status_code == 403  # once
    assert 'name="username"' in there.get(browser.get(AWAY).headers["Location"], timeout=10).text


def test_signing_out_there_signs_out_here(cast: Cast, provider: SamlServer, there: requests.Session) -> None:
    _, browser, _ = went(cast, provider, "ann", there)
    _, other, _ = went(cast, provider, "ann")
    start = f"{provider.base}saml2/idp/SingleLogoutService.php?ReturnTo={provider.base}"
    asked = provider.leaves(start, there, cast.site.settings.effective_public_url + LOGOUT)
    assert "SAMLRequest=" in asked
    answer = browser.get(asked.removeprefix(cast.site.settings.effective_public_url))
    assert answer.status_code == 303
    assert browser.get("/console/main/").status_code == 303
    assert other.get("/console/main/").status_code == 200, "another session of the same person goes on"
    assert provider.leaves(answer.headers["Location"], there, provider.base).startswith(provider.base)
    again = browser.get(asked.removeprefix(cast.site.settings.effective_public_url))
    assert again.status_code == 403


def test_a_key_that_the_provider_changed_is_told_to_the_owner(
    cast: Cast, provider: SamlServer, caplog: pytest.LogCaptureFixture
) -> None:
    before = provider.identity
    provider.new_key()
    try:
        assert went(cast, provider, "ann")[0].status_code == 403
        assert "not in the provider&#39;s metadata" in caplog.text or "not in the provider's metadata" in caplog.text
        assert cast.appliance("PUT", SAML, body_of(provider)).status_code == 200
        assert went(cast, provider, "ann")[0].status_code == 200
    finally:
        provider.identity = before
        provider.configure()
        cast.appliance("PUT", SAML, body_of(provider))


def test_nothing_of_what_comes_back_is_noted(
    cast: Cast, provider: SamlServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG", logger="d2r"), caplog.at_level("DEBUG", logger="appliance"):
        browser = cast.app.test_client()
        form = provider.visit(browser.get(AWAY).headers["Location"], "ann")
        came(browser, form)
    said = [line for line in caplog.records if not line.name.startswith("urllib3")]
    text = " ".join(f"{line.getMessage()} {getattr(line, 'fields', '')}" for line in said)
    assert CONSUMER in text
    assert form["SAMLResponse"][:100] not in text
    assert "ann" not in re.findall(r"\w+", text)


def test_what_arrives_is_a_short_form(cast: Cast, provider: SamlServer) -> None:
    browser = cast.app.test_client()
    assert browser.post(CONSUMER, data={"SAMLResponse": "A" * (500 << 10)}).status_code == 413
    assert browser.post(CONSUMER, json={}).status_code == 415
    assert browser.post(CONSUMER).status_code == 403
    assert browser.post(CONSUMER, data={"SAMLResponse": "nonsense"}).status_code == 403
    assert browser.get(LOGOUT).status_code == 403
    assert browser.get(f"{LOGOUT}?SAMLRequest=x&SigAlg=y&Signature=z").status_code == 403
    assert browser.get(BACK).status_code == 403


def test_the_owner_sets_it_up_on_the_page_and_tries_it(cast: Cast, provider: SamlServer) -> None:
    browser = cast.app.test_client()
    browser.post("/console/login", data={"key": cast.appliance.token})
    token = token_of(browser, "/console/-/directory")
    named = {"groups_attribute": "groups", "login_attribute": "uid", "name_attribute": "displayName"}
    told = {"metadata": provider.metadata(), "label": "On the page", "id_attribute": "uid"}
    form = {"token": token, **told, **named}
    assert browser.post("/console/-/saml", data={**form, "metadata": "<a/>"}).status_code == 422
    assert browser.post("/console/-/saml", data=form).status_code == 303
    page = browser.get("/console/-/directory").text
    assert provider.entity_id in page
    known = known_of(cast.site)
    assert known
    assert known.provider.facts()[0].sha256 in page
    away = browser.get(f"{AWAY}?test=1").headers["Location"]
    tried = came(browser, provider.visit(away, "ann")).text
    assert "supervisor in main" in tried
    assert f"{provider.entity_id}#ann" in tried
    assert browser.get("/console/-/directory").status_code == 200, "the owner is still who they were"
    assert cast.app.test_client().get(f"{AWAY}?test=1").status_code == 403
    given = {"token": token, "source": "saml", "group": "crew", "workspace": "main", "role": "operator"}
    assert browser.post("/console/-/directory/groups", data=given).status_code == 303
    found = cast.appliance.get("/api/v1/directory/groups")["items"]
    assert [row["source"] for row in found if row["group"] == "crew"] == ["saml"]
    assert went(cast, provider, "ben")[0].status_code == 200
    assert browser.post("/console/-/saml/remove", data={"token": token}).status_code == 303
    assert cast.appliance("GET", SAML).status_code == 404
    assert cast.app.test_client().get(AWAY).status_code == 404
    assert cast.app.test_client().get(METADATA).status_code == 404
    assert cast.appliance("DELETE", SAML).status_code == 404
    assert cast.appliance("PUT", SAML, body_of(provider)).status_code == 200


def test_the_provider_is_told_without_our_key(cast: Cast, provider: SamlServer) -> None:
    shown = cast.appliance("GET", SAML)
    assert shown.json["issuer"] == provider.entity_id
    assert shown.json["consumer_url"] == cast.site.settings.effective_public_url + CONSUMER
    assert len(shown.json["certificates"]) == 1
    assert "PRIVATE" not in shown.text
    assert "EntityDescriptor" in cast.appliance.get(f"{SAML}/metadata")["metadata_xml"]
    for change in ({"metadata_xml": "<a/>"}, {"metadata_xml": ""}, {"label": " "}, {"groups_attribute": "a\nb"}):
        assert cast.appliance("PUT", SAML, body_of(provider, **change)).status_code == 422
