"""Forms and cookies of the console: only pages of ours send forms, and no cookie goes further than it must."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from appliance.config.settings import load_settings
from appliance.core.clock import utc_now
from appliance.identity import sessions
from appliance.identity.api_keys import create_api_key
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site
from tests.web.conftest import Cast
from tests.web.test_console import FORMS, signed_in
from tests.web.test_directory import FORMS as ACCOUNT_FORMS
from web.app import create_app
from web.console.own_form import FORM_BYTES

#: Every form of the console, that of signing out too; what nobody is signed in for is the sign-in itself.
ALL_FORMS = (
    *FORMS, "/console/main/inspections/nothing/replay", "/console/logout", *ACCOUNT_FORMS, "/console/-/confirm",
    "/console/-/people/usr_x/reset", "/console/-/invitations", "/console/-/invitations/inv_x/withdraw",
    "/console/-/me/password", "/console/-/me/second-factor", "/console/-/me/second-factor/confirm",
    "/console/-/me/second-factor/remove", "/console/-/me/sessions/ses_x/end", "/console/login/code",
    "/console/invitation", "/console/main/keys", "/console/main/keys/key_x/rotate",
    "/console/main/personal-tokens/pat_x/end", "/console/-/me/tokens", "/console/-/me/tokens/pat_x/end",
    "/console/-/me/grants/tgr_x/end", "/console/-/me/access-token", "/console/main/alert-rules",
    "/console/main/alert-channels",
    "/console/main/alert-channels/chn_x/remove", "/console/main/device-codes",
    "/console/main/device-codes/cod_x/withdraw", "/console/main/devices/dev_x/revoke",
    "/console/main/devices/dev_x/keys/dky_x/revoke", "/console/main/suspicions/sus_x/lift",
)  # fmt: skip
#: The sign-in itself, and what a provider has browsers send: the one form of another site, believed by its signature.
OTHERS = ("console.login", "console.saml_response")
PUBLIC_URL = "https://d2r.plant.example"


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FlaskClient, str]]:
    """A browser before an appliance that users reach over TLS, and an owner's key."""
    settings = load_settings(tmp_path_factory.mktemp("secure") / "appliance", {"D2R_PUBLIC_URL": PUBLIC_URL})
    with Site.open(settings, create=True) as site:
        site.create_workspace("main", "Main", SYSTEM)
        token = create_api_key(site, "main", "owner", "owner", SYSTEM)[1]
        yield create_app(site=site).test_client(), token


def test_every_form_of_the_console_is_among_those_that_are_tried(cast: Cast) -> None:
    rules = [rule for rule in cast.app.url_map.iter_rules() if "POST" in (rule.methods or ())]
    rules = [rule for rule in rules if rule.endpoint.startswith("console.") and rule.endpoint not in OTHERS]
    assert len(rules) >= 4
    for rule in rules:
        pattern = re.compile(re.sub(r"<[^>]+>", "[^/]+", rule.rule))
        assert any(pattern.fullmatch(form) for form in ALL_FORMS), rule.rule


@pytest.mark.parametrize("form", ALL_FORMS)
@pytest.mark.parametrize("token", [None, "", "0" * 64, "another session's"])
def test_a_form_without_the_token_of_its_session_is_refused(cast: Cast, form: str, token: str | None) -> None:
    browser, _ = signed_in(cast, cast.supervisor)
    if token == "another session's":
        token = signed_in(cast, cast.supervisor)[1]
    data = {"reason": "x"} if token is None else {"token": token, "reason": "x"}
    response = browser.post(form, data=data)
    assert response.status_code == 403
    assert browser.get("/console/main/").status_code == 200, "the session has ended"


@pytest.mark.parametrize("form", [*ALL_FORMS, "/console/login"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://elsewhere.example"},
        {"Origin": "http://localhost:81"}, {"Origin": "null"}, {"Origin": "http://localhost.elsewhere.example"},
    ],
    ids=str,
)  # fmt: skip
def test_a_form_of_another_site_is_refused_whatever_it_knows(cast: Cast, form: str, headers: dict[str, str]) -> None:
    browser, token = signed_in(cast, cast.supervisor)
    response = browser.post(form, data={"token": token, "key": cast.owner.token, "reason": "x"}, headers=headers)
    assert response.status_code == 403
    assert "Set-Cookie" not in response.headers


