"""Roll-ups beside the measurements: built where they are missing, refused with them, put right when values leave."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.errors import InvalidInput
from appliance.measurements.models import Measurement
from appliance.measurements.recording import forget_measurements
from appliance.rollups.keeping import ensure_built, rebuild
from appliance.tenancy.scope import WorkspaceScope
from tests.measured_workspace import Plant

NOON = "2026-03-01T12:00:00.000000Z"
LATER = "2026-03-01T12:40:00.000000Z"
_DAYS = (
    "SELECT s.dimension, r.measured, r.passed, r.failed, r.below, r.above, r.lowest, r.highest FROM rollup r "
    "JOIN rollup_series s ON s.id = r.series WHERE r.grain = 1 ORDER BY s.dimension, r.highest DESC"
)


@pytest.fixture
def plant(scope: WorkspaceScope) -> Plant:
    return Plant.of(scope)


def days(scope: WorkspaceScope) -> list[tuple[object, ...]]:
    with scope:
        return scope.database.fetch(_DAYS)


def test_measurements_are_counted_where_they_are_written(plant: Plant) -> None:
    plant.measure(0, NOON, [0.05])
    plant.measure(0, LATER, [-0.2])
    assert days(plant.scope) == [
        ("asset", 2, 1, 1, 1, 0, -200_000, 50_000),
        ("part", 2, 1, 1, 1, 0, -200_000, 50_000),
    ]


def test_the_smallest_value_that_leaves_gives_its_place_to_the_next(plant: Plant) -> None:
    plant.measure(1, NOON, [0.01])
    plant.measure(0, NOON, [0.05])
    worst = plant.measure(0, LATER, [-0.2])
    forget_measurements(plant.scope, [worst.inspection_id])
    assert [row[-2:] for row in days(plant.scope)] == [(50_000, 50_000), (10_000, 10_000), (10_000, 50_000)]


def test_what_is_not_measured_is_counted_as_that_and_leaves_too(plant: Plant) -> None:
    occasion = plant.measure(0, NOON, [None])
    assert days(plant.scope)[0] == ("asset", 0, 0, 0, 0, 0, None, None)
    forget_measurements(plant.scope, [occasion.inspection_id])
    assert days(plant.scope) == []


def test_a_transaction_that_fails_later_leaves_neither_measurements_nor_roll_ups(plant: Plant) -> None:
    plant.measure(0, NOON, [0.05])
    before = days(plant.scope)
    with pytest.raises(InvalidInput):
        _measure_twice(plant)
    assert days(plant.scope) == before


def test_a_value_that_cannot_be_counted_is_refused_with_all_of_its_inspection(plant: Plant) -> None:
    plant.measure(0, NOON, [0.05])
    with pytest.raises(InvalidInput):
        plant.measure(0, LATER, [0.05, 1e300])
    with plant.scope:
        assert Measurement.select().count() == 1


def test_a_database_that_has_no_roll_ups_yet_gets_them_from_its_measurements(plant: Plant) -> None:
    plant.measure(0, NOON, [0.05])
    with plant.scope.transaction():
        plant.scope.database.run("DELETE FROM rollup")
        plant.scope.database.run("DELETE FROM rollup_state")
    plant.measure(0, LATER, [0.07])
    assert days(plant.scope)[0] == ("asset", 2, 2, 0, 0, 0, 50_000, 70_000)


def test_another_clock_of_the_site_counts_the_days_anew(plant: Plant) -> None:
    plant.measure(0, "2026-03-01T12:00:00.000000Z", [0.05])
    plant.measure(0, "2026-03-02T12:00:00.000000Z", [0.05])
    assert len(days(plant.scope)) == 4
    kiritimati = replace(plant.scope.settings, time_zone="Pacific/Kiritimati")  # 14 hours ahead
    elsewhere = replace(plant.scope, settings=kiritimati)
    assert ensure_built(elsewhere).zone == "Pacific/Kiritimati"
    buckets = "SELECT DISTINCT bucket FROM rollup WHERE grain = 1 ORDER BY bucket"
    with plant.scope:
        assert [one % 86_400 for (one,) in plant.scope.database.fetch(buckets)] == [10 * 3600, 10 * 3600]


def test_building_anew_counts_what_counts(plant: Plant) -> None:
    plant.measure(0, NOON, [0.05, None])
    assert rebuild(plant.scope) == 2


def _measure_twice(plant: Plant) -> None:
    with plant.scope.transaction():
        plant.measure(0, LATER, [0.06])
        plant.measure(1, LATER, [1e300])
