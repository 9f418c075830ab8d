"""Every defect is found and counted exactly; a sound mesh has no finding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from appliance.cad.checks import check_mesh, require_judgeable, signed_volumes
from appliance.cad.raw import no_faces
from appliance.cad.records import CadModel, TriangleMesh
from appliance.cad.topology import topology
from appliance.cad.weld import weld
from appliance.errors import InvalidInput
from tests.unit.cad import samples


def mesh_of(vertices: npt.NDArray[np.float64], triangles: npt.ArrayLike) -> TriangleMesh:
    rows = np.asarray(triangles, dtype=np.int32)
    return TriangleMesh(np.asarray(vertices, dtype=np.float64), rows, no_faces(len(rows)))


def found(mesh: TriangleMesh, unit: str = "mm", resolution_mm: float = 0.0) -> dict[str, tuple[str, int]]:
    findings = check_mesh(mesh, topology(mesh), unit, resolution_mm)
    assert all(finding.message.endswith((".", "?")) for finding in findings)
    return {finding.code: (finding.severity, finding.count) for finding in findings}


def two_boxes(second_inward: bool, scale: float, shift: float) -> TriangleMesh:
    vertices, triangles = samples.box()
    other = triangles[:, ::-1] if second_inward else triangles
    return mesh_of(np.concatenate([vertices, vertices * scale + shift]), np.concatenate([triangles, other + 8]))


def test_a_sound_box_has_no_finding_and_its_volume() -> None:
    mesh = mesh_of(*samples.box())
    assert found(mesh) == {}
    assert topology(mesh).closed
    assert len(topology(mesh).count) == 18  # Euler: 8 - 18 + 12 = 2
    assert signed_volumes(mesh, topology(mesh)) == pytest.approx([6000.0], rel=1e-15)


def test_a_missing_triangle_leaves_three_boundary_edges() -> None:
    vertices, triangles = samples.box()
    mesh = mesh_of(vertices, triangles[1:])
    assert found(mesh) == {"cad.edges.boundary": ("warning", 3)}
    assert not topology(mesh).closed


def test_one_turned_triangle_disagrees_at_its_three_edges() -> None:
    vertices, triangles = samples.box()
    triangles[4] = triangles[4][::-1]
    mesh = mesh_of(vertices, triangles)
    assert found(mesh)["cad.winding.inconsistent"] == ("error", 3)
    assert not topology(mesh).closed


def test_a_box_inside_out_is_an_error_and_stays_as_it_is() -> None:
    vertices, triangles = samples.box()
    mesh = mesh_of(vertices + 1000.0, triangles[:, ::-1])
    assert found(mesh) == {"cad.winding.inverted": ("error", 12)}
    findings = check_mesh(mesh, topology(mesh), "mm", 0.0)
    model = CadModel(mesh, {}, "stl", "mm", "", findings=findings)
    with pytest.raises(InvalidInput, match="inside out"):
        require_judgeable(model)
    require_judgeable(replace(model, findings=()))


def test_a_third_sheet_on_an_edge_is_not_manifold() -> None:
    vertices, triangles = samples.box()
    mesh = mesh_of(np.concatenate([vertices, [[-5.0, -5.0, 5.0]]]), np.concatenate([triangles, [[0, 1, 8]]]))
    assert found(mesh) == {"cad.edges.non_manifold": ("warning", 1), "cad.edges.boundary": ("warning", 2)}


def test_degenerate_triangles_are_counted_and_slivers_are_not() -> None:
    vertices, triangles = samples.box()
    more = np.array([[15.0, 0, 0], [15.0, 1e-6, 0], [0.1, 0.1, 0.1], [0.2, 0.2, 0.2], [0.4, 0.4, 0.4]])
    rows = [*triangles.tolist(), [0, 0, 4], [10, 11, 12], [0, 8, 9]]
    mesh = mesh_of(np.concatenate([vertices, more]), rows)
    assert found(mesh)["cad.triangles.degenerate"] == ("warning", 2)


def test_duplicates_are_found_whatever_their_first_corner_and_sense() -> None:
    vertices, triangles = samples.box()
    again = np.array([np.roll(triangles[3], 1), triangles[5][::-1], triangles[5]])
    mesh = mesh_of(vertices, np.concatenate([triangles, again]))
    assert found(mesh)["cad.triangles.duplicate"] == ("warning", 3)


def test_vertices_without_triangle_are_noted() -> None:
    vertices, triangles = samples.box()
    assert found(mesh_of(np.concatenate([vertices, vertices[:2] + 99.0]), triangles)) == {
        "cad.vertices.isolated": ("note", 2)
    }


def test_a_cavity_is_a_note_and_its_volume_is_taken_off() -> None:
    mesh = two_boxes(second_inward=True, scale=0.5, shift=2.0)
    assert found(mesh) == {"cad.shells.several": ("note", 2), "cad.shells.inward": ("note", 1)}
    assert signed_volumes(mesh, topology(mesh)) == pytest.approx([6000.0, -750.0])


def test_shells_are_counted() -> None:
    assert found(two_boxes(second_inward=False, scale=1.0, shift=50.0)) == {"cad.shells.several": ("note", 2)}


@pytest.mark.parametrize(
    ("scale", "unit", "suggestion"),
    [(0.001, "mm", "Did you mean m "), (1000.0, "m", "Did you mean mm "), (1e-9, "mm", None), (0.1, "mm", "mean m ")],
)
def test_a_size_that_looks_wrong_names_a_unit_that_would_not(scale: float, unit: str, suggestion: str | None) -> None:
    vertices, triangles = samples.box()
    mesh = mesh_of(vertices * scale, triangles)
    findings = check_mesh(mesh, topology(mesh), unit, 0.0)
    wrong = [finding for finding in findings if finding.code == "cad.unit.looks_wrong"]
    assert len(wrong) == 1
    assert wrong[0].severity == "warning"
    assert (suggestion in wrong[0].message) if suggestion else ("Did you mean" not in wrong[0].message)


def test_the_bounds_of_a_plausible_size_are_five_millimetres_and_twenty_metres() -> None:
    vertices, triangles = samples.box((1.0, 1.0, 1.0))
    for diagonal_mm, codes in ((4.999, 1), (5.001, 0), (19_999.0, 0), (20_001.0, 1)):
        assert len(found(mesh_of(vertices * diagonal_mm / 3**0.5, triangles))) == codes


def test_single_precision_far_from_the_origin_is_a_warning() -> None:
    mesh = mesh_of(*samples.box())
    assert found(mesh, resolution_mm=0.0009) == {}
    assert found(mesh, resolution_mm=0.0156) == {"cad.coordinates.coarse": ("warning", 1)}


def test_welding_joins_equal_bits_only_and_keeps_the_order() -> None:
    points = np.array([[1.0, 0, 0], [0.0, 0, 0], [1.0, 0, 0], [-0.0, 0, 0], [np.nextafter(1.0, 2), 0, 0]])
    vertices, triangles = weld(points, np.array([[0, 1, 2], [3, 4, 0]], dtype=np.int32))
    assert vertices.tolist() == [[1, 0, 0], [0, 0, 0], [np.nextafter(1.0, 2), 0, 0]]
    assert triangles.tolist() == [[0, 1, 0], [1, 2, 0]]


def test_welding_agrees_with_sorting_on_many_points() -> None:
    points = np.random.default_rng(5).integers(-20, 20, (20_000, 3)) / 7.0
    rows = np.arange(19_998, dtype=np.int32).reshape(-1, 3)
    vertices, triangles = weld(points, rows)
    assert len(vertices) == len(np.unique(points, axis=0))
    assert np.array_equal(vertices[triangles], points[rows])