def test_a_page_of_ours_may_name_itself(cast: Cast) -> None:
    browser, token = signed_in(cast, cast.supervisor)
    assert browser.get("/console/main/").headers["Referrer-Policy"] == "same-origin"
    answer = browser.post("/console/logout", data={"token": token}, headers={"Origin": "http://localhost"})
    assert answer.status_code == 303


@pytest.mark.parametrize(
    ("status", "how"),
    [
        (413, {"data": {"key": "a" * FORM_BYTES}}),
        (413, {"data": b"key=a", "headers": {"Transfer-Encoding": "chunked"}}),
        (413, {"data": b"key=a", "headers": {"Expect": "100-continue"}}),
        (415, {"json": {"key": "a"}}),
        (415, {"data": {"key": "a"}, "content_type": "multipart/form-data"}),
    ],
)
def test_what_is_no_short_form_is_not_read(cast: Cast, status: int, how: dict[str, object]) -> None:
    assert cast.app.test_client().post("/console/login", **how).status_code == status


def test_a_session_that_an_attacker_began_is_not_the_one_that_is_signed_in(cast: Cast) -> None:
    browser, _ = signed_in(cast, cast.operator)
    before = browser.get_cookie("d2r-session", path="/console/")
    browser.post("/console/login", data={"key": cast.supervisor.token})
    after = browser.get_cookie("d2r-session", path="/console/")
    assert before
    assert after
    assert before.value != after.value


@pytest.mark.parametrize("path", ["/console/login?next=https://elsewhere.example", "//elsewhere.example/console/"])
def test_nothing_that_a_request_says_decides_where_it_leads(cast: Cast, path: str) -> None:
    response = cast.app.test_client().post(path, data={"key": cast.owner.token})
    assert response.headers.get("Location", "/console/") == "/console/"
    front = cast.app.test_client().get("/", headers={"Host": "elsewhere.example", "X-Forwarded-Host": "elsewhere"})
    assert front.headers["Location"] == "/console/"


def test_over_tls_the_cookie_is_bound_to_the_host_and_browsers_are_told_to_stay(
    secure: tuple[FlaskClient, str],
) -> None:
    browser, token = secure
    response = browser.post("/console/login", data={"key": token}, base_url=PUBLIC_URL)
    said = response.headers["Set-Cookie"].split("; ")
    assert said[0].startswith("__Host-d2r-session=")
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= set(said)
    assert not any(part.startswith("Domain") for part in said)
    assert browser.get("/console/main/", base_url=PUBLIC_URL).status_code == 200
    for path in ("/console/main/", "/healthz", "/nothing", "/console/static/live.js", "/api/v1/workspaces/main/parts"):
        assert browser.get(path, base_url=PUBLIC_URL).headers["Strict-Transport-Security"].startswith("max-age=31536")


def test_without_tls_nothing_claims_it(cast: Cast) -> None:
    response = cast.app.test_client().post("/console/login", data={"key": cast.operator.token})
    assert "Secure" not in response.headers["Set-Cookie"]
    assert "Strict-Transport-Security" not in response.headers


def test_a_session_ends_after_an_hour_of_silence(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, _ = signed_in(cast, cast.operator)
    began = utc_now()
    monkeypatch.setattr(sessions, "utc_now", lambda: began + timedelta(minutes=59))
    assert browser.get("/console/main/").status_code == 200
    monkeypatch.setattr(sessions, "utc_now", lambda: began + timedelta(minutes=59 + 61))
    assert browser.get("/console/main/").status_code == 303


def test_a_cookie_opens_no_route_of_the_api(cast: Cast) -> None:
    browser, token = signed_in(cast, cast.owner)
    for method in ("GET", "POST"):
        response = browser.open("/api/v1/workspaces/main/parts", method=method, headers={"X-Form-Token": token})
        assert response.status_code == 401
