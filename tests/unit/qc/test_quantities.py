"""Sampling uncertainty in closed form against bootstraps that really draw."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.qc.quantities import (
    CellStatistics,
    motion_shift,
    percentile_rank,
    percentile_weights,
    sampling_u_of_extreme,
    sampling_u_of_mean,
    sampling_u_of_percentile,
)


def drawn_cells(seed: int = 5, cells: int = 60) -> tuple[CellStatistics, list[np.ndarray]]:
    generator = np.random.default_rng(seed)
    values = [generator.normal(generator.normal(0, 0.05), 0.03, generator.integers(40, 80)) for _ in range(cells)]
    centre = generator.uniform(-50, 50, (cells, 3))
    normal = generator.normal(size=(cells, 3))
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    return table_of(values, centre, normal), values


def table_of(values: list[np.ndarray], centre: np.ndarray, normal: np.ndarray) -> CellStatistics:
    spread = [v.std(ddof=1) if len(v) > 1 else 0.0 for v in values]
    return CellStatistics(
        np.array([len(v) for v in values]), np.array([v.mean() for v in values]), np.array(spread),
        centre, normal, np.full(len(values), 4.0),
    )  # fmt: skip


def bootstrap(values: list[np.ndarray], statistic, replicates: int = 4000) -> float:
    generator = np.random.default_rng(11)
    drawn = generator.integers(0, len(values), (replicates, len(values)))
    return float(np.std([statistic([values[i] for i in row]) for row in drawn]))


def test_the_mean_agrees_with_a_bootstrap_over_cells() -> None:
    table, values = drawn_cells()
    mean = float(np.concatenate(values).mean())
    expected = bootstrap(values, lambda chosen: np.concatenate(chosen).mean(), 1500)
    assert sampling_u_of_mean(table, mean) == pytest.approx(expected, rel=0.08)


def test_a_percentile_agrees_with_a_bootstrap_over_cells() -> None:
    table, values = drawn_cells()
    p90 = float(np.percentile(np.concatenate(values), 90))
    expected = bootstrap(values, lambda chosen: np.percentile(np.concatenate(chosen), 90), 1500)
    assert sampling_u_of_percentile(table, p90, 0.9) == pytest.approx(expected, rel=0.25)


@pytest.mark.parametrize("percent", [5, 50, 95])
def test_percentiles_of_a_wavy_and_unevenly_scanned_zone_agree_with_a_bootstrap_over_cells(percent: int) -> None:
    generator = np.random.default_rng(2)
    values = [
        0.1 * np.sin(generator.uniform(0, 1, 20 + 6 * column) + column) + generator.normal(0.005 * row, 0.02)
        + generator.normal(0, 0.02, 20 + 6 * column)
        for column in range(10)
        for row in range(10)
    ]  # fmt: skip
    table = table_of(values, np.zeros((100, 3)), np.zeros((100, 3)))
    value = float(np.percentile(np.concatenate(values), percent))
    expected = bootstrap(values, lambda chosen: np.percentile(np.concatenate(chosen), percent), 1500)
    assert sampling_u_of_percentile(table, value, percent / 100) == pytest.approx(expected, rel=0.25)


def test_one_point_a_cell_gives_the_error_of_a_mean() -> None:
    values = np.random.default_rng(3).normal(0, 1, 100)
    table = table_of([values[i : i + 1] for i in range(100)], np.zeros((100, 3)), np.zeros((100, 3)))
    assert sampling_u_of_mean(table, float(values.mean())) == pytest.approx(values.std() / 10.0, rel=1e-9)


@pytest.mark.parametrize("largest", [True, False])
def test_an_extreme_agrees_with_a_bootstrap_over_cells(largest: bool) -> None:
    table, _ = drawn_cells()
    means = [np.array([mean]) for mean in table.mean_mm]
    expected = bootstrap(means, lambda chosen: max(chosen) if largest else min(chosen), 20000)
    assert sampling_u_of_extreme(table.mean_mm, largest=largest) == pytest.approx(expected, rel=0.05)


def test_the_sampling_uncertainty_of_one_cell_is_zero() -> None:
    assert sampling_u_of_extreme(np.array([0.3]), largest=True) == 0.0


def test_a_percentile_shifts_by_the_mean_shift_of_the_cells_that_hold_it() -> None:
    table, values = drawn_cells()
    shift = np.linspace(-2e-3, 2e-3, len(values))
    p90 = float(np.percentile(np.concatenate(values), 90))
    moved = np.percentile(np.concatenate([v + s for v, s in zip(values, shift, strict=True)]), 90)
    assert percentile_weights(table, p90) @ shift == pytest.approx(moved - p90, abs=3e-4)
    assert percentile_weights(table, p90) @ np.full(len(values), 0.01) == pytest.approx(0.01)


def test_a_motion_shifts_a_cell_by_its_displacement_along_the_normal() -> None:
    table, _ = drawn_cells()
    one = table.subset(np.arange(len(table.count)) == 3)
    pivot = np.array([1.0, 2.0, 3.0])
    translation = motion_shift(one, np.array([0, 0, 0, 0.1, -0.2, 0.3]), pivot)
    assert translation[0] == pytest.approx(one.normal[0] @ [0.1, -0.2, 0.3])
    turn = motion_shift(one, np.array([0, 0, 1e-3, 0, 0, 0]), pivot)
    arm = one.centre_mm[0] - pivot
    assert turn[0] == pytest.approx(one.normal[0] @ [-1e-3 * arm[1], 1e-3 * arm[0], 0.0])


def test_only_percentiles_have_a_rank() -> None:
    assert percentile_rank("p5") == 0.05
    assert percentile_rank("profile") is None
    assert percentile_rank("mean") is None
