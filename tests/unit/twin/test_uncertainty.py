"""The standard uncertainty of each cell, line by line, by closed forms."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from appliance.alignment.records import Alignment
from appliance.qc.records import Instrument
from appliance.twin.uncertainty import cell_uncertainty_mm

UP = np.array([[0.0, 0, 1], [0, 0, 1]])


def field(sd_mm: float = 0.0, count: int = 25) -> Any:
    """Two cells of 4 mm2 that look upwards, at 0 and 100 mm from the pivot along x."""
    cells = SimpleNamespace(centre_mm=np.array([[0.0, 0, 0], [100, 0, 0]]), normal=UP, area_mm2=np.full(2, 4.0))
    return SimpleNamespace(cells=cells, count=np.full(2, count), sd_mm=np.full(2, sd_mm))


def aligned(replicates: Any = ()) -> Alignment:
    return Alignment(
        np.eye(4), "best_fit_all", 0.0, 1, np.reshape(np.asarray(replicates, dtype=float), (-1, 6)), np.zeros(3)
    )


def u_of(found: Any, alignment: Alignment, instrument: Instrument | None) -> Any:
    return cell_uncertainty_mm(found, np.ones(2, np.bool_), alignment, instrument)


def test_calibration_and_the_noise_of_the_mean_add_in_squares() -> None:
    # 0.05 / sqrt(25) = 0.01; with calibration 0.024: 0.026
    assert u_of(field(0.05), aligned(), Instrument(u_cal_mm=0.024)) == pytest.approx(0.026)


def test_no_more_points_count_than_are_independent_of_each_other() -> None:
    # patches of 1 mm on 4 mm2: n_eff = 4, so 0.05 / 2
    found = u_of(field(0.05), aligned(), Instrument(u_cal_mm=0.0, correlation_mm=1.0))
    assert found == pytest.approx(0.025)


def test_a_tilt_of_the_fit_counts_more_the_farther_away_a_cell_is() -> None:
    # two replicates that turn by +- 1e-4 rad about y: jackknife variance (g - 1)/g sum = 1e-8 rad2
    turn = [[0, 1e-4, 0, 0, 0, 0], [0, -1e-4, 0, 0, 0, 0]]
    assert u_of(field(), aligned(turn), Instrument(u_cal_mm=0.0)) == pytest.approx([0.0, 0.01])


def test_an_uncorrected_temperature_counts_by_the_distance_from_the_pivot() -> None:
    warm = Instrument(u_cal_mm=0.0, temperature_c=25.0, expansion_per_k=1e-5)
    assert u_of(field(), aligned(), warm) == pytest.approx([0.0, 0.005])


def test_without_a_stated_instrument_or_a_known_fit_no_uncertainty_is_known() -> None:
    unknown = [[0, np.inf, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]]
    assert np.isnan(u_of(field(), aligned(), None)).all()
    assert np.isnan(u_of(field(), aligned(), Instrument())).all()
    with np.errstate(invalid="ignore"):
        assert np.isnan(u_of(field(), aligned(unknown), Instrument(u_cal_mm=0.01))).all()


def test_a_cell_that_was_not_covered_has_none() -> None:
    found = cell_uncertainty_mm(field(), np.array([True, False]), aligned(), Instrument(u_cal_mm=0.01))
    assert np.isnan(found).tolist() == [False, True]
