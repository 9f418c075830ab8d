"""Cells: exact areas, exact squares, layers, slivers, edges; and every foot finds its own cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from appliance.cad.records import Box, TriangleMesh, Zone
from appliance.deviation.cells import SLIVER_SHARE, SurfaceCells
from appliance.deviation.field import field_of
from appliance.errors import InvalidInput
from appliance.mesh.surface import Surface


def cells_of(mesh: TriangleMesh, step: float, zone: Zone | None = None, edge: float = 0.0) -> SurfaceCells:
    zone = zone or Zone("all", np.arange(len(mesh.triangles), dtype=np.int32))
    return SurfaceCells.build(Surface.build(mesh), zone, cell_mm=step, edge_mm=edge)


def test_a_cube_falls_into_exact_squares(shapes: Any) -> None:
    cells = cells_of(shapes.box((10, 10, 10)), 2.0)
    assert len(cells) == 150
    np.testing.assert_allclose(cells.area_mm2, 4.0, rtol=1e-14)
    np.testing.assert_allclose(cells.reach_mm, np.sqrt(2.0), rtol=1e-14)
    on_face = np.abs(np.abs(cells.normal).max(axis=1) - 1.0) < 1e-12
    assert on_face.all()
    in_plane = cells.centre_mm[np.abs(cells.normal[:, 2]) > 0.5][:, :2]
    np.testing.assert_allclose(in_plane % 2.0, 1.0, atol=1e-12)


def test_the_grid_starts_at_multiples_of_the_step_and_not_at_the_part(shapes: Any) -> None:
    cells = cells_of(shapes.box((4, 4, 4), corner=(0.5, 0.5, 0.5)), 1.0)
    top = cells.area_mm2[cells.normal[:, 2] > 0.5]
    assert sorted(np.round(top, 12)) == [0.25] * 4 + [0.5] * 12 + [1.0] * 9


@pytest.mark.parametrize("step", [0.37, 1.0, 3.3, 50.0])
def test_the_cells_of_a_box_zone_have_the_area_inside_the_box(shapes: Any, step: float) -> None:
    mesh = shapes.box((10, 10, 10))
    zone = Zone("band", np.arange(12, dtype=np.int32), Box((-1.0, -1.0, 2.5), (5.3, 20.0, 7.5)))
    cells = cells_of(mesh, step, zone)
    assert cells.total_area_mm2 == pytest.approx(10 * 5 + 2 * 5.3 * 5, rel=1e-12)


def test_a_foot_outside_the_box_or_the_zone_has_no_cell(shapes: Any) -> None:
    mesh = shapes.box((10, 10, 10))
    zone = Zone("top", np.array([10, 11], dtype=np.int32), Box((0, 0, 0), (5, 10, 10)))
    cells = cells_of(mesh, 1.0, zone)
    foot = np.array([[2.0, 1.0, 10.0], [6.0, 5.5, 10.0], [2.0, 1.0, 0.0], [5.0, 5.0, 10.0]])
    found = cells.lookup(foot, np.array([10, 10, 8, -1], dtype=np.int32))
    assert found[0] >= 0
    assert list(found[1:]) == [-1, -1, -1]


def test_every_point_finds_the_cell_that_holds_it(shapes: Any) -> None:
    angle, z = np.linspace(0, 2 * np.pi, 37), np.linspace(0, 9.1, 4)
    mesh = shapes.grid(lambda a, h: np.stack([7 * np.cos(a), 7 * np.sin(a), h], -1), angle, z)
    cells = cells_of(mesh, 0.8)
    points, triangle = shapes.points_on(mesh, 20_000)
    found = cells.lookup(points, triangle)
    assert found.min() >= 0
    away = np.linalg.norm(points - cells.centre_mm[found], axis=1)
    assert (away <= cells.reach_mm[found] * (1 + 1e-9) + 1e-9).all()


def test_points_spread_over_the_cells_as_the_areas_say(shapes: Any) -> None:
    # independent of the clipping: shares of uniform points estimate shares of area
    turn, rise = np.linspace(0, 2 * np.pi, 50), np.linspace(-np.pi / 2, np.pi / 2, 25)
    ball = lambda a, b: 5 * np.stack([np.cos(a) * np.cos(b), np.sin(a) * np.cos(b), np.sin(b)], -1)  # noqa: E731
    mesh = shapes.grid(ball, turn, rise)
    cells = cells_of(mesh, 1.3)
    points, triangle = shapes.points_on(mesh, 400_000)
    count = np.bincount(cells.lookup(points, triangle), minlength=len(cells))
    expected = 400_000 * cells.area_mm2 / cells.area_mm2.sum()
    chi_square = float(((count - expected) ** 2 / np.maximum(expected, 1e-9)).sum())
    assert chi_square == pytest.approx(len(cells), abs=5 * np.sqrt(2 * len(cells)))


def test_the_turns_of_a_helicoid_do_not_share_cells(shapes: Any) -> None:
    turn, radius = np.linspace(0, 6 * np.pi, 150), np.linspace(3.0, 8.0, 6)
    spiral = lambda a, r: np.stack([r * np.cos(a), r * np.sin(a), 0.4 * a], -1)  # noqa: E731
    mesh = shapes.grid(spiral, turn, radius)
    cells = cells_of(mesh, 1.0)
    # three turns lie 2.5 mm apart: a cell that mixed two would reach across
    assert cells.reach_mm.max() < 1.2
    flat = cells.centre_mm[:, :2]
    stacked = [np.ptp(cells.centre_mm[np.abs(flat - at).max(axis=1) < 0.3, 2]) for at in flat[:20]]
    assert max(stacked) > 2.0


def test_slivers_join_the_face_they_run_on_into_and_areas_stay(shapes: Any) -> None:
    mesh = shapes.plane(10.05, 10.05)
    cells = cells_of(mesh, 1.0)
    assert len(cells) == 100
    assert cells.area_mm2.max() == pytest.approx(1.05**2)
    assert cells.total_area_mm2 == pytest.approx(10.05**2, rel=1e-13)


def test_slivers_never_join_across_a_sharp_edge(shapes: Any) -> None:
    cells = cells_of(shapes.box((10.05, 10.05, 10.05)), 1.0)
    assert len(cells) == 600
    assert (np.abs(cells.normal).max(axis=1) > 1 - 1e-12).all()


def test_a_strip_narrower_than_a_sliver_does_not_become_one_cell(shapes: Any) -> None:
    cells = cells_of(shapes.plane(100.0, 0.05), 1.0)
    assert cells.total_area_mm2 == pytest.approx(5.0)
    assert cells.area_mm2.max() < 2 * SLIVER_SHARE + 1e-9
    assert len(cells) >= 5.0 / (2 * SLIVER_SHARE)


def test_a_cylinder_keeps_its_area_over_the_borders_of_its_charts(shapes: Any) -> None:
    angle, z = np.linspace(0, 2 * np.pi, 361), np.array([0.0, 20.0])
    mesh = shapes.grid(lambda a, h: np.stack([7 * np.cos(a), 7 * np.sin(a), h], -1), angle, z)
    cells = cells_of(mesh, 1.0)
    facet = 2 * 7 * np.sin(np.pi / 360)
    assert cells.total_area_mm2 == pytest.approx(360 * facet * 20, rel=1e-12)
    assert cells.area_mm2.min() >= SLIVER_SHARE


def test_the_edge_margin_leaves_out_cells_by_their_centres(shapes: Any) -> None:
    cells = cells_of(shapes.box((10, 10, 10)), 1.0, edge=1.2)
    # centres at 0.5 lie within 1.2 of an edge, those at 1.5 do not: a rim of one cell, 36 of 100 on each face
    assert int(cells.left_out.sum()) == 6 * 36
    assert cells.left_out_area_mm2 == pytest.approx(216.0)


def test_a_smooth_edge_inside_the_zone_is_no_edge_and_a_border_is(shapes: Any) -> None:
    angle = np.radians(np.arange(0, 361, 10.0))
    mesh = shapes.grid(lambda a, h: np.stack([20 * np.cos(a), 20 * np.sin(a), h], -1), angle, np.array([0.0, 10.0]))
    cells = cells_of(mesh, 1.0, edge=1.2)
    near_rim = (cells.centre_mm[:, 2] < 1.2) | (cells.centre_mm[:, 2] > 8.8)
    # the seam at angle 0 is a border too: its vertices are two
    near_seam = (np.abs(cells.centre_mm[:, 1]) < 1.2) & (cells.centre_mm[:, 0] > 0)
    assert cells.left_out[near_rim].all()
    assert not cells.left_out[~near_rim & ~near_seam].any()


def test_a_dent_at_a_cell_corner_keeps_what_the_closed_form_says(shapes: Any) -> None:
    mesh = shapes.plane(20.0, 20.0)
    cells = cells_of(mesh, 2.0)
    side = (np.arange(2_000) + 0.5) * 0.01
    x, y = (a.ravel() for a in np.meshgrid(side, side))
    dent = -0.5 * np.exp(-((x - 10) ** 2 + (y - 10) ** 2) / (2 * 3.0**2))
    triangle = np.where(y <= x, 0, 1).astype(np.int32)
    field = field_of(cells, cells.lookup(np.stack([x, y, 0 * x], -1), triangle), dent)
    assert np.nanmin(field.mean_mm) == pytest.approx(-0.433, abs=0.0005)


def test_a_shift_by_whole_steps_changes_nothing(shapes: Any) -> None:
    mesh = shapes.box((7.3, 5.1, 3.7))
    far = TriangleMesh(mesh.vertices_mm + 100_000.0, mesh.triangles, mesh.face_of_triangle)
    near_cells, far_cells = cells_of(mesh, 1.0), cells_of(far, 1.0)
    assert len(near_cells) == len(far_cells)
    np.testing.assert_allclose(far_cells.area_mm2, near_cells.area_mm2, atol=1e-9)
    np.testing.assert_allclose(far_cells.centre_mm - 100_000.0, near_cells.centre_mm, atol=1e-9)


def test_a_triangle_without_area_hides_nothing_and_breaks_nothing(shapes: Any) -> None:
    plane = shapes.plane(10, 10)
    vertices = np.vstack([plane.vertices_mm, [[5.0, 5.0, 0.0]]])
    triangles = np.vstack([plane.triangles, [[0, 4, 3]]]).astype(np.int32)
    mesh = TriangleMesh(vertices, triangles, np.zeros(3, dtype=np.int32))
    cells = cells_of(mesh, 1.0)
    assert cells.total_area_mm2 == pytest.approx(100.0)


@pytest.mark.parametrize("step", [0.0, -1.0, float("nan"), float("inf")])
def test_a_step_that_is_no_length_is_refused(shapes: Any, step: float) -> None:
    with pytest.raises(InvalidInput, match="not possible"):
        cells_of(shapes.plane(1, 1), step)


def test_far_too_many_cells_are_refused_before_memory_is_gone(shapes: Any) -> None:
    with pytest.raises(InvalidInput) as refusal:
        cells_of(shapes.plane(1000, 1000), 0.01)
    assert refusal.value.code == "cells.too_many"


def test_a_zone_without_surface_is_refused(shapes: Any) -> None:
    mesh = shapes.plane(1, 1)
    for zone in (
        Zone("none", np.empty(0, np.int32)),
        Zone("off", np.arange(2, dtype=np.int32), Box((5,) * 3, (6,) * 3)),
    ):
        with pytest.raises(InvalidInput) as refusal:
            cells_of(mesh, 0.1, zone)
        assert refusal.value.code == "cells.empty_zone"
