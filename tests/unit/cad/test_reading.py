"""Each format gives the same box, in millimetres, with the same area and volume; damage is refused."""

from __future__ import annotations

import struct
from hashlib import sha256
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from appliance.cad.obj import parse_obj
from appliance.cad.polygons import split_polygons
from appliance.cad.reading import read_cad
from appliance.cad.records import CadModel
from appliance.cad.step import parse_step
from appliance.cad.stl import parse_stl
from appliance.errors import InvalidInput
from tests.unit.cad import samples

AREA, VOLUME = 2 * (30 * 20 + 20 * 10 + 10 * 30), 30 * 20 * 10


def area_and_volume(model: CadModel) -> tuple[float, float]:
    a, b, c = (model.mesh.vertices_mm[model.mesh.triangles[:, k]] for k in range(3))
    cross = np.cross(b - a, c - a)
    return float(np.linalg.norm(cross, axis=1).sum() / 2), float(np.einsum("ij,ij->", a, cross) / 6)


def box_file(folder: Path, kind: str) -> Path:
    vertices, triangles = samples.box()
    quads = samples.box_quads()
    path = folder / f"box.{kind.rpartition('.')[2]}"
    match kind:
        case "binary.stl":
            return samples.write_stl(path, vertices, triangles)
        case "text.stl":
            path.write_text(samples.stl_text(vertices, triangles))
        case "solid-header.stl":
            return samples.write_stl(path, vertices, triangles, b"solid in name only")
        case "big.ply":
            return samples.write_ply(path, vertices, quads, ">")
        case "little.ply":
            return samples.write_ply(path, vertices, quads, "<")
        case "text.ply":
            return samples.write_ply(path, vertices, quads, "")
        case "mixed.ply":
            return samples.write_ply(path, vertices, [*quads[:5], quads[5][:3], (quads[5][0], *quads[5][2:])], "<")
        case "groups.obj":
            path.write_text(samples.box_obj())
        case "names.step":
            return samples.write_box_step(path)
    return path


