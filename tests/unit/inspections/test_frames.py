"""A pose in which the stations would have looked through the part is not believed."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.alignment.records import Alignment
from appliance.inspections.frames import Stations, doubted_by_stations

FITTED = Alignment(np.eye(4), "best_fit_all", 0.01, 1000, np.empty((0, 6)), np.zeros(3))


@pytest.mark.parametrize(
    ("shares", "ambiguous"), [([0.07, 0.1], True), ([0.07, 0.98], False), ([0.5], False), ([], False)]
)
def test_only_a_pose_that_every_station_denies_is_ambiguous(shares: list[float], ambiguous: bool) -> None:
    found = doubted_by_stations(FITTED, Stations([], [], shares))
    assert found.ambiguous is ambiguous
    assert bool(found.reasons) is ambiguous


def test_a_supplied_pose_is_left_as_it_was_given() -> None:
    supplied = Alignment(np.eye(4), "supplied", 0.01, 1000, np.empty((0, 6)), np.zeros(3))
    assert not doubted_by_stations(supplied, Stations([], [], [0.05])).ambiguous
