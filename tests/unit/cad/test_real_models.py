"""Models from real CAD systems, meshes with real defects."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from appliance.cad.checks import signed_volumes
from appliance.cad.reading import read_cad
from appliance.cad.records import CadModel
from appliance.cad.topology import topology
from appliance.errors import InvalidInput


def area_mm2(model: CadModel) -> float:
    a, b, c = (model.mesh.vertices_mm[model.mesh.triangles[:, k]] for k in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def volume_mm3(model: CadModel) -> float:
    return float(signed_volumes(model.mesh, topology(model.mesh)).sum())


def codes(model: CadModel) -> set[str]:
    return {finding.code for finding in model.findings if finding.severity != "note"}


@pytest.fixture(scope="module")
def plate(shared_data: Path) -> tuple[CadModel, CadModel]:
    folder = shared_data / "cadscan_nist_mtc_plate"
    return read_cad(folder / "nist_mtc_crada_plate.STEP"), read_cad(folder / "nist_mtc_crada_plate.derived.stl")


def test_the_plate_is_the_same_part_as_step_and_as_stl(plate: tuple[CadModel, CadModel]) -> None:
    step, stl = plate
    assert area_mm2(step) == pytest.approx(area_mm2(stl), rel=2e-4)
    assert volume_mm3(step) == pytest.approx(volume_mm3(stl), abs=area_mm2(stl) * 2 * 0.02)
    assert np.abs(step.mesh.vertices_mm.min(axis=0) - stl.mesh.vertices_mm.min(axis=0)).max() < 1e-4
    assert np.abs(step.mesh.vertices_mm.max(axis=0) - stl.mesh.vertices_mm.max(axis=0)).max() < 1e-4
    assert step.closed
    assert stl.closed
    assert codes(step) == codes(stl) == set()
    assert (len(stl.mesh.triangles), step.mesh.face_of_triangle.max() + 1) == (30480, 272)


def test_holes_of_the_plate_are_round_within_the_chord(plate: tuple[CadModel, CadModel]) -> None:
    """The plate's hole at (107.5, 51.16) has radius 2 mm in its STEP text; no point of its wall is further off."""
    step, _ = plate
    centres = step.mesh.vertices_mm[step.mesh.triangles].mean(axis=1)
    radial = np.hypot(centres[:, 0] - 107.5, centres[:, 1] - 51.16)
    hole = (radial < 2.1) & (centres[:, 2] > 0.01) & (centres[:, 2] < 4.99)
    assert hole.sum() > 8
    assert np.all(radial[hole] <= 2.0 + step.chord_mm)
    assert np.all(radial[hole] >= 2.0 - step.chord_mm)


def test_an_inch_step_agrees_with_its_stl_twin(shared_data: Path) -> None:
    step = read_cad(shared_data / "step_pmi" / "featuretype.STEP")
    stl = read_cad(shared_data / "step_pmi" / "featuretype.STL", unit="in")
    assert step.unit == "in"
    assert np.allclose(np.ptp(step.mesh.vertices_mm, axis=0), np.ptp(stl.mesh.vertices_mm, axis=0), atol=1e-4)
    assert area_mm2(step) == pytest.approx(area_mm2(stl), rel=1e-3)
    assert codes(stl) == {"cad.edges.boundary"}


def test_a_model_in_metres_read_in_millimetres_asks_for_metres(shared_data: Path) -> None:
    path = shared_data / "cadscan_workr" / "cad.stl"
    wrong = [item for item in read_cad(path).findings if item.code == "cad.unit.looks_wrong"]
    assert len(wrong) == 1
    assert "Did you mean m " in wrong[0].message
    right = read_cad(path, unit="m")
    assert codes(right) == {"cad.edges.non_manifold", "cad.triangles.duplicate"}
    assert np.allclose(np.ptp(right.mesh.vertices_mm, axis=0), [40, 40, 80], atol=1e-4)


def test_scanned_surfaces_are_open(shared_data: Path) -> None:
    model = read_cad(shared_data / "ply" / "parasaurolophus_6700.ply")
    assert (len(model.mesh.vertices_mm), len(model.mesh.triangles)) == (6700, 9140)
    assert not model.closed
    assert codes(model) == {"cad.edges.boundary"}


def test_national_coordinates_in_single_precision_are_called_coarse(shared_data: Path) -> None:
    model = read_cad(shared_data / "ply" / "road_georeferenced.ply", unit="m")
    assert "cad.coordinates.coarse" in codes(model)


@pytest.mark.parametrize("name", ["bad/empty.stl", "cadscan_workr/flat_table.ply", "ply/industrial_part_scan.ply"])
def test_files_without_a_surface_are_refused_soon(shared_data: Path, name: str) -> None:
    began = time.monotonic()
    with pytest.raises(InvalidInput) as refusal:
        read_cad(shared_data / name)
    assert refusal.value.code == "cad.empty"
    assert time.monotonic() - began < 10.0


def test_a_body_that_was_mended_by_its_exporter_is_sound_by_count(shared_data: Path) -> None:
    """busted.STL: 3878 triangles; V - E + F = 1941 - 5817 + 3878 = 2, a closed surface without holes."""
    model = read_cad(shared_data / "bad" / "busted.STL")
    assert len(model.mesh.triangles) == 3878
    assert len(model.mesh.vertices_mm) - len(topology(model.mesh).count) + 3878 == 2
    assert model.closed
    assert codes(model) == set()
