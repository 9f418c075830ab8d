"""Twins over HTTP: history, moments, comparison, map, files, roll-back."""

from __future__ import annotations

import json
from io import BytesIO
from random import Random
from typing import Any

import numpy as np
import pytest
from PIL import Image

from appliance.plant.assets import create_asset
from appliance.plant.parts import create_part
from appliance.tenancy.scope import WorkspaceScope
from appliance.twin.models import TwinVersion
from tests.full_workspace import definitions
from tests.unit.twin.conftest import CELLS, Plant, flat_field, on
from tests.web.conftest import Cast
from tests.web.test_console import signed_in

TWIN = "assets/press-07/twin"


@pytest.fixture(scope="module")
def plant(cast: Cast) -> Plant:
    """An asset with eight versions; the first cell loses 0.02 mm a day, the eleventh version came late."""
    scope: WorkspaceScope = cast.scope
    part = create_part(scope, "housing")
    asset = create_asset(scope, "press-07", part=part)
    plant = Plant(scope, part, asset, *definitions(scope, part, Random(2)))
    rng = np.random.default_rng(3)
    for day in (1, 2, 3, 4, 5, 7, 8, 6):
        plant.recorded(day, flat_field(np.where(np.arange(CELLS) == 0, -0.02 * day, rng.normal(0, 1e-4, CELLS)), 0.005))
    return plant


def versions(cast: Cast, query: str = "") -> list[Any]:
    return list(cast.auditor.get(f"{TWIN}/versions?limit=50{query}")["items"])


def test_a_twin_is_what_was_measured_last_and_its_history_is_listed(cast: Cast, plant: Plant) -> None:
    head = cast.operator.get(TWIN)
    assert head["measured_at"] == on(8)
    assert [row["number"] for row in versions(cast)] == list(range(8, 0, -1))
    assert [row["measured_at"] for row in versions(cast, "&sort=measured_at")] == [on(day) for day in range(1, 9)]
    assert head["id"] in [row["id"] for row in cast.auditor.get("twins")["items"]]
    assert cast.auditor.get(f"twin-versions/{head['id']}") == head


def test_a_history_is_turned_page_by_page(cast: Cast, plant: Plant) -> None:
    first = cast.auditor.get(f"{TWIN}/versions?limit=3")
    second = cast.auditor.get(f"{TWIN}/versions?limit=3&cursor={first['next']}")
    assert [row["number"] for row in first["items"] + second["items"]] == [8, 7, 6, 5, 4, 3]


def test_a_twin_is_read_as_of_both_moments(cast: Cast, plant: Plant) -> None:
    late = versions(cast)[0]
    assert cast.operator.get(f"{TWIN}?measured_until={on(6)}")["id"] == late["id"]
    known = versions(cast)[1]["recorded_at"]
    assert cast.operator.get(f"{TWIN}?measured_until={on(6)}&recorded_until={known}")["measured_at"] == on(5)
    assert cast.operator("GET", f"{TWIN}?measured_until=2020-01-01T00:00:00Z").status_code == 404


def test_two_versions_are_compared_zone_by_zone(cast: Cast, plant: Plant) -> None:
    first, last = versions(cast, "&sort=measured_at")[0], cast.operator.get(TWIN)
    found = cast.operator.get(f"twin-versions/{last['id']}/comparison?against={first['id']}")
    assert (found["before"]["id"], found["after"]["id"]) == (first["id"], last["id"])
    every = found["zones"][0]
    assert (every["zone"], every["compared"], every["changed"]) == ("all", CELLS, 1)
    assert every["lowest_mm"] == pytest.approx(-0.14)
    assert (found["k"], found["false_discovery_rate"]) == (2.0, 0.05)


def test_a_version_is_compared_with_the_head_of_its_making_unless_told(cast: Cast, plant: Plant) -> None:
    late, first = versions(cast)[0], versions(cast)[-1]
    found = cast.operator.get(f"twin-versions/{late['id']}/comparison")
    assert found["before"]["id"] == late["parent_id"]
    nothing = cast.operator("GET", f"twin-versions/{first['id']}/comparison")
    assert (nothing.status_code, nothing.json["code"]) == (409, "twin.first")


