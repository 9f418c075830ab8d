"""Lists: filters, orders and sparse fields do what the document says, on every list that there is."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, get_args

import pytest

from appliance.core.canonical import loads_strict
from tests.web.conftest import Cast
from web.api.contract import Route
from web.api.forms import Page
from web.api.v1 import AREAS

LISTS = [
    route
    for area in AREAS
    for route in area
    if route.answer and issubclass(route.answer, Page) and "slug" in route.parameters
]
SORTED = [
    (route, sort)
    for route in LISTS
    if route.query and "sort" in route.query.model_fields
    for sort in get_args(route.query.model_fields["sort"].annotation)
]


def address(route: Route) -> str:
    return route.path.removeprefix("/workspaces/{slug}/").replace("{asset}", "press-1")


@pytest.fixture(scope="module")
def stocked(cast: Cast) -> Cast:
    part = cast.owner.made("parts", {"name": "flange"})
    cast.owner.made("parts", {"name": "bracket"})
    for number, serial in enumerate(("b", "a", "b", "a")):
        body = {"name": f"press-{number}", "serial": serial, "location": "hall 2"}
        cast.owner.made("assets", body | ({"part": part["id"]} if number else {}))
    for name in ("north", "south"):
        cast.owner.made("devices", {"name": name})
    cast.owner("POST", "devices/north/revoke")
    return cast


def test_there_are_lists_with_orders() -> None:
    assert len(LISTS) > 8
    assert len(SORTED) > 20


@pytest.mark.parametrize(("route", "sort"), SORTED, ids=lambda one: one if isinstance(one, str) else address(one))
def test_every_declared_order_is_kept_page_by_page(stocked: Cast, route: Route, sort: str) -> None:
    column, seen, cursor = sort.removeprefix("-"), [], ""
    while True:
        page = stocked.owner.get(f"{address(route)}?limit=1&sort={sort}{cursor}")
        seen += [(item[column], item["id"]) for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == sorted(seen, reverse=sort.startswith("-"))
    assert len(seen) == len(stocked.owner.get(f"{address(route)}?limit=200")["items"])


def test_a_cursor_belongs_to_its_order(stocked: Cast) -> None:
    cursor = stocked.owner.get("assets?limit=1&sort=name")["next"]
    assert stocked.owner("GET", f"assets?limit=1&sort=-name&cursor={cursor}").json["code"] == "cursor.invalid"


@pytest.mark.parametrize(
    "place", [[5], [None], ["x", 5], ["x", "y", "z"], [], [2**70, "x"], "x", [["x"], "y"], ["x\0", "y"]]
)
@pytest.mark.parametrize("kind", ["assets", "audit/entries", "operators"])
def test_a_forged_cursor_is_refused_or_leads_nowhere(stocked: Cast, kind: str, place: Any) -> None:
    for number in range(2):
        stocked.owner("POST", "operators", {"badge": f"badge-{number}"})
    sort = "&sort=name" if kind == "assets" else ""
    cursor = stocked.owner.get(f"{kind}?limit=1{sort}")["next"]
    _, bound = loads_strict(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    forged = urlsafe_b64encode(json.dumps([place, bound]).encode()).decode()
    answer = stocked.owner("GET", f"{kind}?limit=1{sort}&cursor={forged.rstrip('=')}")
    assert answer.status_code in (200, 422)
    if answer.status_code == 422:
        assert answer.json["code"] in ("cursor.invalid", "database.text")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("assets?serial=a&sort=name", ["press-1", "press-3"]), ("assets?part=flange&serial=b", ["press-2"]),
        ("assets?search=ESS-3", ["press-3"]), ("assets?location=hall", []), ("parts?search=rack", ["bracket"]),
        ("devices?revoked=true", ["north"]), ("devices?revoked=false&search=o", ["south"]),
        ("parts?sort=-name", ["flange", "bracket"]),
    ],
)  # fmt: skip
def test_filters_find_what_they_name(stocked: Cast, query: str, names: list[str]) -> None:
    assert [item["name"] for item in stocked.owner.get(query)["items"]] == names


def test_a_filter_by_a_time_takes_any_zone_and_refuses_what_is_none(stocked: Cast) -> None:
    assert stocked.owner.get("scans?captured_since=2026-01-01T00:00:00%2B02:00")["items"] == []
    for refused in ("yesterday", "2026-01-01", "2026-13-01T00:00:00Z", ""):
        assert stocked.owner("GET", f"scans?captured_since={refused}").status_code == 422
    assert stocked.owner("GET", "assets?part=nothing").status_code == 404


def test_keys_are_found_by_role_and_state(stocked: Cast) -> None:
    assert {key["role"] for key in stocked.owner.get("keys?role=auditor")["items"]} == {"auditor"}
    assert stocked.owner.get("keys?role=auditor&revoked=true")["items"] == []


@pytest.mark.parametrize("route", [route for route in LISTS if "{" not in address(route)], ids=address)
def test_lists_show_the_fields_that_are_named(stocked: Cast, route: Route) -> None:
    names = sorted(get_args(route.answer.model_fields["items"].annotation)[0].model_fields)[:2]  # type: ignore[union-attr]
    page = stocked.owner.get(f"{address(route)}?fields={','.join(names)}")
    assert all(sorted(item) == names for item in page["items"])
    assert "next" in page


def test_what_stands_beside_the_items_stays(stocked: Cast) -> None:
    whole, some = stocked.owner.get("events"), stocked.owner.get("events?fields=seq")
    assert some == {"items": [{"seq": event["seq"]} for event in whole["items"]], "last": whole["last"]}


def test_one_thing_shows_the_fields_that_are_named_and_keeps_its_version(stocked: Cast) -> None:
    whole, some = stocked.owner("GET", "assets/press-1"), stocked.owner("GET", "assets/press-1?fields=serial,name")
    assert some.json == {"name": "press-1", "serial": "a"}
    assert some.headers["ETag"] != whole.headers["ETag"]
    held = {"If-None-Match": some.headers["ETag"]}
    assert stocked.owner("GET", "assets/press-1?fields=serial,name", headers=held).status_code == 304
    changed = stocked.owner(
        "PATCH", "assets/press-1", {"location": "hall 3"}, headers={"If-Match": some.headers["ETag"]}
    )
    assert changed.status_code == 200
    stocked.owner("PATCH", "assets/press-1", {"location": "hall 2"}, headers={"If-Match": "*"})


@pytest.mark.parametrize("fields", ["", "nothing", "name,name", "name,", "NAME", "name,nothing", "__class__"])
def test_fields_that_there_are_not_are_refused_with_those_there_are(stocked: Cast, fields: str) -> None:
    answer = stocked.owner("GET", f"assets?fields={fields}")
    assert (answer.status_code, answer.json["code"]) == (400, "request.fields")
    assert "serial" in answer.json["hint"]


def test_only_reads_take_fields(stocked: Cast) -> None:
    assert stocked.owner("POST", "parts?fields=name", {"name": "x"}).json["code"] == "request.query"
    assert stocked.owner("GET", "audit/checkpoint?fields=size").json["code"] == "request.query"
