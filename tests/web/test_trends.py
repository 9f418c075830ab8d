"""The area of trends: every question is answered, in the form that is described, to whoever may read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from appliance.core.clock import rfc3339_us
from appliance.measurements.sets import add_set
from tests.measured_workspace import Plant
from tests.web.conftest import Cast

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
SINCE = "2026-01-01T00:00:00Z"


def at(day: float) -> str:
    return rfc3339_us(START + timedelta(days=day))


@pytest.fixture(scope="module")
def plant(cast: Cast) -> Plant:
    """A press whose ``c0`` moves to its limit by 0.001 mm a day, and one that stands still."""
    plant, rng = Plant.of(cast.scope), np.random.default_rng(11)
    with cast.scope.transaction():
        for day in range(40):
            values = rng.normal(0.0, 0.004, 4).tolist()
            plant.measure(0, at(day), [values[0] + 0.001 * day, values[1]], instrument=plant.instruments[0])
            plant.measure(1, at(day), values[2:], instrument=plant.instruments[1])
    return plant


def test_what_degrades_is_told_with_its_days(cast: Cast, plant: Plant) -> None:
    found = cast.operator.get("trends/degrading?part=housing")
    assert (found["screened"], found["tested"]) == (4, 4)
    [one] = found["items"]
    assert (one["asset"], one["characteristic"], one["finding"]) == ("press-00", "c0", "degrades")
    assert one["reaches_fail"]["state"] == "expected"
    thoroughly = cast.operator.get("trends/series?asset=press-00&characteristic=c0")
    assert thoroughly["slope"] == one["slope"]
    assert cast.operator("GET", "trends/series?asset=press-00&characteristic=none").status_code == 404
    assert cast.operator("GET", "trends/degrading?tested=0").status_code == 422


def test_every_question_has_an_answer(cast: Cast, plant: Plant) -> None:
    violations = cast.auditor.get("trends/violations?part=housing")["items"]
    assert {one["characteristic"]: one["passed"] + one["inconclusive"] for one in violations} == {"c0": 80, "c1": 80}
    of_asset = cast.auditor.get(f"trends/violations?asset=press-01&since={SINCE}")["items"]
    assert [one["measured"] for one in of_asset] == [40, 40]
    months = cast.service.get("trends/capability?characteristic=c1")["items"]
    assert [one["measured"] for one in months] == [62, 18]
    assert months[0]["ppk"] > 5
    compared = cast.operator.get("trends/comparison?characteristic=c0&by=instrument")
    assert len(compared["groups"]) == 2
    assert compared["p"] < 1e-6
    judged = cast.operator.get("trends/what-if?characteristic=c1&upper=-1")
    assert judged["changes"] == [{"before": "pass", "after": "fail", "count": 80}]
    assert cast.operator("GET", "trends/what-if?characteristic=c1&upper=NaN").status_code == 422
    assert cast.operator("GET", "trends/violations").status_code == 404


def test_history_is_judged_by_another_revision(cast: Cast, plant: Plant) -> None:
    plan = "[zones.z]\n[[characteristic]]\nname = 'c0'\nzone = 'z'\nquantity = 'mean'\nupper = -1\ncoverage = 0.9\n"
    add_set(cast.scope, plant.part, plan.encode())
    path = f"trends/what-if/revision?cad_revision={plant.revisions[1]}"
    found = cast.auditor.get(path)
    [one] = found["characteristics"]
    assert one["found"]["changes"][-1] == {"before": "pass", "after": "fail", "count": 80}
    assert [(one["name"], one["reason"]) for one in found["not_compared"]] == [("c1", "missing")]
    assert found["measured_against"] == [
        {"cad_revision_id": None, "label": "", "values": 80, "is_same_geometry": False}
    ]  # fmt: skip
    assert "only the limits" in found["note"]
    assert cast.auditor("GET", "trends/what-if/revision?cad_revision=cad_none").status_code == 404
    assert cast.auditor("GET", "trends/what-if/revision").status_code == 422
    assert cast.auditor("GET", f"{path}&characteristic_set=set_none").status_code == 404


def test_recall_goes_on_behind_the_last_one(cast: Cast, plant: Plant) -> None:
    first = cast.auditor.get("trends/recall?instrument=S5-0&limit=30")["items"]
    rest = cast.auditor.get(f"trends/recall?instrument=S5-0&after={first[-1]['id']}")["items"]
    assert (len(first), len(rest)) == (30, 10)
    assert {one["asset_id"] for one in first + rest} == {plant.assets[0]}
    assert cast.auditor.get(f"trends/recall?until={SINCE}")["items"] == []


def test_limits_are_frozen_by_editors_once_a_version(cast: Cast, plant: Plant) -> None:
    limits = {"characteristic": "c1", "since": at(0), "until": at(30), "reason": "in control"}
    assert cast.operator("POST", "trends/limits", limits).status_code == 403
    assert cast.operator("GET", "trends/chart?characteristic=c1").status_code == 404
    assert cast.supervisor.made("trends/limits", limits)["version"] == 1
    chart = cast.operator.get("trends/chart?characteristic=c1")
    assert (chart["version"], len(chart["points"])) == (1, 80)
    assert cast.supervisor("POST", "trends/limits", limits | {"until": at(0)}).status_code == 422


def test_artefacts_vouch_for_instruments(cast: Cast, plant: Plant) -> None:
    assert cast.operator.get("trends/instruments")["items"] == []
    reference = {"asset": "press-01", "reason": "ball bar"}
    assert cast.operator("POST", "trends/references", reference).status_code == 403
    cast.supervisor.made("trends/references", reference)
    assert cast.supervisor("POST", "trends/references", reference).status_code == 409
    [state] = cast.operator.get("trends/instruments")["items"]
    assert (state["instrument"], state["checked"]) == ("S5-1", 40)


def test_a_repair_begins_the_trends_of_its_asset_anew(cast: Cast, plant: Plant) -> None:
    repair = {"happened_at": at(39.5), "reason": "new guide"}
    assert cast.operator("POST", "assets/press-00/repairs", repair).status_code == 403
    assert cast.supervisor("POST", "assets/none/repairs", repair).status_code == 404
    late = repair | {"happened_at": "2999-01-01T00:00:00Z"}
    assert cast.supervisor("POST", "assets/press-00/repairs", late).status_code == 422
    cast.supervisor.made("assets/press-00/repairs", repair)
    assert [one["reason"] for one in cast.operator.get("assets/press-00/repairs")["items"]] == ["new guide"]
    assert cast.operator.get("trends/degrading")["items"] == []


def test_a_stranger_learns_nothing(cast: Cast, plant: Plant) -> None:
    assert cast.stranger("GET", "trends/degrading").status_code == 404
    assert cast.device("GET", "trends/degrading").status_code == 403
