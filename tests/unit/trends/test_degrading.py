"""What degrades: found among what does not, in the right direction, with days that fit the line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from appliance.core.clock import rfc3339_us
from appliance.errors import InvalidInput, NotFound
from appliance.tenancy.scope import WorkspaceScope
from appliance.trends.degrading import degrading, evidence_of
from appliance.trends.instruments import declare_reference
from appliance.trends.records import DEGRADES, RECOVERS, STEADY, Due
from appliance.trends.repairs import repaired
from tests.measured_workspace import Plant

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
DAYS = 40


@pytest.fixture
def plant(scope: WorkspaceScope) -> Plant:
    return Plant.of(scope)


def at(day: float) -> str:
    return rfc3339_us(START + timedelta(days=day))


def measured(
    plant: Plant, asset: int, slopes: list[float], start: float = 0.0, days: int = DAYS, first: int = 0
) -> None:
    noise = np.random.default_rng(asset).normal(0.0, 0.002, (days, len(slopes)))
    for day in range(days):
        values = [start + slope * day + noise[day, n] for n, slope in enumerate(slopes)]
        plant.measure(asset, at(first + day), values)


def test_what_moves_to_its_limit_is_found_with_its_slope_and_its_days(plant: Plant) -> None:
    measured(plant, 0, [0.001, 0.0])
    measured(plant, 1, [0.0, 0.0])
    found = degrading(plant.scope)
    assert (found.screened, found.tested) == (4, 4)
    [one] = found.items
    assert (one.finding, one.asset, one.characteristic, one.zone) == (DEGRADES, "press-00", "c0", "z")
    per_month = 0.001 * 365.25 / 12
    assert (one.slope_lower or 1) < per_month < (one.slope_upper or 0)
    assert one.slope == pytest.approx(per_month, rel=0.1)
    # 0.001 a day from 0: with u = 0.01 "pass" ends at 0.1 - 1.65 u = 0.0835, "fail" begins at 0.1 + 1.65 u
    _is_about(one.leaves_pass, 83.5)
    _is_about(one.reaches_fail, 116.5)


def _is_about(due: Due | None, day: float) -> None:
    assert due is not None
    assert (due.earliest or "9") <= (due.at or "") <= (due.latest or "")
    assert abs(datetime.fromisoformat(due.at or "") - START - timedelta(days=day)) < timedelta(days=day / 10)


def test_what_comes_back_to_the_middle_recovers(plant: Plant) -> None:
    measured(plant, 0, [-0.001], start=0.08)
    assert [one.finding for one in degrading(plant.scope).items] == [RECOVERS]


def test_nothing_is_found_where_nothing_moves(plant: Plant) -> None:
    measured(plant, 0, [0.0] * 10)
    assert degrading(plant.scope).items == ()


def test_one_part_or_one_asset_may_be_asked_for(plant: Plant) -> None:
    measured(plant, 0, [0.001])
    assert len(degrading(plant.scope, asset=plant.assets[0]).items) == 1
    assert len(degrading(plant.scope, part=plant.part).items) == 1
    assert degrading(plant.scope, asset=plant.assets[1]).items == ()
    assert degrading(plant.scope, part="prt_none").items == ()


def test_after_a_repair_the_past_says_nothing(plant: Plant) -> None:
    measured(plant, 0, [0.002])
    assert len(degrading(plant.scope).items) == 1
    measured(plant, 0, [0.0], start=0.08, first=DAYS)
    repaired(plant.scope, "press-00", at(DAYS - 0.5), "new guide")
    assert degrading(plant.scope).items == ()
    with plant.scope:
        characteristic = plant.scope.database.fetch("SELECT id FROM characteristic")[0][0]
    one = evidence_of(plant.scope, plant.assets[0], characteristic)
    assert (one.finding, one.measured) == (STEADY, DAYS)


def test_a_new_revision_of_the_model_is_no_wear(plant: Plant) -> None:
    rng = np.random.default_rng(3)
    for day in range(DAYS):
        late = day >= DAYS // 2
        plant.measure(0, at(day), [0.03 * late + rng.normal(0, 0.002)], revision=plant.revisions[late])
    assert degrading(plant.scope).items == ()


def test_long_lives_are_read_by_their_means(plant: Plant) -> None:
    rng = np.random.default_rng(5)
    with plant.scope.transaction():
        for n in range(400):
            plant.measure(0, at(n / 8), [0.001 * n / 8 + rng.normal(0, 0.002)])
    [one] = degrading(plant.scope).items
    assert (one.measured, one.points_are, one.points) == (400, "day", 51)
    assert one.slope == pytest.approx(0.001 * 365.25 / 12, rel=0.1)


def test_one_series_has_the_days_of_the_joint_bootstrap(plant: Plant) -> None:
    measured(plant, 0, [0.001])
    [ranked] = degrading(plant.scope).items
    one = evidence_of(plant.scope, ranked.asset_id, ranked.characteristic_id)
    assert (one.slope, one.p, one.q) == (ranked.slope, ranked.p, None)
    due, ranked_due = one.reaches_fail, ranked.reaches_fail
    assert due is not None
    assert ranked_due is not None
    assert due.at == ranked_due.at
    assert due.earliest != ranked_due.earliest


def test_a_moving_artefact_makes_its_instrument_suspect_and_is_no_finding_itself(plant: Plant) -> None:
    rng = np.random.default_rng(7)
    for day in range(DAYS):
        plant.measure(0, at(day), [0.001 * day + rng.normal(0, 0.002)], instrument=plant.instruments[0])
        drift = max(0, day - 25) * 0.004
        plant.measure(1, at(day), [drift + rng.normal(0, 0.002)], instrument=plant.instruments[0])
    assert {one.instrument_is_suspect for one in degrading(plant.scope).items} == {False}
    declare_reference(plant.scope, "press-01", "ball bar")
    [one] = degrading(plant.scope).items
    assert (one.asset, one.instrument_is_suspect) == ("press-00", True)


def test_too_little_is_refused_and_nothing_is_not_found(plant: Plant) -> None:
    plant.measure(0, at(0), [0.0])
    with plant.scope:
        characteristic = plant.scope.database.fetch("SELECT id FROM characteristic")[0][0]
    with pytest.raises(InvalidInput):
        evidence_of(plant.scope, plant.assets[0], characteristic)
    with pytest.raises(NotFound):
        evidence_of(plant.scope, plant.assets[1], characteristic)
