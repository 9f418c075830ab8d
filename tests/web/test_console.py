"""The console over HTTP: cookies, forms, roles; what a browser enforces is tested in one (tests/system)."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from appliance import __version__
from appliance.identity.api_keys import create_api_key, revoke_api_key
from appliance.tenancy.records import SYSTEM
from tests.web.conftest import Caller, Cast

#: Pages of a workspace, and what changes something there.
PAGES = (
    "/console/main/",
    "/console/main/quarantine",
    "/console/main/alerts",
    "/console/main/alert-rules",
    "/console/main/devices",
    "/console/main/devices/nothing",
    "/console/main/assets/nothing",
    "/console/main/assets/nothing/twin",
    "/console/main/assets/nothing/changes",
    "/console/main/changes/nothing",
    "/console/main/changes/nothing/top.png",
    "/console/main/changes/nothing/change.laz",
    "/console/main/trends",
    "/console/main/assets/nothing/trends/nothing",
    "/console/main/twin-versions/nothing/change.png",
    "/console/main/inspections/nothing",
)
FORMS = (
    "/console/main/live-ticket", "/console/main/inspections/nothing/cancel", "/console/main/inspections/nothing/retry",
    "/console/main/quarantine/nothing/retry", "/console/main/quarantine/nothing/discard",
    "/console/main/alerts/nothing/acknowledge", "/console/main/assets/nothing/changes",
    "/console/main/changes/nothing/retry",
)  # fmt: skip


def signed_in(cast: Cast, caller: Caller) -> tuple[FlaskClient, str]:
    """A browser with a session, and the token of its forms."""
    browser = cast.app.test_client()
    response = browser.post("/console/login", data={"key": caller.token})
    assert response.status_code == 303, response.text
    page = browser.get("/console/", follow_redirects=True).text
    found = re.search(r'name="token" value="([0-9a-f]{64})"', page)
    assert found
    return browser, found[1]


def test_the_cookie_is_for_this_site_and_hidden_from_scripts(cast: Cast) -> None:
    response = cast.app.test_client().post("/console/login", data={"key": cast.operator.token})
    cookie = response.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/console/"} <= set(cookie.split("; "))
    assert str(cast.operator.token) not in cookie
    assert str(cast.operator.token).rpartition("_")[2] not in cookie


@pytest.mark.parametrize("key", ["", "nonsense", "d2r_abcdefgh_" + "a" * 52])
def test_a_wrong_key_opens_nothing(cast: Cast, key: str) -> None:
    response = cast.app.test_client().post("/console/login", data={"key": key})
    assert response.status_code == 403
    assert "Set-Cookie" not in response.headers


def test_the_door_tells_strangers_no_version(cast: Cast) -> None:
    assert __version__ not in cast.app.test_client().get("/console/login").text
    assert __version__ in signed_in(cast, cast.operator)[0].get("/console/main/").text


def test_devices_have_nothing_to_see(cast: Cast) -> None:
    assert cast.app.test_client().post("/console/login", data={"key": cast.device.token}).status_code == 403


@pytest.mark.parametrize("path", PAGES)
def test_nobody_is_led_to_the_door(cast: Cast, path: str) -> None:
    response = cast.app.test_client().get(path)
    assert (response.status_code, response.headers["Location"]) == (303, "/console/login")


@pytest.mark.parametrize("path", PAGES)
def test_a_stranger_sees_another_workspace_as_absent(cast: Cast, path: str) -> None:
    browser, _ = signed_in(cast, cast.stranger)
    assert browser.get(path).status_code == 404


@pytest.mark.parametrize("path", ["main/nothing", "main/assets/x/y/z", "nothing/at/all"])
def test_what_is_no_page_says_so_on_one(cast: Cast, path: str) -> None:
    client, _ = signed_in(cast, cast.owner)
    response = client.get(f"/console/{path}")
    assert (response.status_code, response.mimetype) == (404, "text/html")
    assert "There is nothing here." in response.text
    stranger = cast.app.test_client().get(f"/console/{path}")
    assert (stranger.status_code, stranger.mimetype) == (404, "text/html")


def test_a_forged_or_foreign_cookie_opens_nothing(cast: Cast) -> None:
    browser, _ = signed_in(cast, cast.operator)
    cookie = browser.get_cookie("d2r-session", path="/console/")
    assert cookie
    for forged in (f"{cookie.value[:-1]}!", cookie.value[:-1], cookie.value + "A", "x", "", "y" * 4_000):
        browser.set_cookie("d2r-session", forged, path="/console/")
        assert browser.get("/console/main/").status_code == 303
    browser.set_cookie("d2r-session", cookie.value, path="/console/")
    assert browser.get("/console/main/").status_code == 200


def test_a_cookie_that_was_copied_ends_with_the_session(cast: Cast) -> None:
    browser, token = signed_in(cast, cast.operator)
    cookie = browser.get_cookie("d2r-session", path="/console/")
    assert cookie
    thief = cast.app.test_client()
    thief.set_cookie("d2r-session", cookie.value, path="/console/")
    assert thief.get("/console/main/").status_code == 200
    assert browser.post("/console/logout", data={"token": token}).status_code == 303
    assert thief.get("/console/main/").status_code == 303


def test_who_signs_in_again_ends_the_session_before(cast: Cast) -> None:
    browser, _ = signed_in(cast, cast.operator)
    former = browser.get_cookie("d2r-session", path="/console/")
    assert former
    browser.post("/console/login", data={"key": cast.supervisor.token})
    thief = cast.app.test_client()
    thief.set_cookie("d2r-session", former.value, path="/console/")
    assert thief.get("/console/main/").status_code == 303


def test_a_session_ends_with_its_key_and_when_signed_out(cast: Cast) -> None:
    row, token = create_api_key(cast.site, "main", "operator", "gone", SYSTEM)
    browser, _ = signed_in(cast, Caller(cast.owner.client, cast.owner.document, token))
    assert browser.get("/console/main/").status_code == 200
    revoke_api_key(cast.site, row.id, SYSTEM)
    assert browser.get("/console/main/").status_code == 303
    browser, form = signed_in(cast, cast.operator)
    assert browser.post("/console/logout", data={"token": form}).status_code == 303
    assert browser.get("/console/main/").status_code == 303


@pytest.mark.parametrize("path", FORMS)
def test_a_form_without_its_token_or_from_elsewhere_is_refused(cast: Cast, path: str) -> None:
    browser, token = signed_in(cast, cast.supervisor)
    assert browser.post(path, data={"reason": "x"}).status_code == 403
    _, other = signed_in(cast, cast.supervisor)
    assert browser.post(path, data={"token": other, "reason": "x"}).status_code == 403
    foreign = browser.post(path, data={"token": token}, headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403
    assert browser.post(path, data={"token": token, "reason": "x"}).status_code in (200, 404)


def test_an_operator_decides_nothing_about_quarantine(cast: Cast) -> None:
    browser, token = signed_in(cast, cast.operator)
    for act in ("retry", "discard"):
        response = browser.post(f"/console/main/quarantine/nothing/{act}", data={"token": token, "reason": "x"})
        assert response.status_code == 403


def test_pages_load_nothing_from_elsewhere(cast: Cast) -> None:
    browser, _ = signed_in(cast, cast.owner)
    response = browser.get("/console/main/")
    assert re.findall(r'(?:src|href)="(?!/)([^"#?][^"]*)"', response.text) == []
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "connect-src 'self' ws://localhost:8471;" in policy
    for name in ("console.css", "live.js", "mark.svg"):
        assert browser.get(f"/console/static/{name}").status_code == 200
    assert browser.get("/console/static/../app.py").status_code == 404
