"""The median slope by sweeping, against all slopes sorted: exact where it answers, and it answers nearly always."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.spc.sweep import sweep_of, swept_median

RNG = np.random.default_rng(23)
N = 100


def swept(y: np.ndarray, time: np.ndarray, first: float, step: float) -> tuple[int, int, int, float]:
    return swept_median(y, time, first, step, sweep_of(len(y)))


def expected(y: np.ndarray, time: np.ndarray) -> tuple[int, int, int, float]:
    """Rising, falling, all pairs and their median, from the slopes of all pairs."""
    i, j = np.triu_indices(len(y), 1)
    slope = np.sort((y[j] - y[i]) * (1.0 / (time[j] - time[i])))
    slope = slope[~np.isnan(slope)]
    middle = slope[(len(slope) - 1) // 2], slope[len(slope) // 2]
    median = middle[0] if len(slope) % 2 else 0.5 * (middle[0] + middle[1])
    return int((slope > 0).sum()), int((slope < 0).sum()), len(slope), float(median)


def series(n: int, rows: int) -> np.ndarray:
    """Nanometres as stored, in mm: noise, wear, gaps, outliers, steps."""
    y = RNG.normal(0, 0.01, (rows, n))
    y[1::5] -= 1e-3 * np.arange(n)
    y[2::5] = RNG.standard_cauchy(y[2::5].shape) * 0.01
    y[3::5] += np.where(np.arange(n) > n // 2, 0.5, 0.0)
    y[4::5, ::7] = 0.0
    y[RNG.random(y.shape) < 0.05] = np.nan
    return np.round(y, 6)


@pytest.mark.parametrize("spacing", ["daily", "at random", "two within a minute"])
@pytest.mark.parametrize("n", [16, 64, 65, N, 200])
def test_what_is_found_is_the_median_of_all_slopes(n: int, spacing: str) -> None:
    time = np.arange(float(n)) if spacing == "daily" else np.sort(RNG.uniform(0, 3000, n))
    if spacing == "two within a minute":
        time[n // 3 + 1] = time[n // 3] + 1 / 1440
    silent = 0
    for y in series(n, 100):
        found = swept(y, time, 1.23456789e-6, 1e-7)
        silent += found[2] < 0
        if found[2] >= 0:
            assert found == expected(y, time)
    assert silent <= 10


@pytest.mark.parametrize("first", [0.0, 1e-6, 1e3, -1e3, 1e-12, np.nan, np.inf])
@pytest.mark.parametrize("step", [1e-300, 1e-7, 1e3])
def test_where_the_search_begins_changes_nothing(first: float, step: float) -> None:
    time = np.arange(float(N))
    for y in series(N, 10):
        found = swept(y, time, first, step)
        assert found[2] < 0 or found == expected(y, time)


@pytest.mark.parametrize("name", ["a straight line", "too small", "too large", "two values", "none"])
def test_where_rounding_could_decide_the_search_proves_nothing(name: str) -> None:
    time, noise = np.arange(float(N)), RNG.normal(size=N)
    y = {
        "a straight line": 0.1 * time,
        "too small": noise * 1e-200,
        "too large": noise * 1e200,
        "two values": np.where(np.arange(N) < 2, noise, np.nan),
        "none": np.full(N, np.nan),
    }[name]
    assert swept(y, time, 0.1, 1e-6)[2] == -1


def test_half_of_all_pairs_alike_have_no_slope() -> None:
    y = np.where(np.arange(N) < 90, 3.0, RNG.normal(size=N))
    assert swept(y, np.arange(float(N)), 0.0, 1e-3) == expected(y, np.arange(float(N)))
    assert swept(y, np.arange(float(N)), 0.0, 1e-3)[3] == 0.0


def test_residuals_that_rounding_brings_together_are_not_ordered_by_it() -> None:
    """Slopes a rounding error apart about the median: an order of residuals would say which is which, and be wrong."""
    time = np.arange(32.0)
    for shift in range(20):
        y = 1e3 + 0.1 * time + RNG.integers(-2, 3, 32) * np.spacing(1e3) + shift
        found = swept(y, time, 0.1, 1e-9)
        assert found[2] < 0 or found == expected(y, time)
