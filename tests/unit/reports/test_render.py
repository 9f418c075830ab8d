"""Views of the field: what is seen, where, and in which colour, on shapes whose picture is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from appliance.cad.records import TriangleMesh
from appliance.reports.camera import REPORT_VIEWS, Camera
from appliance.reports.render import Surface, render, visible
from tests.sample_inspection import plate_with_boss

Float64 = npt.NDArray[np.float64]


def square(z: float, size: float = 1.0) -> tuple[Float64, npt.NDArray[np.int32]]:
    points = np.array([[-size, -size, z], [size, -size, z], [size, size, z], [-size, size, z]])
    return points, np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32)


def mesh_of(*squares: tuple[Float64, npt.NDArray[np.int32]]) -> TriangleMesh:
    vertices = np.concatenate([points for points, _ in squares])
    triangles = np.concatenate([index + 4 * number for number, (_, index) in enumerate(squares)]).astype(np.int32)
    return TriangleMesh(vertices, triangles, np.zeros(len(triangles), dtype=np.int32))


def plain(value: tuple[int, int, int]):  # type: ignore[no-untyped-def]
    return lambda deviation: np.tile(np.array(value, dtype=np.uint8), (len(deviation), 1))


def test_the_nearer_surface_hides_the_farther_one() -> None:
    mesh = mesh_of(square(0.0), square(5.0, 0.5))
    seen = visible(Surface.of(mesh), Camera.around(mesh.vertices_mm, (0, 0, 1), 1.0), 100, 100)
    assert set(np.unique(seen.triangle[40:60, 40:60])) <= {2, 3}
    assert seen.triangle[15, 50] in (0, 1)
    assert seen.triangle[0, 0] == -1


def test_points_under_the_samples_lie_on_the_surface_where_the_camera_says() -> None:
    mesh, _ = plate_with_boss()
    for _, direction in REPORT_VIEWS:
        camera = Camera.around(mesh.vertices_mm, direction, 4 / 3)
        seen = visible(Surface.of(mesh), camera, 160, 120)
        corners = mesh.vertices_mm[mesh.triangles[seen.triangle[seen.triangle >= 0]]]
        normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normal /= np.linalg.norm(normal, axis=1)[:, None]
        assert np.abs(((seen.point_mm - corners[:, 0]) * normal).sum(axis=1)).max() < 1e-9
        back = camera.to_screen(seen.point_mm, 160, 120)
        rows, columns = np.nonzero(seen.triangle >= 0)
        assert np.allclose(back[:, 0], columns + 0.5)
        assert np.allclose(back[:, 1], rows + 0.5)
        assert (normal @ camera.forward < 0).mean() > 0.99


def test_the_whole_part_is_in_the_picture() -> None:
    mesh, _ = plate_with_boss()
    for _, direction in REPORT_VIEWS:
        seen = visible(Surface.of(mesh), Camera.around(mesh.vertices_mm, direction, 4 / 3), 160, 120).triangle >= 0
        border = np.concatenate((seen[0], seen[-1], seen[:, 0], seen[:, -1]))
        assert not border.any()
        assert seen.any(axis=0).mean() > 0.9 or seen.any(axis=1).mean() > 0.9


def test_there_are_no_holes_between_triangles() -> None:
    mesh, _ = plate_with_boss()
    top = visible(Surface.of(mesh), Camera.around(mesh.vertices_mm, (0, 0, 1), 1.5), 300, 200)
    rows, columns = np.nonzero(top.triangle >= 0)
    inside = top.triangle[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    assert (inside >= 0).all()


def test_normals_are_smooth_on_the_boss_and_sharp_at_the_edges() -> None:
    mesh, zones = plate_with_boss()
    camera = Camera.around(mesh.vertices_mm, (0.8, -1.0, 0.75), 4 / 3)
    seen = visible(Surface.of(mesh), camera, 320, 240)
    ids = seen.triangle[seen.triangle >= 0]
    top = np.isin(ids, zones["plate_top"].triangles)
    assert np.allclose(seen.normal[top], (0, 0, 1))
    assert np.allclose(np.linalg.norm(seen.normal, axis=1), 1.0)


def test_colour_is_the_field_at_the_point_and_bare_surface_is_grey() -> None:
    mesh = mesh_of(square(0.0))
    camera = Camera.around(mesh.vertices_mm, (0, 0, 1), 1.0)
    field = lambda points, triangles: np.where(points[:, 0] < 0, 0.1, np.nan)  # noqa: E731
    picture = render(Surface.of(mesh), camera, field, plain((255, 0, 0)), 100, 100).astype(int)
    left, right = picture[50, 25], picture[50, 75]
    assert left[0] > 200
    assert left[1] == left[2] == 0
    assert np.ptp(right) < 12
    assert 100 < right.mean() < 240
    assert (picture[0, 0] == 255).all()


def test_the_same_view_has_the_same_bits() -> None:
    mesh, _ = plate_with_boss()
    camera = Camera.around(mesh.vertices_mm, REPORT_VIEWS[0][1], 4 / 3)
    field = lambda points, triangles: points[:, 2]  # noqa: E731
    first, second = (render(Surface.of(mesh), camera, field, plain((10, 200, 30)), 80, 60) for _ in range(2))
    assert (first == second).all()


@pytest.mark.parametrize("shape", ["point", "line", "no area"])
def test_degenerate_parts_do_not_break_a_view(shape: str) -> None:
    points = {
        "point": np.zeros((3, 3)),
        "line": np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0]]),
        "no area": np.array([[0.0, 0, 0], [0, 0, 1], [0, 0, 2]]),
    }[shape]
    mesh = replace(mesh_of(square(0.0)), vertices_mm=points, triangles=np.array([[0, 1, 2]], dtype=np.int32))
    field = lambda points, triangles: np.zeros(len(points))  # noqa: E731
    picture = render(Surface.of(mesh), Camera.around(points, (0, 0, 1), 1.0), field, plain((0, 0, 0)), 20, 20)
    assert (picture == 255).all()
