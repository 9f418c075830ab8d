"""Zones: each way to select triangles, the strict file, and names that come close."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from appliance.cad.raw import no_faces
from appliance.cad.reading import read_cad
from appliance.cad.records import Box, CadModel, TriangleMesh
from appliance.cad.regions import Seed, face_group, touching
from appliance.cad.topology import topology
from appliance.cad.zone_file import read_zone_file
from appliance.cad.zones import Surface, find_zones, zone_named
from appliance.errors import InvalidInput, NotFound
from tests.unit.cad import samples


def box_surface() -> Surface:
    vertices, triangles = samples.box()
    faces = np.arange(12, dtype=np.int32) // 2
    mesh = TriangleMesh(vertices, triangles.astype(np.int32), faces)
    return Surface(mesh, topology(mesh), {side: [index] for index, side in enumerate(samples.SIDES)})


def cylinder(segments: int, radius: float = 10.0, height: float = 20.0) -> TriangleMesh:
    """A closed faceted cylinder about z: first its wall (2 per segment), then bottom and top fans."""
    angle = 2 * np.pi * np.arange(segments) / segments
    ring = np.stack([radius * np.cos(angle), radius * np.sin(angle), np.zeros(segments)], axis=1)
    vertices = np.concatenate([ring, ring + [0, 0, height], [[0, 0, 0], [0, 0, height]]])
    here, there = np.arange(segments), (np.arange(segments) + 1) % segments
    wall = np.stack([here, there, there + segments, here, there + segments, here + segments], axis=1).reshape(-1, 3)
    bottom = np.stack([there, here, np.full(segments, 2 * segments)], axis=1)
    top = np.stack([here + segments, there + segments, np.full(segments, 2 * segments + 1)], axis=1)
    triangles = np.concatenate([wall, bottom, top]).astype(np.int32)
    return TriangleMesh(vertices, triangles, no_faces(len(triangles)))


def zones_of(folder: Path, text: str) -> dict[str, list[int]]:
    path = folder / "part.zones.toml"
    path.write_text("version = 1\n" + text)
    return {name: zone.triangles.tolist() for name, zone in find_zones(box_surface(), read_zone_file(path)).items()}


def test_every_way_to_select_finds_its_triangles(tmp_path: Path) -> None:
    zones = zones_of(
        tmp_path,
        """
        [zones.ends]
        faces = [0, [1, 1]]
        [zones.named]
        face_names = ["z1", "y0"]
        description = "what the drawing calls B"
        [zones.some]
        triangles = [[3, 5], 11]
        [zones.lid]
        seeds = [{ at = [15, 10, 10] }]
        [zones.both]
        faces = [4]
        seeds = [{ at = [0, 5, 5] }]
        [zones.corner]
        box = { lower = [-1, -1, -1], upper = [1, 1, 1] }
        [zones.low_wall]
        faces = [0]
        box = { lower = [-1, -1, -1], upper = [1, 1, 1] }
        """,
    )
    assert next(iter(zones)) == "all"
    assert zones["ends"] == [0, 1, 2, 3]
    assert zones["named"] == [4, 5, 10, 11]
    assert zones["some"] == [3, 4, 5, 11]
    assert zones["lid"] == [10, 11]
    assert zones["both"] == [0, 1, 8, 9]
    assert zones["corner"] == [0, 1, 4, 5, 8, 9]  # both triangles of each side meet the corner at the origin
    assert zones["low_wall"] == [0, 1]
    assert zones["x0"] == [0, 1]


def test_lengths_of_a_zone_file_follow_its_unit(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(
        'version = 1\nunit = "in"\n[zones.a]\nbox = {lower = [0, 0, 0], upper = [1, 2, 3]}\n'
        "[zones.b]\nseeds = [{at = [1, 0, 0], crease_deg = 5, normal = [0, 0, 1]}]\n"
    )
    first, second = read_zone_file(path)
    assert first.box == Box((0.0, 0.0, 0.0), (25.4, 50.8, 25.4 * 3))
    assert second.seeds == (Seed((25.4, 0.0, 0.0), 5.0, (0.0, 0.0, 1.0)),)


def test_a_zone_file_beside_the_model_is_found_and_another_can_be_named(tmp_path: Path) -> None:
    model_path = samples.write_stl(tmp_path / "part.stl", *samples.box())
    (tmp_path / "part.zones.toml").write_text("version = 1\n[zones.beside]\ntriangles = [0]\n")
    (tmp_path / "other.toml").write_text("version = 1\n[zones.other]\ntriangles = [1]\n")
    assert list(read_cad(model_path).zones) == ["all", "beside"]
    assert list(read_cad(model_path, zones_path=tmp_path / "other.toml").zones) == ["all", "other"]
    with pytest.raises(InvalidInput, match="No such file"):
        read_cad(model_path, zones_path=tmp_path / "missing.toml")


def test_a_seed_floods_a_faceted_cylinder_up_to_its_edges() -> None:
    mesh = cylinder(60)  # neighbours of the wall turn by 6 degrees
    edges = topology(mesh)
    wall = face_group(mesh, edges, Seed((10.0, 0.0, 7.0), 10.0))
    assert wall.tolist() == list(range(120))
    facet = face_group(mesh, edges, Seed((10.0 * np.cos(np.pi / 60), 10.0 * np.sin(np.pi / 60), 7.0), 5.9))
    assert facet.tolist() == [0, 1]
    top = face_group(mesh, edges, Seed((1.0, 1.0, 20.0)))
    assert top.tolist() == list(range(180, 240))


def test_a_normal_keeps_a_face_group_to_one_direction() -> None:
    mesh = cylinder(60)
    seed = Seed((10.0 * np.cos(np.pi / 60), 10.0 * np.sin(np.pi / 60), 7.0), 10.0, (1.0, np.tan(np.pi / 60), 0.0))
    # facets k with 6 |k| <= 10 degrees from the seed's own: 59, 0 and 1
    assert face_group(mesh, topology(mesh), seed).tolist() == [0, 1, 2, 3, 118, 119]
    with pytest.raises(InvalidInput, match="does not look along"):
        face_group(mesh, topology(mesh), Seed(seed.at_mm, 10.0, (0.0, 0.0, 1.0)))


def test_a_seed_off_the_surface_is_refused_with_its_distance() -> None:
    with pytest.raises(InvalidInput, match="3 mm from the surface"):
        face_group(cylinder(60), topology(cylinder(60)), Seed((0.0, 0.0, 23.0)))


def test_a_box_touches_what_it_shares_a_point_with() -> None:
    """Against samples: a box that holds a point of a triangle touches it; one far away from a cut corner does not."""
    vertices = np.array([[10.0, 0, 0], [0, 10, 0], [0, 0, 10]])
    mesh = TriangleMesh(vertices, np.array([[0, 1, 2]], dtype=np.int32), no_faces(1))
    assert touching(mesh, Box((3.0, 3.0, 3.0), (4.0, 4.0, 4.0)))[0]  # x + y + z = 10 runs through it
    assert not touching(mesh, Box((0.0, 0.0, 0.0), (3.3, 3.3, 3.3)))[0]  # within the bounds, below the plane
    assert touching(mesh, Box((-5.0, -5.0, -5.0), (10 / 3, 10 / 3, 10 / 3)))[0]  # its corner lies on the plane
    assert not touching(mesh, Box((6.0, 6.0, 0.0), (9.0, 9.0, 1.0)))[0]  # beyond the edge x + y = 10


def test_boxes_agree_with_dense_samples_of_the_triangles() -> None:
    rng = np.random.default_rng(11)
    vertices = rng.uniform(-1, 1, (300, 3))
    mesh = TriangleMesh(vertices, np.arange(300, dtype=np.int32).reshape(-1, 3), no_faces(100))
    steps = np.array([(i, j) for i in range(41) for j in range(41 - i)]) / 40.0
    a, b, c = (vertices[mesh.triangles[:, k], None] for k in range(3))
    points = a + (b - a) * steps[None, :, :1] + (c - a) * steps[None, :, 1:]
    for centre in rng.uniform(-1, 1, (20, 3)):
        inner = np.any(np.all(np.abs(points - centre) <= 0.3, axis=2), axis=1)
        outer = np.any(np.all(np.abs(points - centre) <= 0.3 + 0.08, axis=2), axis=1)
        box = Box(tuple(centre - 0.3), tuple(centre + 0.3))
        touched = touching(mesh, box)
        assert not np.any(inner & ~touched)
        assert not np.any(touched & ~outer)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[zones.a]\nfacez = [1]", "Did you mean 'faces'"),
        ("[zone.a]\nfaces = [1]", "Did you mean 'zones'"),
        ("[zones.a]", "selects nothing"),
        ("[zones.all]\nfaces = [1]", "a name of its own"),
        ("[zones.x0]\nfaces = [1]", "names already"),
        ("[zones.a]\nfaces = [6]", "the model has 0 to 5"),
        ("[zones.a]\ntriangles = [[0, 12]]", "the model has 0 to 11"),
        ("[zones.a]\ntriangles = [[5, 3]]", "nor a pair"),
        ("[zones.a]\ntriangles = [true]", "nor a pair"),
        ("[zones.a]\nfaces = 3", "must be a list"),
        ('[zones.a]\nface_names = ["X1"]', "Did you mean 'x1'"),
        ("[zones.a]\nbox = {lower = [0, 0], upper = [1, 1, 1]}", "three numbers"),
        ("[zones.a]\nbox = {lower = [0, 0, 0], upper = [1, nan, 1]}", "three numbers"),
        ("[zones.a]\nbox = {lower = [0, 0, 0], upper = [1, 0, 1]}", "below"),
        ("[zones.a]\nbox = {lower = [90, 0, 0], upper = [91, 1, 1]}", "no triangle"),
        ("[zones.a]\nseeds = [{at = [15, 10, 10], angle = 3}]", "unknown key 'angle'"),
        ("[zones.a]\nseeds = [{at = [15, 10, 10], normal = [0, 0, 0]}]", "no direction"),
        ("[zones.a]\nseeds = [{at = [15, 10, 10], crease_deg = 180}]", "from 0 to 180"),
        ("[zones.a]\nfaces = [0]\n[zones.a]\nfaces = [1]", "not TOML"),
        ("unit = \"yard\"\n[zones.a]\nfaces = [0]", "not known"),
        ("zones = 3", "must be a table"),
    ],
)  # fmt: skip
def test_a_zone_file_that_errs_is_refused_with_a_reason(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        zones_of(tmp_path, text)
    assert reason in str(refusal.value)


def test_a_zone_file_states_its_version(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    for text in ("", "version = 2", "version = '1'"):
        path.write_text(text)
        with pytest.raises(InvalidInput, match="version = 1"):
            read_zone_file(path)


def test_an_unknown_zone_names_those_that_come_near() -> None:
    surface = box_surface()
    model = CadModel(surface.mesh, find_zones(surface, ()), "obj", "mm", "")
    assert zone_named(model, "y0").triangles.tolist() == [4, 5]
    with pytest.raises(NotFound) as refusal:
        zone_named(model, "Al")
    assert "'all'" in refusal.value.hint
    with pytest.raises(NotFound) as refusal:
        zone_named(model, "turbine")
    assert "Known: 'all', 'x0'" in refusal.value.hint
