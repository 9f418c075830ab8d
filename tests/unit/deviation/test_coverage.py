"""Coverage: closed forms, and an upper bound on the largest hole that is never below the truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from appliance.deviation.cells import SurfaceCells
from appliance.deviation.coverage import coverage, largest_uncovered_mm
from appliance.deviation.field import CellField, field_of
from appliance.mesh.surface import Surface


def field_with(cells: SurfaceCells, count: Any) -> CellField:
    """A field of ``count`` points in each cell, all 0 mm."""
    cell = np.repeat(np.arange(len(cells), dtype=np.int32), count)
    return field_of(cells, cell, np.zeros(len(cell)))


def cells_on(mesh: Any, step: float, shapes: Any, edge: float = 0.0) -> SurfaceCells:
    return SurfaceCells.build(Surface.build(mesh), shapes.everything(mesh), cell_mm=step, edge_mm=edge)


@pytest.mark.parametrize("step", [0.7, 1.0, 3.0])
def test_a_cube_without_one_face_is_five_sixths_covered(shapes: Any, step: float) -> None:
    cells = cells_on(shapes.box((10, 10, 10)), step, shapes)
    missing = cells.normal[:, 2] > 0.5
    field = field_with(cells, np.where(missing, 0, 9))
    assert coverage(field) == pytest.approx(5 / 6, rel=1e-12)
    # the largest disc on the missing face has the diameter 10, seen past its rim a little more
    assert 10.0 <= largest_uncovered_mm(field) <= 10.0 + 1.5 * step


def test_ten_poisson_points_a_cell_cover_what_the_distribution_says(shapes: Any) -> None:
    mesh = shapes.plane(300, 300)
    cells = cells_on(mesh, 1.0, shapes)
    points, triangle = shapes.points_on(mesh, 900_000)
    field = field_of(cells, cells.lookup(points, triangle), np.zeros(900_000))
    # 1 - e^-10 (1 + 10 + 50) = 0.99723
    assert coverage(field) == pytest.approx(0.9972, abs=0.0005)


def test_two_points_do_not_cover_and_three_do(shapes: Any) -> None:
    cells = cells_on(shapes.plane(2, 1), 1.0, shapes)
    assert coverage(field_with(cells, [2, 3])) == 0.5
    assert coverage(field_with(cells, [2, 3]), min_points=2) == 1.0


def test_what_the_edge_margin_leaves_out_neither_helps_nor_harms(shapes: Any) -> None:
    cells = cells_on(shapes.plane(10, 10), 1.0, shapes, edge=1.2)
    assert coverage(field_with(cells, np.where(cells.left_out, 0, 5))) == 1.0
    assert coverage(field_with(cells, np.where(cells.left_out, 5, 0))) == 0.0


def test_a_zone_that_is_all_margin_is_not_covered(shapes: Any) -> None:
    cells = cells_on(shapes.plane(2, 2), 1.0, shapes, edge=5.0)
    assert cells.left_out.all()
    assert coverage(field_with(cells, np.full(len(cells), 9))) == 0.0


@pytest.mark.parametrize("radius", [0.9, 1.6, 3.1])
def test_the_largest_hole_is_never_below_the_truth_and_hardly_above(shapes: Any, radius: float) -> None:
    step = 0.5
    cells = cells_on(shapes.plane(20, 20), step, shapes)
    hole = np.linalg.norm(cells.centre_mm[:, :2] - [9.3, 10.4], axis=1) < radius
    field = field_with(cells, np.where(hole, 0, 5))
    # truth by brute force: fine centres against fine points of the covered squares
    fine = np.stack(np.meshgrid(np.arange(5, 15, 0.05), np.arange(5, 15, 0.05)), -1).reshape(-1, 2) + 0.025
    own = np.floor(fine / step).astype(int)
    uncovered = {tuple(np.floor(c / step).astype(int)) for c in cells.centre_mm[hole, :2]}
    inside = np.array([tuple(o) in uncovered for o in own])
    gap = np.abs(fine[inside][:, None, :] - (np.floor(fine[~inside] / step) * step + step / 2)[None, ::37, :])
    truth = 2 * np.linalg.norm(np.maximum(gap - step / 2, 0.0), axis=2).min(axis=1).max()
    found = largest_uncovered_mm(field)
    assert truth - 0.1 <= found <= truth + 1.6 * step


def test_full_coverage_has_no_hole_and_no_coverage_is_one_hole(shapes: Any) -> None:
    cells = cells_on(shapes.plane(30, 40), 1.0, shapes)
    assert largest_uncovered_mm(field_with(cells, np.full(len(cells), 3))) == 0.0
    assert 50.0 - 1e-9 <= largest_uncovered_mm(field_with(cells, np.zeros(len(cells), int))) <= 51.0