def test_a_map_says_how_fast_and_where(cast: Cast, plant: Plant) -> None:
    found = cast.auditor.get(f"{TWIN}/map")
    every = found["zones"][0]
    assert (found["versions"], every["falling"], every["rising"]) == (8, 1, 0)
    assert every["fastest_fall"] == pytest.approx(-0.02 * 30.436875)
    few = cast.auditor("GET", f"{TWIN}/map?since={on(5)}")
    assert (few.status_code, few.json["code"]) == (409, "twin.too_few")


@pytest.mark.parametrize("form", ["ply", "glb"])
def test_versions_comparisons_and_maps_are_files_for_viewers(cast: Cast, plant: Plant, form: str) -> None:
    [first, *_, last] = versions(cast, "&sort=measured_at")
    against = f"?against={first['id']}"
    for path in (f"twin-versions/{last['id']}/field", f"twin-versions/{last['id']}/comparison", f"{TWIN}/map"):
        name = path.rpartition("/")[2]
        response = cast.operator("GET", f"{path}.{form}{against if name == 'comparison' else ''}")
        assert response.status_code == 200
        assert f"{name}.{form}" in response.headers["Content-Disposition"]
        assert response.data.startswith(b"ply\n" if form == "ply" else b"glTF\x02")
        assert len(response.data) == int(response.headers["Content-Length"])
        assert last["content_sha256"].encode() in response.data


def test_a_twin_is_rolled_back_by_those_who_edit_and_with_a_reason(cast: Cast, plant: Plant) -> None:
    other = create_asset(plant.scope, "press-08", part=plant.part)
    first = plant.recorded(1, row=plant.inspected(asset=other))
    plant.recorded(2, row=plant.inspected(asset=other))
    path, body = "assets/press-08/twin/rollback", {"version": first.id, "reason": "the wrong part was scanned"}
    assert cast.operator("POST", path, body).status_code == 403
    assert cast.auditor("POST", path, body).status_code == 403
    assert cast.supervisor("POST", path, {"version": first.id}).status_code == 422
    made = cast.supervisor.made(path, body)
    assert (made["restores_id"], made["reason"]) == (first.id, body["reason"])
    assert cast.operator.get("assets/press-08/twin")["id"] == made["id"]
    again = cast.supervisor("POST", path, {"version": made["id"], "reason": "again"})
    assert (again.status_code, again.json["code"]) == (409, "twin.is_head")


def test_a_changed_row_is_told_and_not_shown(cast: Cast, plant: Plant) -> None:
    third = create_asset(plant.scope, "press-09", part=plant.part)
    version = plant.recorded(1, row=plant.inspected(asset=third))
    with plant.scope.transaction():
        TwinVersion.update(verdict="fail").where(TwinVersion.id == version.id).execute()
    response = cast.auditor("GET", "assets/press-09/twin")
    assert json.loads(response.text)["code"] == "twin.version"
    assert response.status_code >= 400


def test_the_console_shows_history_and_two_versions_compared_with_a_picture(cast: Cast, plant: Plant) -> None:
    browser, _ = signed_in(cast, cast.operator)
    page = browser.get(f"/console/main/assets/{plant.asset.id}/twin").text
    assert page.count('name="before"') == 8
    assert "change.png" not in page
    [first, *_, last] = versions(cast, "&sort=measured_at")
    page = browser.get(f"/console/main/assets/{plant.asset.id}/twin?before={first['id']}&after={last['id']}").text
    assert "−0.1400" in page
    address = f"/console/main/twin-versions/{last['id']}/change.png?against={first['id']}"
    assert address in page
    picture = browser.get(address)
    assert (picture.status_code, picture.content_type) == (200, "image/png")
    pixels = np.asarray(Image.open(BytesIO(picture.data)))
    assert pixels.shape == (554, 1440, 3)
    blue = (pixels[:540, :, 2].astype(int) - pixels[:540, :, 0]) > 60
    assert 0 < blue.mean() < 0.1, "one cell of twenty, which lost material"


def test_versions_of_other_assets_are_no_history_of_this_one(cast: Cast, plant: Plant) -> None:
    browser, _ = signed_in(cast, cast.operator)
    create_asset(plant.scope, "press-10", part=plant.part)
    [first, *_, last] = versions(cast, "&sort=measured_at")
    page = browser.get(f"/console/main/assets/press-10/twin?before={first['id']}&after={last['id']}")
    assert page.status_code == 404
