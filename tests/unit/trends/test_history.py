"""Series as trends see them: every value, or the means of the shortest buckets that are few enough."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from appliance.core.clock import rfc3339_us
from appliance.measurements.models import MeasuredCharacteristic
from appliance.rollups.keeping import ensure_built
from appliance.tenancy.scope import WorkspaceScope
from appliance.trends.capability import _LIMITS, _VALUES, _VALUES_OF_ASSET
from appliance.trends.history import MOST_POINTS, Asked, History, histories_of
from tests.measured_workspace import Plant

START = datetime(2025, 1, 6, tzinfo=UTC)


@pytest.fixture
def plant(scope: WorkspaceScope) -> Plant:
    return Plant.of(scope)


def history(plant: Plant, step: timedelta, count: int) -> History:
    """The history of ``count`` values, each ``step`` after the one before; the n-th is n thousandths."""
    for n in range(count):
        plant.measure(0, rfc3339_us(START + n * step), [n / 1_000])
    calendar = ensure_built(plant.scope)
    with plant.scope as scope:
        [known] = MeasuredCharacteristic.alike(name="c0")
        [found] = histories_of(scope.database, calendar, [Asked(known.id, plant.assets[0], count, 0, ())])
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("step", "count", "kind", "points"),
    [
        (timedelta(hours=1), MOST_POINTS, "value", MOST_POINTS),
        (timedelta(minutes=30), 200, "hour", 100),
        (timedelta(hours=1), 200, "day", 9),
        (timedelta(hours=16), 210, "week", 20),
        (timedelta(days=6), 150, "week", 128),
        (timedelta(days=7), 150, "month", 35),
    ],
)
def test_the_shortest_buckets_that_are_few_enough_are_taken(
    plant: Plant, step: timedelta, count: int, kind: str, points: int
) -> None:
    found = history(plant, step, count)
    assert (found.points, len(found.series.value)) == (kind, points)
    assert (np.diff(found.series.time_days) > 0).all()
    assert (np.diff(found.series.value) > 0).all()


@pytest.mark.sqlite
@pytest.mark.parametrize("question", [_LIMITS, _VALUES, _VALUES_OF_ASSET])
def test_values_of_a_period_are_found_asset_by_asset(scope: WorkspaceScope, question: str) -> None:
    with scope:
        plan = [row[3] for row in scope.database.fetch(f"EXPLAIN QUERY PLAN {question}", *["x"] * question.count("?"))]
    by_series = "measurement_by_characteristic (characteristic_id=? AND asset_id=?"
    assert any(by_series in step for step in plan), plan
