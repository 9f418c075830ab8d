"""Scopes: a key under scopes does what its role may and its scopes name, on every route, and hands out no more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from appliance.core.clock import rfc3339_us, utc_now
from appliance.identity.api_keys import create_api_key
from appliance.tenancy.records import SYSTEM
from tests.web.conftest import BASE, Cast
from tests.web.test_access import path_of
from tests.web.test_roles import SCOPES
from web.api.contract import Route
from web.api.scopes import scopes_of
from web.api.v1 import AREAS

ALL = sorted(scopes_of("owner"))
ROUTES = [
    route for area in AREAS for route in area
    if route.roles is not None and "slug" in route.parameters and "owner" in route.roles
]  # fmt: skip


def key(cast: Cast, role: str, *scopes: str) -> dict[str, str]:
    _, token = create_api_key(cast.site, "main", role, "narrow", SYSTEM, scopes=scopes or None)
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def keys(cast: Cast) -> dict[str, dict[str, str]]:
    """An owner's key for each scope alone."""
    return {scope: key(cast, "owner", scope) for scope in ALL}


def test_the_document_names_the_scope_of_each_route() -> None:
    named = {(method, address.rpartition("/v1")[2]): scope for method, address, scope in SCOPES}
    for area in AREAS:
        for route in area:
            assert named.get((route.method, route.path), "") == route.scope
    assert len(set(named.values())) > 20


@pytest.mark.parametrize("is_right", [True, False], ids=["its own", "another"])
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_a_route_wants_its_own_scope_and_takes_no_other(
    cast: Cast, keys: dict[str, dict[str, str]], route: Route, is_right: bool
) -> None:
    scope = route.scope if is_right else next(one for one in ALL if one != route.scope)
    response: Any = cast.nobody.client.open(path_of(route), method=route.method, headers=keys[scope])
    is_denied = response.status_code == 403 and (route.method == "HEAD" or response.json["code"] == "scope.denied")
    assert is_denied != is_right


def test_a_scope_gives_no_role(cast: Cast) -> None:
    response: Any = cast.nobody.client.get(f"{BASE}/keys", headers=key(cast, "operator", "keys:read"))
    assert (response.status_code, response.json["code"]) == (403, "role.denied")


def test_who_one_is_needs_no_scope_and_says_them(cast: Cast) -> None:
    told = cast.nobody.get("/api/v1/whoami", headers=key(cast, "operator", "uploads:write", "scans:read"))
    assert told["scopes"] == ["scans:read", "uploads:write"]
    assert cast.operator.get("/api/v1/whoami")["scopes"] is None


def test_the_measures_need_a_scope_of_their_own(cast: Cast) -> None:
    elsewhere = {"environ_base": {"REMOTE_ADDR": "10.0.0.9"}}
    for scope, status in (("metrics:read", 200), ("workspaces:read", 403)):
        headers = key(cast, "plant-it", scope)
        assert cast.nobody.client.get("/metrics", headers=headers, **elsewhere).status_code == status


def test_a_key_under_scopes_is_made_and_shown(cast: Cast) -> None:
    end = rfc3339_us(utc_now() + timedelta(days=1))
    told = {"role": "device", "label": "edge", "scopes": ["uploads:write", "scans:read"], "expires_at": end}
    made = cast.owner.made("keys", told)
    assert made["scopes"] == ["scans:read", "uploads:write"]
    assert made["expires_at"] == end
    assert cast.owner.get(f"keys/{made['id']}")["scopes"] == made["scopes"]
    headers = {"Authorization": f"Bearer {made['token']}"}
    assert cast.nobody.client.get(f"{BASE}/uploads", headers=headers).status_code in (403, 404, 405)


@pytest.mark.parametrize("scopes", [["nothing:read"], ["assets:write"], ["scans"], []])
def test_a_scope_that_the_role_has_not_is_refused(cast: Cast, scopes: list[str]) -> None:
    response = cast.owner("POST", "keys", {"role": "device", "label": "x", "scopes": scopes})
    assert response.status_code == 422


@pytest.mark.parametrize("wanted", [None, ["assets:write"]])
def test_a_key_under_scopes_makes_no_wider_one(cast: Cast, wanted: list[str] | None) -> None:
    headers = key(cast, "owner", "keys:write", "assets:read")
    body = {"role": "owner", "label": "x"} | ({"scopes": wanted} if wanted else {})
    response = cast.nobody("POST", "keys", body, headers=headers)
    assert (response.status_code, response.json["code"]) == (403, "scope.wider")  # type: ignore[index]
    rotated = cast.nobody("POST", f"keys/{cast.supervisor.key_id}/rotate", {}, headers=headers)
    assert rotated.status_code == 403


def test_a_key_under_scopes_opens_no_console(cast: Cast) -> None:
    token = key(cast, "owner", *ALL)["Authorization"].removeprefix("Bearer ")
    response = cast.app.test_client().post("/console/login", data={"key": token})
    assert response.status_code == 403
    assert "Set-Cookie" not in response.headers


def test_a_rotated_key_stays_the_same_caller(cast: Cast) -> None:
    made = cast.owner.made("keys", {"role": "operator", "label": "cell"})
    response: Any = cast.owner("POST", f"keys/{made['id']}/rotate", {"overlap_minutes": 5})
    assert response.status_code == 200
    assert response.json["id"] == made["id"]
    for token in (made["token"], response.json["token"]):
        told = cast.nobody.get("/api/v1/whoami", headers={"Authorization": f"Bearer {token}"})
        assert told["id"] == made["id"]
    assert cast.owner("POST", f"keys/{made['id']}/rotate", {"overlap_minutes": 50_000}).status_code == 422
    assert cast.stranger("POST", f"keys/{made['id']}/rotate", {}).status_code == 404
