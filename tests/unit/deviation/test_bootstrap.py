"""The closed forms of the bootstrap agree with a bootstrap that is really drawn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from appliance.deviation.bootstrap import bootstrap_cells, bootstrap_percentile
from appliance.deviation.cells import SurfaceCells
from appliance.deviation.field import CellField, field_of
from appliance.mesh.surface import Surface


@pytest.fixture(scope="module")
def scan(shapes: Any) -> tuple[CellField, Any, Any]:
    """100 cells of a wavy, unevenly scanned plane."""
    mesh = shapes.plane(10, 10)
    cells = SurfaceCells.build(Surface.build(mesh), shapes.everything(mesh), cell_mm=1.0)
    points, triangle = shapes.points_on(mesh, 8_000)
    keep = np.random.default_rng(1).random(8_000) < 0.2 + 0.08 * points[:, 0]
    points, triangle = points[keep], triangle[keep]
    value = 0.1 * np.sin(points[:, 0]) + 0.05 * points[:, 1] + np.random.default_rng(2).normal(0, 0.02, len(points))
    cell = cells.lookup(points, triangle)
    return field_of(cells, cell, value), cell, value


def drawn(field: CellField, cell: Any, value: Any, statistic: Any) -> float:
    """Standard deviation of ``statistic(values, cell means)`` over 2,000 draws of whole cells."""
    rng = np.random.default_rng(7)
    size = len(field.count)
    by_cell = [value[cell == c] for c in range(size)]
    results = []
    for _ in range(2_000):
        draw = rng.integers(0, size, size)
        results.append(statistic(np.concatenate([by_cell[c] for c in draw]), field.mean_mm[draw]))
    return float(np.std(results))


def test_the_mean(scan: Any) -> None:
    expected = drawn(*scan, lambda points, means: points.mean())
    assert bootstrap_cells(scan[0], "mean") == pytest.approx(expected, rel=0.08)


@pytest.mark.parametrize("statistic", ["min", "max"])
def test_the_extremes_of_cells(scan: Any, statistic: Any) -> None:
    expected = drawn(*scan, lambda points, means: getattr(np, statistic)(means))
    assert bootstrap_cells(scan[0], statistic) == pytest.approx(expected, rel=0.08)


@pytest.mark.parametrize("percent", [5, 50, 95])
def test_percentiles_of_points(scan: Any, percent: float) -> None:
    expected = drawn(*scan, lambda points, means: np.percentile(points, percent))
    assert bootstrap_percentile(*scan, percent) == pytest.approx(expected, rel=0.2)


def test_independent_cells_give_the_error_of_a_mean(scan: Any) -> None:
    cells = scan[0].cells
    value = np.random.default_rng(3).normal(0, 1, len(cells))
    field = field_of(cells, np.arange(len(cells), dtype=np.int32), value)
    assert bootstrap_cells(field, "mean") == pytest.approx(value.std() / math.sqrt(len(cells)), rel=1e-9)


def test_one_cell_says_nothing_about_sampling(scan: Any) -> None:
    cells = scan[0].cells
    field = field_of(cells, np.zeros(9, dtype=np.int32), np.arange(9.0))
    assert math.isnan(bootstrap_cells(field, "mean"))
    assert math.isnan(bootstrap_percentile(field, np.zeros(9, dtype=np.int32), np.arange(9.0), 50))
    assert math.isnan(bootstrap_cells(field, "max", min_points=10))
