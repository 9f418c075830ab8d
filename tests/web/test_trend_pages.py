"""Trends in the console: what moves is told with its days, and every value in the picture leads to its inspection."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from appliance.core.clock import rfc3339_us
from appliance.measurements.models import MeasuredCharacteristic
from appliance.rollups.keeping import refold_lives
from appliance.trends import degrading
from appliance.trends.records import Ranking
from appliance.trends.unchanged import Unchanged
from tests.measured_workspace import Plant
from tests.web.conftest import Cast
from tests.web.test_console import signed_in

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


def at(day: float) -> str:
    return rfc3339_us(START + timedelta(days=day))


@pytest.fixture(scope="module")
def plant(cast: Cast) -> Plant:
    """A press whose ``c0`` moves beyond its limit and whose ``c1`` stands still, measured on 60 days."""
    plant, rng = Plant.of(cast.scope), np.random.default_rng(11)
    with cast.scope.transaction():
        for day in range(60):
            values = rng.normal(0.0, 0.006, 2).tolist()
            plant.measure(0, at(day), [values[0] + 0.0024 * day, values[1]], instrument=plant.instruments[0])
    return plant


def series(plant: Plant, name: str) -> str:
    with plant.scope:
        found = MeasuredCharacteristic.known(name=name, part_id=plant.part)
    return f"/console/main/assets/{plant.assets[0]}/trends/{found.id}"


def shown(cast: Cast, address: str) -> str:
    response = signed_in(cast, cast.operator)[0].get(address)
    assert response.status_code == 200, response.text
    return response.text


def test_what_degrades_leads_to_its_series(cast: Cast, plant: Plant) -> None:
    page = shown(cast, "/console/main/trends")
    assert f'href="{series(plant, "c0")}"' in page
    assert series(plant, "c1") not in page, "stands still"
    assert "Degrades" in page
    assert "2 series were screened" in page
    assert re.search(r"<td class=\"right\">\d+</td><td class=\"right\">60</td>", page), "some of 60 failed"


def test_pages_and_the_api_ask_together_what_degrades(
    cast: Cast, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else everybody who watches would compute it when an inspection is recorded."""
    asked: list[object] = []
    unchanged = Unchanged[Ranking](0)
    get = unchanged._together.get

    def noted(question: object, compute: Callable[[], Ranking]) -> Ranking:
        asked.append(question)
        return get(question, compute)

    monkeypatch.setattr(unchanged._together, "get", noted)
    monkeypatch.setattr(degrading, "_unchanged", unchanged)
    shown(cast, "/console/main/trends")
    shown(cast, f"/console/main/trends?asset={plant.assets[0]}")
    assert len(cast.operator.get("trends/degrading")["items"]) == 1
    assert len(asked) == 3


def test_trends_of_an_asset_are_its_own(cast: Cast, plant: Plant) -> None:
    assert series(plant, "c0") in shown(cast, f"/console/main/trends?asset={plant.assets[0]}")
    assert "Nothing moves" in shown(cast, f"/console/main/trends?asset={plant.assets[1]}")
    assert signed_in(cast, cast.operator)[0].get("/console/main/trends?asset=none").status_code == 404


def test_every_value_of_the_picture_leads_to_its_inspection(cast: Cast, plant: Plant) -> None:
    page = shown(cast, series(plant, "c0"))
    inspections = re.findall(r'<a href="/console/main/inspections/(ins_\w+)" class="(pass|fail|inconclusive)">', page)
    assert len({one for one, _ in inspections}) == 60
    assert {decision for _, decision in inspections} == {"pass", "fail", "inconclusive"}
    assert 'class="trend"' in page
    assert page.count('class="limit"') == 4
    assert "Ppk" in page
    assert re.search(r"moves by \+0\.07\d* mm a month", page)


def test_what_stands_still_has_no_line(cast: Cast, plant: Plant) -> None:
    page = shown(cast, series(plant, "c1"))
    assert "No trend can be told from chance" in page
    assert 'class="trend"' not in page


def test_a_repair_is_drawn_and_what_comes_after_it_is_too_little_to_tell(cast: Cast, plant: Plant) -> None:
    with plant.scope.transaction():
        plant.measure(1, at(0), [0.01])
        plant.measure(1, at(2), [0.02])
        plant.repaired(1, at(1))
        refold_lives(plant.scope, plant.assets[1])
    address = series(plant, "c0").replace(plant.assets[0], plant.assets[1])
    page = shown(cast, address)
    assert "A trend needs" in page
    assert page.count('<line class="break"') == 1


def test_what_was_never_measured_has_no_page(cast: Cast, plant: Plant) -> None:
    browser, _ = signed_in(cast, cast.operator)
    assert browser.get(series(plant, "c1").replace(plant.assets[0], plant.assets[1])).status_code == 404
    assert browser.get(f"/console/main/assets/{plant.assets[0]}/trends/none").status_code == 404
