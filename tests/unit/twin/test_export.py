"""Exports: what independent loaders read in them, in which unit and frame, and with which words."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest

from appliance.scans.export.colours import NOT_MEASURED, colours_of_deviation
from appliance.twin.export import glb_of, ply_of
from appliance.twin.pictures import Picture, span_of
from tests.unit.twin.conftest import CELLS, plate

trimesh = pytest.importorskip("trimesh")
VALUE = np.where(np.arange(CELLS) == 3, np.nan, np.linspace(-0.2, 0.2, CELLS))


@pytest.fixture
def picture() -> Picture:
    return Picture(plate(z_mm=2.0), VALUE, "mm", 0.1, "Change", "not seen", {"before": {"id": "twv_1"}})


def test_a_ply_holds_the_surface_in_mm_with_the_colours_of_its_cells(picture: Picture) -> None:
    mesh = trimesh.load(BytesIO(ply_of(picture)), file_type="ply", process=False)
    assert mesh.area == pytest.approx(CELLS)
    assert mesh.bounds.tolist() == [[0, 0, 2], [4, 5, 2]]
    expected = np.repeat(colours_of_deviation(VALUE, span_mm=0.1), 6, axis=0)
    assert mesh.visual.vertex_colors[:, :3].tolist() == expected.tolist()
    assert tuple(mesh.visual.vertex_colors[18][:3]) == NOT_MEASURED


def test_the_head_of_a_ply_says_units_and_legend(picture: Picture) -> None:
    head = ply_of(picture).partition(b"end_header")[0].decode("ascii")
    assert "comment lengths in mm, part frame" in head
    assert 'comment unit: "mm"' in head
    assert "comment plus: 0.1" in head
    assert "twv_1" in head
    assert "property float scalar_mm_per_month" in ply_of(replace(picture, unit="mm/month")).decode("latin-1")


def test_a_glb_is_in_metres_with_y_upwards(picture: Picture) -> None:
    scene = trimesh.load(BytesIO(glb_of(picture)), file_type="glb")
    # x stays, z of the part is height, y runs away from the viewer
    np.testing.assert_allclose(scene.bounds, [[0, 0.002, -0.005], [0.004, 0.002, 0]], atol=1e-9)
    [mesh] = scene.dump()
    assert mesh.area == pytest.approx(CELLS * 1e-6)
    np.testing.assert_allclose(mesh.face_normals, np.tile([0, 1, 0], (2 * CELLS, 1)), atol=1e-6)


def test_a_glb_keeps_values_legend_and_linear_colours(picture: Picture) -> None:
    data = glb_of(picture)
    magic, version, size, length = struct.unpack_from("<4sIII", data)
    assert (magic, version, size) == (b"glTF", 2, len(data))
    document = json.loads(data[20 : 20 + length])
    assert document["asset"]["extras"]["plus"] == 0.1
    [primitive] = document["meshes"][0]["primitives"]
    views = [document["bufferViews"][document["accessors"][n]["bufferView"]] for n in primitive["attributes"].values()]
    start = 20 + length + 8
    arrays = dict(
        zip(primitive["attributes"], (data[start + v["byteOffset"] :][: v["byteLength"]] for v in views), strict=True)
    )
    values, known = np.frombuffer(arrays["_VALUE"], "<f4"), np.frombuffer(arrays["_KNOWN"], "<f4")
    np.testing.assert_allclose(np.where(known > 0, values, np.nan), np.repeat(VALUE, 6), rtol=1e-6)
    # mid grey, 128 of 255 in sRGB, is 0.2159 of the light
    colour = np.frombuffer(arrays["COLOR_0"], "<u2").reshape(-1, 4)[18] / 65535
    np.testing.assert_allclose(colour, [0.2159, 0.2159, 0.2159, 1], atol=1e-4)


@pytest.mark.parametrize(
    ("values", "span"), [([0.013], 0.02), ([-0.05], 0.05), ([0.0, np.nan], 0.001), ([], 0.001), ([3.0], 5.0)]
)
def test_scales_end_at_round_figures_beyond_the_values(values: list[float], span: float) -> None:
    assert span_of(np.array(values)) == pytest.approx(span)
