"""Degradation maps: which cells move, how fast, from which versions, and when nothing can be said."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.errors import Conflict
from appliance.spc.fields import field_trends
from appliance.twin.degradation import DAYS_A_MONTH, Means, degradation_map
from appliance.twin.records import nanometres
from appliance.twin.service import roll_back
from tests.unit.twin.conftest import CELLS, Plant, flat_field, on, plate

RNG = np.random.default_rng(5)
DAYS = range(1, 13)


def wear(day: int) -> np.ndarray:
    """Two of twenty cells lose 0.01 mm a day; all carry noise of 1 um."""
    return np.where(np.arange(CELLS) < 2, -0.01 * day, 0.0) + RNG.normal(0, 0.001, CELLS)


def test_cells_that_wear_are_called_with_their_slope_a_month_and_no_others(plant: Plant) -> None:
    for day in DAYS:
        plant.recorded(day, flat_field(wear(day)))
    found = degradation_map(plant.scope, plant.asset)
    assert np.flatnonzero(found.changing).tolist() == [0, 1]
    np.testing.assert_allclose(found.slope_mm_per_month[:2], -0.01 * DAYS_A_MONTH, rtol=0.05)
    [every, left] = found.zones
    assert (every.zone, every.falling, every.rising, every.changing_area_mm2) == ("all", 2, 0, 2.0)
    assert (left.falling, left.fastest_fall) == (2, pytest.approx(-0.304, rel=0.05))


def test_versions_that_count_no_longer_are_in_no_map(plant: Plant) -> None:
    versions = [plant.recorded(day, flat_field(wear(day))) for day in DAYS]
    roll_back(plant.scope, plant.asset, versions[5].id, "the wrong part")
    found = degradation_map(plant.scope, plant.asset)
    assert [row.measured_at for row in found.versions] == [on(day) for day in range(1, 7)]


def test_a_series_begins_where_it_is_told_to_and_where_the_cad_changes(plant: Plant) -> None:
    for day in DAYS:
        plant.recorded(day, flat_field(wear(day)), cells="old" if day < 5 else "new")
    assert len(degradation_map(plant.scope, plant.asset).versions) == 8
    assert len(degradation_map(plant.scope, plant.asset, across_revisions=True).versions) == 12
    assert len(degradation_map(plant.scope, plant.asset, since=on(7), until=on(12)).versions) == 5
    with pytest.raises(Conflict, match="4 versions"):
        degradation_map(plant.scope, plant.asset, since=on(9))


def test_a_map_across_revisions_follows_the_surface_and_not_the_design(plant: Plant) -> None:
    for day in DAYS:
        raised = day >= 7
        field = flat_field(RNG.normal(-0.3 if raised else 0.0, 0.001, CELLS))
        plant.recorded(day, field, skin=plate(0.3 if raised else 0.0), cells="new" if raised else "old")
    assert not degradation_map(plant.scope, plant.asset, across_revisions=True).changing.any()


def test_stored_means_have_the_trends_of_the_fields_themselves() -> None:
    days = np.sort(RNG.uniform(0, 100, 14))
    fields = [np.round(RNG.normal(0, 0.01, 300) + 1e-4 * day, 6) for day in days]
    for field in fields:
        field[RNG.random(300) < 0.2] = np.nan
    stored = [Means(nanometres(field, ~np.isnan(field))) for field in fields]
    found, expected = field_trends(days, stored), field_trends(days, fields)  # type: ignore[arg-type]
    for name in ("count", "slope", "score", "variance", "p"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
