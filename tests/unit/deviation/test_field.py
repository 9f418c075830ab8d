"""From points to fields: worn cube, thin sheet, density, threads, and clouds that claim no orientation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from appliance.cad.records import Box, Zone
from appliance.deviation.cells import SurfaceCells
from appliance.deviation.compare import compare, thin_wall_area_mm2
from appliance.deviation.field import CellField, field_of, field_over_points, values_on
from appliance.deviation.neighbourhood import Neighbourhood, examine
from appliance.errors import InvalidInput
from appliance.mesh.surface import Surface


def seen(normals: Any, oriented: bool = True) -> Neighbourhood:
    """A neighbourhood with known normals and nothing isolated."""
    return Neighbourhood(np.zeros(len(normals), np.bool_), np.asarray(normals, dtype=np.float32), oriented)


def field_on(surface: Surface, zone: Zone, points: Any, seen_as: Neighbourhood, step: float, cap: float) -> CellField:
    cells = SurfaceCells.build(surface, zone, cell_mm=step)
    found = compare(surface, points, seen_as, cap_mm=cap)
    return field_of(cells, *values_on(cells, surface, points, found.compatible_triangle, found.compatible_mm))


def test_a_cube_worn_on_top_reads_the_wear_on_top_and_nothing_below(shapes: Any) -> None:
    mesh = shapes.box((10, 10, 10))
    surface = Surface.build(mesh)
    points, triangle = shapes.points_on(mesh, 60_000)
    normals = surface.face_normals[triangle]
    points[triangle >= 10, 2] -= 0.4
    field = field_on(surface, shapes.everything(mesh), points, seen(normals), 1.0, 1.0)
    up, down = field.cells.normal[:, 2] > 0.5, field.cells.normal[:, 2] < -0.5
    np.testing.assert_allclose(field.mean_mm[up], -0.4, atol=1e-9)
    np.testing.assert_allclose(field.mean_mm[down], 0.0, atol=1e-9)


@pytest.mark.parametrize("wear_mm", [0.5, 0.7, 0.9])
def test_wear_of_a_thin_sheet_is_read_from_the_side_that_was_seen(shapes: Any, wear_mm: float) -> None:
    mesh = shapes.box((20, 20, 0.8))
    surface = Surface.build(mesh)
    rng = np.random.default_rng(0)
    points = np.column_stack([rng.uniform(3, 17, (4_000, 2)), np.full(4_000, 0.8 - wear_mm)])
    found = compare(surface, points, seen(np.tile([0.0, 0.0, 1.0], (4_000, 1))), cap_mm=2.0)
    np.testing.assert_allclose(found.compatible_mm, -wear_mm, atol=1e-12)
    np.testing.assert_allclose(found.deviation_mm, wear_mm - 0.8, atol=1e-12)  # the closest face misleads


def test_a_thin_sheet_scanned_from_both_sides_is_judged_side_by_side(shapes: Any) -> None:
    mesh = shapes.box((30, 30, 0.8))
    surface = Surface.build(mesh)
    rng = np.random.default_rng(1)
    flat = rng.uniform(4, 26, (30_000, 2))
    top = np.arange(30_000) < 15_000
    points = np.column_stack([flat, np.where(top, 0.8 - 0.5, 0.0) + rng.normal(0, 0.01, 30_000)])
    around = examine(
        points, isolation_mm=1.0, station=(~top).astype(np.uint16),
        station_positions_mm=[(15.0, 15.0, 500.0), (15.0, 15.0, -500.0)],
    )  # fmt: skip
    found = compare(surface, points, around, cap_mm=1.5)
    assert np.nanmean(found.compatible_mm[top]) == pytest.approx(-0.5, abs=0.002)
    assert np.nanmean(found.compatible_mm[~top]) == pytest.approx(0.0, abs=0.002)
    assert np.isnan(found.compatible_mm).mean() < 0.001


def test_isolated_points_keep_their_deviation_and_have_no_compatible_foot(shapes: Any) -> None:
    surface = Surface.build(shapes.plane(10, 10))
    points = np.array([[5.0, 5.0, 0.3], [2.0, 2.0, -0.2], [4.0, 4.0, 3.0]])
    around = Neighbourhood(
        np.array([True, False, False]), np.tile(np.array([[0, 0, 1]], dtype=np.float32), (3, 1)), True
    )
    found = compare(surface, points, around, cap_mm=1.0)
    np.testing.assert_allclose(found.deviation_mm, [0.3, -0.2, 3.0])
    np.testing.assert_array_equal(np.isnan(found.compatible_mm), [True, False, True])
    assert list(found.compatible_triangle[[0, 2]]) == [-1, -1]
    assert list(found.beyond_cap) == [False, False, True]


def test_raw_extremes_grow_with_the_density_and_extremes_of_cells_do_not(shapes: Any) -> None:
    mesh = shapes.plane(20, 20)
    surface = Surface.build(mesh)
    cells = SurfaceCells.build(surface, shapes.everything(mesh), cell_mm=2.0)
    raw, means = [], []
    for count in (10_000, 1_000_000):
        points, triangle = shapes.points_on(mesh, count)
        noise = np.random.default_rng(4).normal(0, 0.03, count)
        field = field_of(cells, cells.lookup(points, triangle), noise)
        raw.append(float(np.nanmax(field.maximum_mm)))
        means.append(float(np.nanmax(field.mean_mm)))
    # order statistics of a normal sample: 0.116 at 1e4 points (metrology §2), 0.146 at 1e6
    assert raw[0] == pytest.approx(0.116, abs=0.015)
    assert raw[1] == pytest.approx(0.146, abs=0.015)
    assert raw[1] > raw[0]
    assert means[0] < 0.012
    assert means[1] < 0.0012


def test_a_field_is_what_numpy_says_cell_by_cell(shapes: Any) -> None:
    mesh = shapes.plane(10, 10)
    cells = SurfaceCells.build(Surface.build(mesh), shapes.everything(mesh), cell_mm=2.5)
    rng = np.random.default_rng(6)
    cell = rng.integers(-1, len(cells) - 1, 5_000).astype(np.int32)  # the last cell stays empty
    value = rng.normal(100.0, 0.01, 5_000)
    value[::7] = np.nan
    field = field_of(cells, cell, value)
    for c in range(len(cells) - 1):
        own = value[(cell == c) & ~np.isnan(value)]
        assert field.count[c] == len(own)
        expected = [own.mean(), own.std(ddof=1), own.min(), own.max()]
        got = [field.mean_mm[c], field.sd_mm[c], field.minimum_mm[c], field.maximum_mm[c]]
        np.testing.assert_allclose(got, expected, rtol=1e-11)
    assert field.count[-1] == 0
    assert np.isnan([field.mean_mm[-1], field.sd_mm[-1], field.minimum_mm[-1], field.maximum_mm[-1]]).all()


@pytest.mark.parametrize("box", [None, Box((2.0, -9.0, -9.0), (7.3, 99.0, 99.0))])
def test_points_of_a_zone_are_those_whose_feet_lie_on_its_cells(shapes: Any, box: Box | None) -> None:
    mesh = shapes.box((10, 8, 6))
    surface = Surface.build(mesh)
    zone = Zone("some", np.arange(3, 9, dtype=np.int32), box)
    cells = SurfaceCells.build(surface, zone, cell_mm=0.7)
    points, triangle = shapes.points_on(mesh, 150_000)
    lifted = points + 0.3 * surface.face_normals[triangle]
    cell, number = values_on(cells, surface, lifted, triangle, np.arange(150_000.0))
    expected = cells.lookup(points, triangle)
    np.testing.assert_array_equal(number, np.flatnonzero(expected >= 0))
    np.testing.assert_array_equal(cell, expected[expected >= 0])
    assert len(values_on(cells, surface, lifted, np.full(150_000, -1, np.int32), np.zeros(150_000))[0]) == 0
    whole = field_over_points(cells, surface, lifted, triangle, np.arange(150_000.0))
    assert whole.mean_mm.tobytes() == field_of(cells, cell, number).mean_mm.tobytes()
    assert whole.count.sum() == len(number)


def test_the_field_has_the_same_bits_on_one_thread_and_on_many(shapes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    mesh = shapes.box((10, 8, 6))
    surface = Surface.build(mesh)
    points, triangle = shapes.points_on(mesh, 200_000)
    points = points + np.random.default_rng(0).normal(0, 0.05, points.shape)
    around = seen(surface.face_normals[triangle])
    fields = []
    for threads in ("1", "3"):
        monkeypatch.setenv("D2R_THREADS", threads)
        fields.append(field_on(surface, shapes.everything(mesh), points, around, 0.5, 1.0))
    one, many = fields
    for name in ("count", "mean_mm", "sd_mm", "minimum_mm", "maximum_mm"):
        assert getattr(one, name).tobytes() == getattr(many, name).tobytes()
    assert one.cells.area_mm2.tobytes() == many.cells.area_mm2.tobytes()


def test_walls_thinner_than_twice_the_cap_are_measured(shapes: Any) -> None:
    mesh = shapes.box((20, 20, 0.8))
    surface = Surface.build(mesh)
    cells = SurfaceCells.build(surface, shapes.everything(mesh), cell_mm=1.0)
    # the two large faces lie 0.8 apart, the rims 20: 800 of 864 mm2 are thin for a cap of 0.5, none for 0.3
    assert thin_wall_area_mm2(surface, cells, 0.5) == pytest.approx(800.0)
    assert thin_wall_area_mm2(surface, cells, 0.3) == 0.0


def test_a_comparison_that_makes_no_sense_is_refused(shapes: Any) -> None:
    surface = Surface.build(shapes.plane(1, 1))
    around = seen(np.zeros((2, 3)))
    with pytest.raises(InvalidInput):
        compare(surface, np.zeros((2, 3)), around, cap_mm=0.0)
    with pytest.raises(InvalidInput):
        compare(surface, np.zeros((3, 3)), around, cap_mm=1.0)
