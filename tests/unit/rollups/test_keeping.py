"""Roll-ups beside the measurements: built where they are missing, refused with them, put right when values leave."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.errors import InvalidInput
from appliance.measurements.models import MeasuredCharacteristic, Measurement
from appliance.measurements.recording import forget_measurements
from appliance.rollups.keeping import ensure_built, rebuild
from appliance.rollups.reading import BEGINNING, MOST, in_weeks, means_of, of_series, sums_of
from appliance.rollups.records import DAY, HOUR, LIFE, MONTH, WEEK
from appliance.tenancy.scope import WorkspaceScope
from tests.measured_workspace import Plant
from tests.rollup_tables import tables

NOON = "2026-03-01T12:00:00.000000Z"
LATER = "2026-03-01T12:40:00.000000Z"


@pytest.fixture
def plant(scope: WorkspaceScope) -> Plant:
    return Plant.of(scope)


def days(scope: WorkspaceScope) -> list[tuple[object, ...]]:
    """Dimension, measured, passed, failed, below, above, lowest and highest of each day."""
    found = [(row[1], *row[5:8], *row[10:12], *row[-3:-1]) for row in tables(scope)["rollup"] if row[3] == DAY]
    return sorted(found, key=lambda row: (row[0], -(row[-1] or 0)))


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
    buckets = {row[4] for row in tables(plant.scope)["rollup"] if row[3] == DAY}
    assert [one % 86_400 for one in buckets] == [10 * 3600, 10 * 3600]


def test_building_anew_counts_what_counts(plant: Plant) -> None:
    plant.measure(0, NOON, [0.05, None])
    assert rebuild(plant.scope) == 2


def test_characteristics_of_several_chunks_grow_and_leave_as_they_would_be_built(plant: Plant) -> None:
    plant.measure(0, NOON, [n / 1000 for n in range(40)])
    worst = plant.measure(0, LATER, [None if n % 3 else -n / 100 for n in range(50)])
    plant.measure(1, LATER, [0.5, *(n / 500 for n in range(20))])
    forget_measurements(plant.scope, [worst.inspection_id])
    grown = tables(plant.scope)
    assert len({row[0] for row in grown["rollup"]}) == 40
    rebuild(plant.scope)
    assert tables(plant.scope) == grown


def test_a_series_knows_its_own_buckets_only_though_others_share_their_rows(plant: Plant) -> None:
    plant.measure(0, NOON, [0.05, 0.06])
    plant.measure(0, "2026-03-02T12:00:00.000000Z", [0.07])
    calendar = ensure_built(plant.scope)
    with plant.scope as scope:
        ids = {row.name: row.id for row in MeasuredCharacteristic.select()}
        days = [
            of_series(scope.database, calendar, ids[name], "asset", plant.assets[0], DAY, most=most)
            for name, most in (("c0", 2), ("c1", 1))
        ]
        with pytest.raises(InvalidInput):
            of_series(scope.database, calendar, ids["c0"], "asset", plant.assets[0], DAY, most=1)
    assert [[tally.lowest for tally in one.values()] for one in days] == [[50_000, 70_000], [60_000]]


@pytest.mark.parametrize("grain", [HOUR, DAY, WEEK, MONTH, LIFE])
def test_means_are_those_of_the_whole_records(plant: Plant, grain: int) -> None:
    for day, value in ((1, 9e9), (1, 9e9), (2, -0.1), (9, None), (30, 1e-6)):
        plant.measure(0, f"2026-03-{day:02}T12:00:00.000000Z", [value, 0.5])
    calendar = ensure_built(plant.scope)
    with plant.scope as scope:
        [series] = [row.id for row in MeasuredCharacteristic.select() if row.name == "c0"]
        whole = of_series(scope.database, calendar, series, "asset", plant.assets[0], grain)
        asked = DAY if grain == WEEK else grain
        sums = sums_of(scope.database, series, plant.assets[0], asked, BEGINNING, MOST)
        means = means_of(in_weeks(calendar, sums) if grain == WEEK else sums)
    assert means == {bucket: tally.sums.mean() for bucket, tally in whole.items() if tally.sums.count}


def test_a_transaction_that_was_rolled_back_took_its_numbers_with_it(plant: Plant) -> None:
    with pytest.raises(InvalidInput):
        _measure_twice(plant)
    plant.measure(0, NOON, [0.05, 0.06])
    assert {row[0] for row in tables(plant.scope)["rollup"]} == _ids(plant)


def _ids(plant: Plant) -> set[str]:
    with plant.scope:
        return {row.id for row in MeasuredCharacteristic.select().where(MeasuredCharacteristic.name.in_(["c0", "c1"]))}


def _measure_twice(plant: Plant) -> None:
    with plant.scope.transaction():
        plant.measure(0, LATER, [0.06])
        plant.measure(1, LATER, [1e300])
