"""Degradation maps: every cell as its own series would say, few false discoveries, bounded memory."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from appliance.errors import InvalidInput
from appliance.spc.false_discovery import adjusted, discoveries
from appliance.spc.fields import field_trends, partitions, slope_intervals
from appliance.spc.series import series_of
from appliance.spc.trend import trend_of

RNG = np.random.default_rng(41)


def versions(count: int, cells: int, gaps: float) -> tuple[np.ndarray, list[np.ndarray]]:
    """Fields with ties in a third of the cells and gaps."""
    time = np.sort(RNG.uniform(0, 300, count))
    field = RNG.normal(size=(count, cells)) + np.where(np.arange(cells) % 2, 0.01, 0.0) * time[:, None]
    field[:, ::3] = np.round(field[:, ::3])
    field[RNG.random((count, cells)) < gaps] = np.nan
    return time, list(field)


@pytest.mark.parametrize(("count", "gaps"), [(5, 0.0), (8, 0.3), (14, 0.2), (40, 0.1)])
def test_every_cell_has_the_trend_of_its_own_series(count: int, gaps: float) -> None:
    time, fields = versions(count, 200, gaps)
    found = field_trends(time, fields)
    lower, upper = slope_intervals(time, fields, found, np.ones(200, dtype=np.bool_))
    for cell in range(200):
        value = np.array([field[cell] for field in fields])
        known = ~np.isnan(value)
        assert found.count[cell] == known.sum()
        if known.sum() < 3:
            continue
        own = trend_of(series_of(time[known], value[known]))
        assert found.score[cell] == own.test.score
        assert found.slope[cell] == own.slope
        # the inflation is read from a table
        assert found.p[cell] == pytest.approx(own.test.p, rel=2e-3)
        if own.test.method == "normal":
            assert (lower[cell], upper[cell]) == pytest.approx((own.lower, own.upper), rel=0.05, abs=2e-4)


def test_cells_that_were_seen_once_or_never_have_no_trend() -> None:
    nan = np.nan
    found = field_trends(np.arange(3.0), [np.array([1.0, nan, 1.0]), np.array([nan, nan, 2.0]), np.array([nan] * 3)])
    assert found.count.tolist() == [1, 0, 2]
    assert np.isnan(found.p).tolist() == [True, True, False]
    assert np.isnan(found.slope).tolist() == [True, True, False]
    assert not found.changing().any()


def test_an_infinite_deviation_is_as_good_as_none() -> None:
    time = np.arange(6.0)
    fields = [np.array([0.1 * k, 0.1 * k]) for k in range(6)]
    fields[2] = np.array([np.inf, np.nan])
    fields[4] = np.array([-np.inf, np.nan])
    found = field_trends(time, fields)
    assert found.count.tolist() == [4, 4]
    assert found.slope[0] == found.slope[1] == pytest.approx(0.1)


def test_a_map_calls_what_degrades_and_hardly_anything_else() -> None:
    time = np.arange(30.0) * 30.0
    field = RNG.normal(0, 0.02, (30, 20_000))
    field[:, :500] += 1.5e-4 * time[:, None]
    changing = field_trends(time, list(field)).changing()
    assert changing[:500].mean() > 0.95
    assert changing[500:].sum() <= 0.08 * changing.sum()
    # each test at 5 % by itself would call several hundred of the others
    assert (field_trends(time, list(field), independent=True).p[500:] < 0.05).sum() > 700


def test_the_sum_of_ties_names_the_ties_of_up_to_ten_values() -> None:
    for n in range(2, 11):
        sums = [sum(t * (t - 1) * (2 * t + 5) for t in ties) for ties in partitions(n)]
        assert len(set(sums)) == len(sums)


def test_one_thread_and_many_give_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    time, fields = versions(12, 9000, 0.1)
    found = []
    for threads in ("1", "3"):
        monkeypatch.setenv("D2R_THREADS", threads)
        found.append(field_trends(time, fields))
    assert found[0].p.tobytes() == found[1].p.tobytes()
    assert found[0].slope.tobytes() == found[1].slope.tobytes()


def test_versions_of_one_moment_or_of_other_cells_are_refused() -> None:
    field = np.zeros(4)
    with pytest.raises(InvalidInput, match="order"):
        field_trends(np.array([0.0, 0.0]), [field, field])
    with pytest.raises(InvalidInput, match="number of cells"):
        field_trends(np.array([0.0, 1.0]), [field, np.zeros(5)])


def test_adjusted_p_are_those_that_benjamini_and_hochberg_print() -> None:
    """Their example of 15 tests: four are rejected at 0.05, the fourth with p = 0.0095."""
    p = np.array(
        [
            0.0001,
            0.0004,
            0.0019,
            0.0095,
            0.0201,
            0.0278,
            0.0298,
            0.0344,
            0.0459,
            0.3240,
            0.4262,
            0.5719,
            0.6528,
            0.7590,
            1.0,
        ]
    )
    assert discoveries(p).sum() == 4
    assert adjusted(p)[3] == pytest.approx(0.0095 * 15 / 4)


def test_adjusted_p_are_those_of_scipy() -> None:
    p = np.round(RNG.random((30, 40)) ** 2, 3)
    np.testing.assert_allclose(adjusted(p), false_discovery_control(p.ravel()).reshape(p.shape), rtol=1e-12)
    assert adjusted(np.array([])).shape == (0,)


def test_what_is_no_test_is_no_discovery_and_does_not_count() -> None:
    p = np.array([np.nan, 0.02, np.nan, 0.03])
    np.testing.assert_allclose(adjusted(p), [np.nan, 0.03, np.nan, 0.03])
    assert discoveries(p).tolist() == [False, True, False, True]