KINDS = ["binary.stl", "text.stl", "solid-header.stl", "big.ply", "little.ply", "text.ply", "mixed.ply", "groups.obj"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_box_keeps_its_area_volume_and_corners(tmp_path: Path, kind: str) -> None:
    path = box_file(tmp_path, kind)
    model = read_cad(path)
    assert area_and_volume(model) == pytest.approx((AREA, VOLUME), rel=1e-15)
    assert len(model.mesh.vertices_mm) == 8
    assert model.mesh.vertices_mm.dtype == np.float64
    assert model.mesh.triangles.shape == (12, 3)
    assert model.mesh.triangles.dtype == np.int32
    assert model.closed
    assert model.chord_mm == 0.0
    assert model.unit == "mm"
    assert [finding for finding in model.findings if finding.severity != "note"] == []
    assert model.content_sha256 == sha256(path.read_bytes()).hexdigest()
    assert model.zones["all"].triangles.tolist() == list(range(12))


@pytest.mark.parametrize("kind", ["text.stl", "text.ply", "little.ply", "groups.obj"])
def test_coordinates_in_double_precision_arrive_to_the_last_bit(tmp_path: Path, kind: str) -> None:
    vertices = samples.box()[0] + np.array([1 / 3, -1e-7, 100.1])
    triangles = samples.box()[1]
    path = tmp_path / f"box.{kind.rpartition('.')[2]}"
    if kind == "text.stl":
        path.write_text(samples.stl_text(vertices, triangles))
    elif kind == "groups.obj":
        lines = [f"v {x!r} {y!r} {z!r}" for x, y, z in vertices.tolist()]
        path.write_text("\n".join([*lines, *("f " + " ".join(map(str, row + 1)) for row in triangles)]))
    else:
        samples.write_ply(path, vertices, [tuple(row) for row in triangles.tolist()], "<" if kind[0] == "l" else "")
    model = read_cad(path)
    assert {tuple(row) for row in model.mesh.vertices_mm} == {tuple(row) for row in vertices}


def test_units_scale_coordinates(tmp_path: Path) -> None:
    model = read_cad(box_file(tmp_path, "binary.stl"), unit="in")
    assert np.ptp(model.mesh.vertices_mm, axis=0) == pytest.approx([762.0, 508.0, 254.0], rel=1e-15)
    with pytest.raises(InvalidInput, match="not known"):
        read_cad(box_file(tmp_path, "binary.stl"), unit="furlong")


@pytest.mark.parametrize(("unit", "mm"), [("mm", 1.0), ("in", 25.4)])
def test_a_step_box_is_read_in_its_own_unit_within_its_stated_error(tmp_path: Path, unit: str, mm: float) -> None:
    model = read_cad(samples.write_box_step(tmp_path / "box.step", unit))
    expected = samples.box()[0] * mm
    distances = np.abs(model.mesh.vertices_mm[:, None] - expected[None]).max(axis=2).min(axis=1)
    assert len(model.mesh.vertices_mm) == 8
    assert distances.max() <= model.chord_mm - 0.02 < 1e-4
    assert model.unit == unit
    assert model.closed
    assert sorted(model.face_names.values()) == sorted(samples.SIDES)
    assert model.zones["x1"].triangles.shape == (2,)
    corners = model.mesh.vertices_mm[model.mesh.triangles[model.zones["x1"].triangles]]
    assert np.allclose(corners[..., 0], 30.0 * mm, rtol=1e-7)


def test_a_step_file_does_not_follow_a_unit_from_outside(tmp_path: Path) -> None:
    model = read_cad(samples.write_box_step(tmp_path / "box.stp"), unit="m")
    assert np.ptp(model.mesh.vertices_mm, axis=0) == pytest.approx([30, 20, 10], rel=1e-6)
    assert "cad.unit.own" in {finding.code for finding in model.findings}


def test_objects_and_groups_of_an_obj_file_are_zones(tmp_path: Path) -> None:
    model = read_cad(box_file(tmp_path, "groups.obj"))
    assert model.zones["crate"].triangles.tolist() == list(range(12))
    assert model.zones["y"].triangles.tolist() == [4, 5, 6, 7]
    assert model.zones["z1"].triangles.tolist() == [10, 11]
    assert model.mesh.face_of_triangle.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert model.face_names[3] == "crate y1 y"


def test_negative_indices_of_an_obj_file_count_back_from_their_line(tmp_path: Path) -> None:
    path = tmp_path / "two.obj"
    path.write_text("v 0 0 0\nv 9 0 0\nv 0 9 0\nf -3 -2 -1\nv 0 0 9\nv 9 0 9\nv 0 9 9 1.0\nf -3//1 \\\n-2//1 -1//1\n")
    model = read_cad(path)
    assert model.mesh.vertices_mm[model.mesh.triangles].tolist() == [
        [[0, 0, 0], [9, 0, 0], [0, 9, 0]],
        [[0, 0, 9], [9, 0, 9], [0, 9, 9]],
    ]


@pytest.mark.parametrize("turn", [1, -1])
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_polygon_with_a_recess_is_split_inside_its_outline(turn: int, order: tuple[int, int, int]) -> None:
    outline = np.array([(0, 0, 3), (10, 0, 3), (10, 10, 3), (5, 2, 3), (0, 10, 3)], dtype=np.float64)[::turn][:, order]
    whole = np.cross(outline, np.roll(outline, -1, axis=0)).sum(axis=0)
    for start in range(5):
        ring = (np.arange(5) + start) % 5
        triangles, polygon, notes = split_polygons(outline, ring, np.array([5]))
        a, b, c = (outline[triangles[:, k]] for k in range(3))
        doubled = np.cross(b - a, c - a) @ whole / np.linalg.norm(whole)
        assert np.all(doubled > 0)
        assert doubled.sum() / 2 == pytest.approx(60.0)
        assert polygon.tolist() == [0, 0, 0]
        assert len(notes) == 1


def test_a_polygon_that_crosses_itself_is_refused() -> None:
    bow = np.array([(0, 0, 0), (10, 10, 0), (10, 0, 0), (0, 9, 0), (-1, 5, 0)], dtype=np.float64)
    with pytest.raises(InvalidInput, match="crosses itself"):
        split_polygons(bow, np.arange(5), np.array([5]))


def test_solids_of_a_text_stl_are_named_faces(tmp_path: Path) -> None:
    vertices, triangles = samples.box()
    path = tmp_path / "two.stl"
    path.write_text(
        samples.stl_text(vertices, triangles[:4], "left solid") + samples.stl_text(vertices, triangles[4:], "rest")
    )
    model = read_cad(path)
    assert model.zones["left solid"].triangles.tolist() == [0, 1, 2, 3]
    assert model.zones["rest"].triangles.tolist() == list(range(4, 12))


def _damaged_stl(text: str) -> dict[str, str]:
    return {
        "cut": text[: len(text) // 2],
        "two coordinates": text.replace("vertex 0.0 0.0 0.0", "vertex 0.0 0.0", 1),
        "moved number": text.replace("vertex 0.0 0.0 0.0", "vertex 0.0 0.0", 1).replace("0 0 0", "0 0 0 0", 1),
        "word": text.replace("vertex 0.0", "vertex zero", 1),
        "two vertices": "\n".join(line for i, line in enumerate(text.splitlines()) if i != 4),
        "no end": text.replace("endsolid part", ""),
        "text behind": text + "vertex 1 2 3\n",
    }


@pytest.mark.parametrize("damage", list(_damaged_stl("")))
def test_a_damaged_text_stl_is_refused(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "part.stl"
    path.write_text(_damaged_stl(samples.stl_text(*samples.box()))[damage])
    with pytest.raises(InvalidInput) as refusal:
        parse_stl(path)
    assert refusal.value.code.startswith("cad.stl")


@pytest.mark.parametrize("cut", [0, 10, 83, 84, 600, 683])
def test_a_binary_stl_that_is_cut_off_is_refused(tmp_path: Path, cut: int) -> None:
    path = box_file(tmp_path, "binary.stl")
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(InvalidInput):
        parse_stl(path)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_coordinates_that_are_not_finite_are_refused(tmp_path: Path, number: float) -> None:
    path = box_file(tmp_path, "binary.stl")
    data = bytearray(path.read_bytes())
    data[84 + 50 * 5 + 12 : 84 + 50 * 5 + 16] = struct.pack("<f", number)
    path.write_bytes(data)
    with pytest.raises(InvalidInput) as refusal:
        read_cad(path)
    assert refusal.value.code == "cad.not_finite"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("points.ply", "ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\nproperty float z\n"
                       "end_header\n1 2 3\n"),
        ("empty.obj", "v 1 2 3\n"),
        ("empty.stl", "solid Empty\nendsolid Empty"),
    ],
)  # fmt: skip
def test_a_model_without_triangles_is_refused(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InvalidInput) as refusal:
        read_cad(tmp_path / name)
    assert refusal.value.code == "cad.empty"


@pytest.mark.parametrize(
    "lines",
    [
        "f 1 2 4",
        "f 1 2 0",
        "f 1 2",
        "f 1 2 x",
        "f 1 2 99999999999999999999",
        "v 1 2",
        "v 1 2 x",
        "f -4 1 2",
        "surf 0 1",
    ],
)
def test_a_damaged_obj_is_refused(tmp_path: Path, lines: str) -> None:
    path = tmp_path / "part.obj"
    path.write_text(f"v 0 0 0\nv 9 0 0\nv 0 9 0\nf 1 2 3\n{lines}\n")
    with pytest.raises(InvalidInput) as refusal:
        parse_obj(path)
    assert refusal.value.code.startswith("cad.obj")


@pytest.mark.parametrize("text", ["", "not STEP", "ISO-10303-21;\nEND-ISO-10303-21;\n", "ISO-10303-21;\nHEADER;"])
def test_a_file_that_is_no_step_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "part.step").write_text(text)
    with pytest.raises(InvalidInput):
        parse_step(tmp_path / "part.step", 0.02)


def test_unknown_endings_missing_files_and_silly_chords_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="not a CAD format"):
        read_cad(tmp_path / "part.sldprt")
    with pytest.raises(InvalidInput, match="No such file"):
        read_cad(tmp_path / "part.stl")
    for chord_mm in (0.0, -1.0, float("nan"), 1e9):
        with pytest.raises(InvalidInput, match="chord"):
            read_cad(tmp_path / "part.step", chord_mm=chord_mm)


def test_progress_runs_from_little_to_one(tmp_path: Path) -> None:
    seen: list[float] = []
    read_cad(box_file(tmp_path, "binary.stl"), progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
