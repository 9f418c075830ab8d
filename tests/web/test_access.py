"""Who may call what: every declared route, with everybody."""

from __future__ import annotations

from itertools import product

import pytest

from tests.web.conftest import ROLES, Cast
from web.api.contract import API, Route
from web.api.v1 import AREAS
from web.app import create_app
from web.console.pages import PUBLIC as CONSOLE_PUBLIC
from web.health import PUBLIC

ROUTES = [route for area in AREAS for route in area]
GUARDED = [route for route in ROUTES if route.roles is not None]
#: Routes that anybody may call: the capabilities of the upload protocol, those where the body is the proof, and what a
#: device shows a code or a key to.
OPEN = {
    "uploads.discover_uploads", "tokens.refresh_tokens", "tokens.revoke_tokens", "enrolment.enrol_by_code",
    "enrolment.make_device_token",
}  # fmt: skip
#: What every role changes of its own.
OWN = {"tokens.exchange_key", "tokens.revoke_grant", "tokens.revoke_own_token"}
#: What the smaller roles may change, and the question that is too long for an address; stated here once more, so that a
#: widened route is noticed.
CHANGES = {
    "operator": {
        "uploads.create_upload", "uploads.send_bytes", "uploads.delete_upload", "uploads.overridden",
        "inspections.create_inspection", "inspections.cancel_inspection", "inspections.retry_inspection",
        "inspections.replay_inspection", "changes.request_scan_change", "changes.cancel_scan_change",
        "changes.retry_scan_change",
        "events.create_live_ticket", "scans.lookup_scans",
        "results-files.import_results", "results-files.check_results_file", "enrolment.make_device_code",
        "enrolment.withdraw_device_code",
    },
    "device": {
        "uploads.create_upload", "uploads.send_bytes", "uploads.delete_upload", "uploads.overridden",
        "scans.lookup_scans", "results-files.import_results", "results-files.check_results_file",
        "enrolment.replace_device_key",
    },
    "auditor": {"audit.add_anchor", "audit.verify_log", "events.create_live_ticket", "scans.lookup_scans"},
    "plant-it": set(),
}  # fmt: skip


def path_of(route: Route, slug: str = "main") -> str:
    path = route.path.replace("{slug}", slug)
    for name in route.parameters:
        path = path.replace("{" + name + "}", "nothing")
    return API + path


def name(route: Route) -> str:
    return route.name


def test_the_rule_finds_the_routes_and_no_name_is_taken_twice() -> None:
    assert len(ROUTES) > 60
    assert len({route.name for route in ROUTES}) == len(ROUTES)
    assert len({(route.method, route.rule) for route in ROUTES}) == len(ROUTES)


def test_only_the_short_public_list_is_open_to_anybody() -> None:
    assert {route.name for route in ROUTES if route.roles is None} == OPEN
    assert all(route.roles for route in GUARDED)


def test_every_address_of_the_application_is_declared(cast: Cast) -> None:
    declared = {route.name for route in ROUTES} | PUBLIC | CONSOLE_PUBLIC
    found = {rule.endpoint for rule in cast.app.url_map.iter_rules()}
    assert {name for name in found - declared if not name.startswith("console.")} == set()
    assert declared <= found


def test_an_address_that_did_not_declare_itself_is_not_there(cast: Cast) -> None:
    cast.app._got_first_request = False
    cast.app.add_url_rule("/undeclared", endpoint="undeclared", view_func=lambda: "secret")
    response = cast.nobody.client.get("/undeclared")
    assert (response.status_code, response.json["code"]) == (404, "route.unknown")


def test_a_declared_address_that_forgot_to_ask_who_calls_says_nothing(cast: Cast) -> None:
    app = create_app(site=cast.site)
    for endpoint, path in (("parts.list_parts", f"{API}/workspaces/main/parts"), ("console.home", "/console/")):
        app.view_functions[endpoint] = lambda **_: "secret"
        response = app.test_client().get(path)
        assert response.status_code == 500
        assert "secret" not in response.text


@pytest.mark.parametrize("role", sorted(CHANGES))
def test_smaller_roles_change_only_what_is_theirs(role: str) -> None:
    changing = {route.name for route in GUARDED if route.method not in ("GET", "HEAD") and role in (route.roles or ())}
    assert changing == CHANGES[role] | OWN


@pytest.mark.parametrize("route", GUARDED, ids=name)
def test_nobody_is_asked_for_a_key(cast: Cast, route: Route) -> None:
    response = cast.nobody.client.open(path_of(route), method=route.method)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("route", [route for route in GUARDED if "slug" in route.parameters], ids=name)
def test_a_stranger_finds_no_workspace(cast: Cast, route: Route) -> None:
    headers = {"Authorization": f"Bearer {cast.stranger.token}"}
    known = cast.stranger.client.open(path_of(route), method=route.method, headers=headers)
    unknown = cast.stranger.client.open(path_of(route, "nowhere"), method=route.method, headers=headers)
    assert known.status_code == unknown.status_code == 404
    if route.method != "HEAD":
        assert known.json["code"] == unknown.json["code"] == "workspace.unknown"


@pytest.mark.parametrize(
    ("route", "role"),
    [(route, role) for route, role in product(GUARDED, ROLES) if role not in (route.roles or ())],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_a_role_that_is_not_named_is_refused(cast: Cast, route: Route, role: str) -> None:
    headers = {"Authorization": f"Bearer {cast.by_role[role].token}"}
    response = cast.nobody.client.open(path_of(route), method=route.method, headers=headers)
    assert response.status_code == 403
