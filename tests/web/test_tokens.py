"""Tokens over HTTP: exchanged, refreshed, ended; personal ones made in the console behind the password."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from appliance.core.logs import JsonLines
from appliance.identity import login
from appliance.identity.api_keys import create_api_key, revoke_api_key
from appliance.tenancy.records import SYSTEM
from tests.web.conftest import BASE, Cast
from tests.web.test_accounts import entered, grown_old, person
from tests.web.test_directory import token_of

WHOAMI = "/api/v1/whoami"
TOKENS = "/api/v1/tokens"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "REFUSED_AFTER_S", 0.0)


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def status(cast: Cast, token: str, path: str = WHOAMI) -> int:
    return cast.nobody("GET", path, headers=bearing(token)).status_code


def pair_of(cast: Cast, token: str | None, **body: Any) -> Any:
    response = cast.nobody("POST", TOKENS, body, headers=bearing(str(token)))
    assert response.status_code == 200, response.text
    return response.json


def made_token(browser: FlaskClient, *scopes: str, **form: str) -> Any:
    """What the console answers to the form, and the token in it."""
    told = {"label": "nightly", "workspace": "main", "days": "30", "token": token_of(browser), **form}
    response = browser.post("/console/-/me/tokens", data=told | {"scope": list(scopes)})
    found = re.search(r'id="made" class="hash">(d2p_[^<]+)<', response.text)
    return response, found and found[1]


@pytest.mark.parametrize("role", ["owner", "supervisor", "operator", "auditor", "service", "device", "plant-it"])
def test_an_access_token_opens_what_its_key_opens(cast: Cast, role: str) -> None:
    pair = pair_of(cast, cast.by_role[role].token)
    told = cast.nobody.get(WHOAMI, headers=bearing(pair["access_token"]))
    assert told == cast.by_role[role].get(WHOAMI)
    for path in ("assets", "keys", "uploads/nothing"):
        assert status(cast, pair["access_token"], path) == cast.by_role[role]("GET", path).status_code


def test_an_access_token_under_scopes_opens_what_they_name(cast: Cast) -> None:
    token = pair_of(cast, cast.supervisor.token, scopes=["assets:read"])["access_token"]
    assert status(cast, token, "assets") == 200
    assert cast.nobody("POST", "assets", {"name": "x"}, headers=bearing(token)).status_code == 403
    assert status(cast, token, "scans") == 403


def test_a_refresh_token_goes_on_and_a_copy_ends_it(cast: Cast) -> None:
    first = pair_of(cast, cast.operator.token)
    second: Any = cast.nobody("POST", f"{TOKENS}/refresh", {"refresh_token": first["refresh_token"]}).json
    third: Any = cast.nobody("POST", f"{TOKENS}/refresh", {"refresh_token": second["refresh_token"]}).json
    assert status(cast, third["access_token"]) == 200
    copied: Any = cast.nobody("POST", f"{TOKENS}/refresh", {"refresh_token": first["refresh_token"]})
    assert (copied.status_code, copied.json["code"]) == (401, "token.reused")
    assert status(cast, third["access_token"]) == 401
    assert cast.nobody("POST", f"{TOKENS}/refresh", {"refresh_token": third["refresh_token"]}).status_code == 401


def test_a_grant_is_listed_and_ended_by_whose_it_is(cast: Cast) -> None:
    pair = pair_of(cast, cast.auditor.token)
    assert pair["grant_id"] in {one["id"] for one in cast.auditor.get("/api/v1/grants")["items"]}
    assert pair["grant_id"] not in {one["id"] for one in cast.owner.get("/api/v1/grants")["items"]}
    for stranger in (cast.owner, cast.stranger):
        assert stranger("POST", f"/api/v1/grants/{pair['grant_id']}/revoke").status_code == 404
    assert cast.auditor("POST", f"/api/v1/grants/{pair['grant_id']}/revoke").status_code == 204
    assert status(cast, pair["access_token"]) == 401


def test_whoever_has_a_refresh_token_may_end_its_grant(cast: Cast) -> None:
    pair = pair_of(cast, cast.auditor.token)
    for token in (pair["refresh_token"], pair["refresh_token"], "nothing"):
        assert cast.nobody("POST", f"{TOKENS}/revoke", {"refresh_token": token}).status_code == 204
    assert status(cast, pair["access_token"]) == 401


def test_a_revoked_key_takes_its_access_tokens_along(cast: Cast) -> None:
    row, token = create_api_key(cast.site, "main", "operator", "x", SYSTEM)
    pair = pair_of(cast, token)
    assert status(cast, pair["access_token"]) == 200
    revoke_api_key(cast.site, row.id, SYSTEM)
    assert status(cast, pair["access_token"]) == 401


@pytest.mark.parametrize("shown", ["a.b.c", "..", "eyJhbGciOiJub25lIn0.e30.", "d2p_x", "d2t_x", "\xff.\xff.\xff"])
def test_what_is_no_token_is_refused_and_no_fault(cast: Cast, shown: str) -> None:
    response = cast.nobody.client.get(WHOAMI, headers=bearing(shown))
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_the_keys_are_public_and_tell_no_secret(cast: Cast) -> None:
    pair = pair_of(cast, cast.owner.token)
    found = cast.nobody.get("/.well-known/jwks.json")["keys"]
    assert found
    assert all(one["kty"] == "OKP" and one["use"] == "sig" and "d" not in one for one in found)
    rotated: Any = cast.appliance("POST", "/api/v1/token-keys/rotate", {}).json
    assert cast.nobody.get("/.well-known/jwks.json")["keys"][0]["kid"] == rotated["kid"]
    assert status(cast, pair["access_token"]) == 200
    assert cast.owner("POST", "/api/v1/token-keys/rotate", {}).status_code == 403
    cast.appliance("POST", "/api/v1/token-keys/rotate", {"at_once": True})
    assert status(cast, pair["access_token"]) == 401


def test_a_person_makes_a_token_and_ends_it(cast: Cast) -> None:
    browser = entered(cast, "tess")
    response, token = made_token(browser, "assets:read", "uploads:write")
    assert response.status_code == 200
    told = cast.nobody.get(WHOAMI, headers=bearing(token))
    assert (told["role"], told["workspace"], told["scopes"]) == ("operator", "main", ["assets:read", "uploads:write"])
    assert token not in browser.get("/console/-/me").text
    (row,) = cast.nobody.get("/api/v1/personal-tokens", headers=bearing(token))["items"]
    assert browser.post(f"/console/-/me/tokens/{row['id']}/end", data={"token": token_of(browser)}).status_code == 303
    assert status(cast, token) == 401


def test_a_token_wants_the_password_again(cast: Cast) -> None:
    browser = entered(cast, "uma")
    grown_old(cast)
    response, token = made_token(browser, "assets:read")
    assert (response.status_code, token) == (303, None)
    assert response.headers["Location"].startswith("/console/-/confirm?place=me")
    answer = browser.post("/console/-/me/access-token", data={"token": token_of(browser)})
    assert answer.headers["Location"].startswith("/console/-/confirm?place=me")


@pytest.mark.parametrize(
    ("scopes", "form"),
    [
        ((), {}), (("keys:write",), {}), (("keys:read",), {}), (("assets:read",), {"days": "3650"}),
        (("assets:read",), {"workspace": "other"}), (("assets:read",), {"label": ""}),
    ],
    ids=str,
)  # fmt: skip
def test_a_token_that_cannot_be_is_not_made(cast: Cast, scopes: tuple[str, ...], form: dict[str, str]) -> None:
    browser = cast.app.test_client()
    if not [one for one in cast.appliance.get("/api/v1/people")["items"] if one["login"] == "vic"]:
        entered(cast, "vic")
    browser.post("/console/login", data={"login": "vic", "password": "seven grey herons wait"})
    response, token = made_token(browser, *scopes, **form)
    assert response.status_code in (404, 422)
    assert token is None


def test_a_role_that_is_taken_away_is_taken_from_the_token_at_once(cast: Cast) -> None:
    _, token = made_token(entered(cast, "will", workspace_roles={"main": "supervisor"}), "assets:write")
    body = {"name": "by token"}
    assert cast.nobody("POST", "assets", body, headers=bearing(token)).status_code == 201
    address = f"/api/v1/people/{person(cast, 'will')['id']}/roles"
    cast.appliance("POST", address, {"workspace_roles": {"main": "auditor"}})
    refused: Any = cast.nobody("POST", "assets", {"name": "again"}, headers=bearing(token))
    assert (refused.status_code, refused.json["code"]) == (403, "role.denied")
    cast.appliance("POST", address, {"workspace_roles": {"other": "supervisor"}})
    assert status(cast, token) == 401


def test_an_owner_sees_and_ends_the_tokens_of_the_workspace(cast: Cast) -> None:
    _, token = made_token(entered(cast, "xena"), "assets:read")
    pair = pair_of(cast, token)
    prefix = token.split("_")[1]
    row = next(one for one in cast.owner.get("personal-tokens")["items"] if one["prefix"] == prefix)
    assert prefix not in json.dumps(cast.stranger.get("/api/v1/workspaces/other/personal-tokens"))
    assert cast.supervisor("GET", "personal-tokens").status_code == 403
    assert cast.stranger("POST", f"/api/v1/personal-tokens/{row['id']}/revoke").status_code == 404
    assert cast.owner("POST", f"personal-tokens/{row['id']}/revoke").status_code == 200
    assert status(cast, token) == status(cast, pair["access_token"]) == 401
    assert cast.owner("POST", f"personal-tokens/{row['id']}/revoke").status_code == 409


def test_the_owner_of_the_appliance_ends_all_tokens_of_a_person(cast: Cast) -> None:
    browser = entered(cast, "yves")
    _, token = made_token(browser, "assets:read")
    answer: Any = browser.post("/console/-/me/access-token", data={"token": token_of(browser)})
    assert status(cast, answer.json["access_token"]) == 200
    address = f"/api/v1/people/{person(cast, 'yves')['id']}/end-tokens"
    assert cast.owner("POST", address).status_code == 403
    assert cast.appliance("POST", address).json == {"ended": 2}
    assert status(cast, token) == status(cast, answer.json["access_token"]) == 401
    assert browser.get("/console/main/").status_code == 200


def test_tokens_of_a_session_end_with_it(cast: Cast) -> None:
    browser = entered(cast, "zoe")
    answer: Any = browser.post("/console/-/me/access-token", data={"token": token_of(browser)})
    told = cast.nobody.get(WHOAMI, headers=bearing(answer.json["access_token"]))
    assert (told["role"], told["workspace"], told["scopes"]) == ("member", None, None)
    (own,) = cast.nobody.get("/api/v1/workspaces", headers=bearing(answer.json["access_token"]))["items"]
    assert own["slug"] == "main"
    told = cast.nobody.get(f"{BASE}/assets", headers=bearing(answer.json["access_token"]))
    assert "items" in told
    browser.post("/console/logout", data={"token": token_of(browser)})
    assert status(cast, answer.json["access_token"]) == 401
    refresh = {"refresh_token": answer.json["refresh_token"]}
    assert cast.nobody("POST", f"{TOKENS}/refresh", refresh).status_code == 401


def test_a_personal_token_makes_no_keys_and_opens_no_console(cast: Cast) -> None:
    _, token = made_token(entered(cast, "olga", workspace_roles={"main": "owner"}), "devices:write", "keys:read")
    response = cast.nobody("POST", "keys", {"role": "operator", "label": "x"}, headers=bearing(token))
    assert response.status_code == 403
    assert cast.app.test_client().post("/console/login", data={"key": token}).status_code == 403


def test_no_token_stands_in_a_log_line(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        _, token = made_token(entered(cast, "log"), "assets:read")
        pair = pair_of(cast, token)
        following: Any = cast.nobody("POST", f"{TOKENS}/refresh", {"refresh_token": pair["refresh_token"]}).json
        for shown in (token, pair["access_token"], pair["access_token"][:-3] + "AAA", pair["refresh_token"]):
            status(cast, shown)
    written = "".join(JsonLines("web").format(record) for record in caplog.records)
    secrets = [token.rpartition("_")[2], pair["access_token"].rpartition(".")[2][:40]]
    secrets += [one["refresh_token"].rpartition("_")[2] for one in (pair, following)]
    assert "POST /api/v1/tokens 200" in written
    assert not [secret for secret in secrets if secret in written]
