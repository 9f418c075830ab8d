"""Changes of level: Pettitt's own example, his published chance, false alarms, several changes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import rankdata

from appliance.errors import InvalidInput
from appliance.spc.change_point import _ranks, change_point, change_points
from appliance.spc.reference_data import PETTITT


def test_pettitts_example_changes_after_its_seventeenth_value() -> None:
    """Published: K = 232, change after 17, p = 0.0146 by the asymptotic formula."""
    found = change_point(PETTITT)
    assert (found.index, found.statistic) == (17, 232)
    assert found.p_asymptotic == pytest.approx(0.0146, abs=5.1e-5)
    assert found.p < found.p_asymptotic
    assert found.after - found.before == pytest.approx(1.0, abs=0.05)


def test_ranks_are_those_of_scipy_where_values_are_alike() -> None:
    values = np.random.default_rng(0).integers(0, 8, 60).astype(float)
    np.testing.assert_array_equal(_ranks(values), rankdata(values))


def test_permutations_of_noise_find_a_change_as_often_as_stated() -> None:
    found = sum(change_point(values).p <= 0.05 for values in np.random.default_rng(6).normal(size=(300, 25)))
    assert found / 300 == pytest.approx(0.05, abs=0.035)


def test_several_changes_are_found_where_they_are() -> None:
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.normal(level, 0.3, 30) for level in (0.0, 2.0, -1.0)])
    found = change_points(values)
    assert [change.index for change in found] == pytest.approx([30, 60], abs=1)
    assert found[0].after - found[0].before > 1.5


def test_moving_neighbours_together_takes_false_alarms_away_where_they_are_alike() -> None:
    noise = np.random.default_rng(2).normal(size=(150, 140))
    values = np.zeros_like(noise)
    for k in range(1, 140):
        values[:, k] = 0.6 * values[:, k - 1] + noise[:, k]
    alone = np.mean([change_point(row[40:]).p <= 0.05 for row in values])
    together = np.mean([change_point(row[40:], block=10).p <= 0.05 for row in values])
    assert alone > 0.25
    assert together < 0.15


def test_the_same_seed_gives_the_same_chance() -> None:
    assert change_point(PETTITT, seed=3) == change_point(PETTITT, seed=3)
    assert change_point(PETTITT, seed=3).p != change_point(PETTITT, seed=4).p


def test_short_series_have_no_changes_and_no_test() -> None:
    assert change_points([1.0, 9.0]) == ()
    with pytest.raises(InvalidInput, match="at least 6"):
        change_point([1.0, 2.0, 3.0, 4.0, 5.0])
    with pytest.raises(InvalidInput, match="blocks"):
        change_point(np.arange(20.0), block=4)
