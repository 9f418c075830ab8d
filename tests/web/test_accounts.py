"""Local accounts over HTTP: links, codes, passwords that are asked again; the envelope."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from pyotp import TOTP

from appliance.core.clock import rfc3339_us, utc_now
from appliance.identity import login, second_factor
from appliance.identity.local.break_glass import LOGIN, seal_break_glass
from appliance.identity.models import SessionRow
from appliance.tenancy.records import SYSTEM
from tests.web.conftest import Cast
from tests.web.test_directory import token_of

INVITATIONS = "/api/v1/invitations"
PASSWORD = "seven grey herons wait"
#: Routes of the appliance's owner alone.
ROUTES = [
    ("POST", INVITATIONS), ("GET", INVITATIONS), ("POST", f"{INVITATIONS}/inv_x/withdraw"),
    ("POST", "/api/v1/people/usr_x/reset"), ("POST", "/api/v1/people/usr_x/roles"),
    ("POST", "/api/v1/people/usr_x/remove-second-factor"), ("POST", "/api/v1/logins/unlock"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "REFUSED_AFTER_S", 0.0)


def invited(cast: Cast, name: str, **roles: Any) -> Any:
    body = {"login": name, "name": name.title(), "workspace_roles": {"main": "operator"}, **roles}
    return cast.appliance.made(INVITATIONS, body)


def entered(cast: Cast, name: str, **roles: Any) -> FlaskClient:
    """A browser that came through its invitation."""
    token = invited(cast, name, **roles)["link"].partition("token=")[2]
    browser = cast.app.test_client()
    assert "password" in browser.get(f"/console/invitation?token={token}").text
    form = {"token": token, "password": PASSWORD, "again": PASSWORD}
    assert browser.post("/console/invitation", data=form).status_code == 303
    return browser


def signed_in(cast: Cast, name: str, password: str = PASSWORD) -> tuple[Any, FlaskClient]:
    browser = cast.app.test_client()
    return browser.post("/console/login", data={"login": name, "password": password}), browser


def person(cast: Cast, name: str) -> Any:
    return next(one for one in cast.appliance.get("/api/v1/people")["items"] if one["login"] == name)


def grown_old(cast: Cast) -> None:
    """Every session is one in which the password was shown half an hour ago."""
    with cast.site.control_transaction():
        SessionRow.update(began_at=rfc3339_us(utc_now() - timedelta(minutes=30))).execute()


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_the_owner_of_a_workspace_makes_no_accounts(cast: Cast, method: str, path: str) -> None:
    body = {"login": "x", "name": "x", "workspace_roles": {"main": "operator"}} if path == INVITATIONS else {}
    body = {"login": "x"} if "unlock" in path else body
    for caller in (cast.owner, cast.plant_it, cast.stranger):
        headers = {"Authorization": f"Bearer {caller.token}"}
        how = {"json": body} if method == "POST" else {}
        assert caller.client.open(path, method=method, headers=headers, **how).status_code == 403


def test_somebody_comes_in_by_a_link_and_then_by_name_and_password(cast: Cast) -> None:
    browser = entered(cast, "ida")
    assert "Ida · operator" in browser.get("/console/main/").text
    response, browser = signed_in(cast, "IDA ")
    assert response.status_code == 303
    assert "Ida · operator" in browser.get("/console/main/").text
    assert signed_in(cast, "ida", "wrong")[0].status_code == 403


def test_a_link_works_once_and_says_nothing_to_others(cast: Cast) -> None:
    made = invited(cast, "jon")
    token = made["link"].partition("token=")[2]
    assert [one["id"] for one in cast.appliance.get(INVITATIONS)["items"]] == [made["id"]]
    assert token not in cast.appliance("GET", INVITATIONS).text
    browser = cast.app.test_client()
    differs = browser.post("/console/invitation", data={"token": token, "password": PASSWORD, "again": "x"})
    assert differs.status_code == 422
    weak = browser.post("/console/invitation", data={"token": token, "password": "p" * 20, "again": "p" * 20})
    assert weak.status_code == 422
    assert "easily guessed" in weak.text
    foreign = browser.post(
        "/console/invitation", data={"token": token, "password": PASSWORD, "again": PASSWORD},
        headers={"Sec-Fetch-Site": "cross-site"},
    )  # fmt: skip
    assert foreign.status_code == 403
    assert cast.appliance("POST", f"{INVITATIONS}/{made['id']}/withdraw").status_code == 204
    assert cast.appliance("POST", f"{INVITATIONS}/{made['id']}/withdraw").status_code == 409
    late = browser.post("/console/invitation", data={"token": token, "password": PASSWORD, "again": PASSWORD})
    assert late.status_code == 403
    assert "jon" not in re.findall(r"\w+", late.text.lower())
    assert browser.get("/console/invitation").status_code == 403


def test_what_an_account_cannot_be_is_refused(cast: Cast) -> None:
    for change in (
        {"workspace_roles": {}}, {"workspace_roles": {"main": "plant-it"}}, {"appliance_role": "operator"},
        {"login": " "},
    ):  # fmt: skip
        body = {"login": "kim", "name": "Kim", "workspace_roles": {"main": "operator"}, **change}
        assert cast.appliance("POST", INVITATIONS, body).status_code == 422
    body = {"login": "kim", "name": "Kim", "workspace_roles": {"nowhere": "operator"}}
    assert cast.appliance("POST", INVITATIONS, body).status_code == 404


def test_roles_are_changed_at_once(cast: Cast) -> None:
    browser = entered(cast, "lea")
    found = person(cast, "lea")
    changed = cast.appliance("POST", f"/api/v1/people/{found['id']}/roles", {"workspace_roles": {"main": "auditor"}})
    assert set(changed.json["roles"]["workspaces"].values()) == {"auditor"}
    assert "Lea · auditor" in browser.get("/console/main/").text
    nobody = cast.appliance("POST", "/api/v1/people/usr_x/roles", {"workspace_roles": {"main": "auditor"}})
    assert nobody.status_code == 404


def test_a_second_factor_is_set_up_asked_for_and_replaced_by_a_recovery_code(cast: Cast) -> None:
    browser = entered(cast, "max")
    token = token_of(browser, "/console/-/me")
    page = browser.post("/console/-/me/second-factor", data={"token": token}).text
    secret = re.search(r'id="secret">([A-Z2-7]{32})<', page)
    assert secret
    assert "data:image/svg+xml" in page
    totp = TOTP(secret[1])
    wrong = browser.post("/console/-/me/second-factor/confirm", data={"token": token, "code": "000000"})
    assert wrong.status_code == 403
    page = browser.post("/console/-/me/second-factor/confirm", data={"token": token, "code": totp.now()}).text
    codes = re.findall(r"<code>([a-z2-7]{4}(?:-[a-z2-7]{4}){3})</code>", page)
    assert len(codes) == second_factor.RECOVERY_CODES

    response, browser = signed_in(cast, "max")
    assert response.headers["Location"] == "/console/login/code"
    assert browser.get("/console/main/").status_code == 303  # not in yet
    assert "HttpOnly" in response.headers["Set-Cookie"]
    assert "SameSite=Strict" in response.headers["Set-Cookie"]
    assert browser.post("/console/login/code", data={"code": totp.now()}).status_code == 403  # used up
    assert browser.post("/console/login/code", data={"code": codes[0]}).status_code == 303
    assert browser.get("/console/main/").status_code == 200
    stranger = cast.app.test_client()
    assert stranger.post("/console/login/code", data={"code": codes[1]}).status_code == 403

    found = person(cast, "max")["id"]
    assert cast.appliance("POST", f"/api/v1/people/{found}/remove-second-factor").status_code == 204
    assert cast.appliance("POST", f"/api/v1/people/{found}/remove-second-factor").status_code == 404
    assert signed_in(cast, "max")[0].headers["Location"] == "/console/"


def test_where_it_is_required_nothing_opens_before_there_is_one(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    browser = entered(cast, "nia")
    monkeypatch.setattr(cast.site, "settings", replace(cast.site.settings, second_factor="required"))
    assert browser.get("/console/main/").headers["Location"] == "/console/-/me"
    assert browser.get("/console/-/me").status_code == 200
    token = token_of(browser, "/console/-/me")
    page = browser.post("/console/-/me/second-factor", data={"token": token}).text
    secret = re.search(r'id="secret">([A-Z2-7]{32})<', page)
    assert secret
    code = TOTP(secret[1]).now()
    assert browser.post("/console/-/me/second-factor/confirm", data={"token": token, "code": code}).status_code == 200
    assert browser.get("/console/main/").status_code == 200
    assert browser.post("/console/-/me/second-factor/remove", data={"token": token}).status_code == 403


def test_a_password_is_changed_by_showing_the_former_one(cast: Cast) -> None:
    browser, other = entered(cast, "oda"), signed_in(cast, "oda")[1]
    token = token_of(browser, "/console/-/me")
    form = {"token": token, "former": PASSWORD, "password": "eleven blue lamps sing", "again": "eleven blue lamps sing"}
    for change, status in (({"former": "wrong"}, 403), ({"again": "x"}, 422), ({"token": "x"}, 403)):
        assert browser.post("/console/-/me/password", data={**form, **change}).status_code == status
    assert browser.post("/console/-/me/password", data=form).status_code == 303
    assert browser.get("/console/main/").status_code == 200
    assert other.get("/console/main/").status_code == 303
    assert signed_in(cast, "oda")[0].status_code == 403
    assert signed_in(cast, "oda", "eleven blue lamps sing")[0].status_code == 303


def test_a_reset_is_a_link_too(cast: Cast) -> None:
    browser = entered(cast, "pia")
    made = cast.appliance.made(f"/api/v1/people/{person(cast, 'pia')['id']}/reset")
    token = made["link"].partition("token=")[2]
    form = {"token": token, "password": "eleven blue lamps sing", "again": "eleven blue lamps sing"}
    assert cast.app.test_client().post("/console/invitation", data=form).status_code == 303
    assert browser.get("/console/main/").status_code == 303
    assert signed_in(cast, "pia", "eleven blue lamps sing")[0].status_code == 303
    assert cast.appliance("POST", "/api/v1/people/usr_nobody/reset").status_code == 404


def test_one_ends_ones_own_sessions_and_nobody_elses(cast: Cast) -> None:
    browser, other = entered(cast, "quin"), signed_in(cast, "quin")[1]
    stranger = entered(cast, "rea")
    page = browser.get("/console/-/me").text
    own = re.findall(r"/console/-/me/sessions/(ses_\w+)/end", page)
    assert len(own) == 2
    theirs = re.findall(r"/console/-/me/sessions/(ses_\w+)/end", stranger.get("/console/-/me").text)
    token = token_of(browser, "/console/-/me")
    assert browser.post(f"/console/-/me/sessions/{theirs[0]}/end", data={"token": token}).status_code == 404
    assert stranger.get("/console/main/").status_code == 200
    assert browser.post(f"/console/-/me/sessions/{own[0]}/end", data={"token": token}).status_code == 303
    assert sorted((browser.get("/console/main/").status_code, other.get("/console/main/").status_code)) == [200, 303]


def test_what_matters_most_asks_for_the_password_again(cast: Cast) -> None:
    browser = entered(cast, "sue", appliance_role="owner", workspace_roles={})
    token = token_of(browser, "/console/-/people")
    entered(cast, "rob")
    found = person(cast, "rob")["id"]
    act = f"/console/-/people/{found}/disable"
    grown_old(cast)
    response = browser.post(act, data={"token": token})
    assert response.headers["Location"] == "/console/-/confirm?place=people&slug="
    assert person(cast, "sue")  # nothing was done
    assert cast.appliance.get(f"/api/v1/people/{found}")["disabled_at"] is None
    form = {"token": token, "place": "people", "slug": "", "password": "wrong"}
    assert browser.post("/console/-/confirm", data=form).status_code == 403
    assert browser.post("/console/-/confirm", data={**form, "token": "x", "password": PASSWORD}).status_code == 403
    response = browser.post("/console/-/confirm", data={**form, "password": PASSWORD})
    assert response.headers["Location"] == "/console/-/people"
    assert browser.post(act, data={"token": token}).headers["Location"] == "/console/-/people"
    assert cast.appliance.get(f"/api/v1/people/{found}")["disabled_at"]


def test_a_key_is_shown_again_too_and_leads_nowhere_else(cast: Cast) -> None:
    browser = cast.app.test_client()
    browser.post("/console/login", data={"key": cast.supervisor.token})
    token = token_of(browser)
    grown_old(cast)
    response = browser.post("/console/main/quarantine/nothing/retry", data={"token": token})
    assert response.headers["Location"] == "/console/-/confirm?place=quarantine&slug=main"
    form = {"token": token, "place": "quarantine", "slug": "main"}
    for key in (cast.owner.token, "nonsense"):
        assert browser.post("/console/-/confirm", data={**form, "password": key}).status_code == 403
    for slug, place, goes in (
        ("main", "quarantine", "/console/main/quarantine"), ("//evil.example", "quarantine", "/console/-/quarantine"),
        ("main", "https://evil.example", "/console/"),
    ):  # fmt: skip
        told = {**form, "slug": slug, "place": place, "password": cast.supervisor.token}
        assert browser.post("/console/-/confirm", data=told).headers["Location"] == goes
    assert browser.post("/console/main/quarantine/nothing/retry", data={"token": token}).status_code == 404


def test_too_many_attempts_lock_a_name_until_an_owner_unlocks_it(cast: Cast) -> None:
    entered(cast, "tom")
    assert [signed_in(cast, "tom", "wrong")[0].status_code for _ in range(5)] == [403] * 5
    response, _ = signed_in(cast, "tom")
    assert response.status_code == 403
    assert "Too many attempts" in response.text
    assert cast.appliance("POST", "/api/v1/logins/unlock", {"login": "Tom"}).json == {"was_counted": True}
    assert cast.appliance("POST", "/api/v1/logins/unlock", {"login": "Tom"}).json == {"was_counted": False}
    assert signed_in(cast, "tom")[0].status_code == 303


def test_the_account_in_the_envelope_is_marked_on_every_page(cast: Cast) -> None:
    password = seal_break_glass(cast.site, SYSTEM)
    response, browser = signed_in(cast, LOGIN, password)
    assert response.status_code == 303
    for page in ("/console/main/", "/console/-/people", "/console/-/me"):
        assert "This is the break-glass account" in browser.get(page).text
    owner = cast.app.test_client()
    owner.post("/console/login", data={"key": cast.appliance.token})
    assert "The break-glass account was used" in owner.get("/console/-/people").text
    assert "This is the break-glass account" not in owner.get("/console/-/people").text
    seal_break_glass(cast.site, SYSTEM)
    assert "was used" not in owner.get("/console/-/people").text


def test_an_owner_invites_on_the_page(cast: Cast) -> None:
    owner = cast.app.test_client()
    owner.post("/console/login", data={"key": cast.appliance.token})
    token = token_of(owner, "/console/-/people")
    form = {"token": token, "login": "ulf", "name": "Ulf", "role": ["main=auditor", "other=", "-="]}
    page = owner.post("/console/-/invitations", data=form).text
    link = re.search(r'id="link"[^>]*>([^<]+)<', page)
    assert link
    assert link[1].startswith("http://")
    assert cast.app.test_client().get(link[1].partition("8470")[2]).status_code == 200
    twice = owner.post("/console/-/invitations", data={**form, "role": ["main=auditor", "main=operator"]})
    assert twice.status_code == 422
    found = re.search(r"/console/-/invitations/(inv_\w+)/withdraw", owner.get("/console/-/people").text)
    assert found
    assert owner.post(f"/console/-/invitations/{found[1]}/withdraw", data={"token": token}).status_code == 303


def test_no_line_of_a_log_holds_a_secret(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        link = invited(cast, "vera")["link"].partition("token=")[2]
        browser = cast.app.test_client()
        browser.get(f"/console/invitation?token={link}")
        browser.post("/console/invitation", data={"token": link, "password": PASSWORD, "again": PASSWORD})
        signed_in(cast, "vera")
        signed_in(cast, "vera", "quite-a-wrong-one")
    assert "/console/invitation" in caplog.text
    assert not [word for word in (link, PASSWORD, "quite-a-wrong-one") if word in caplog.text]
