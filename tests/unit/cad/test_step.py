"""What STEP costs is measured against closed forms; text that contradicts the mesh is not believed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.cad.chord import largest_chord_mm
from appliance.cad.formats import _believed
from appliance.cad.glb import Body
from appliance.cad.reading import read_cad
from appliance.cad.step_text import StepText, read_step_text
from appliance.cad.warm import warm_up
from appliance.errors import InvalidInput
from appliance.foreign.sandbox import Parsed
from tests.unit.cad import samples

#: Turns the x axis to z and moves by (1, 2, 3) m.
PLACEMENT = np.array([[0, 1, 0, 1.0], [0, 0, 1, 2.0], [1, 0, 0, 3.0], [0, 0, 0, 1]])


def body(local_mm: Any, triangles: Any, surface: dict[str, Any] | None) -> Body:
    placed = (np.asarray(local_mm) / 1000.0) @ PLACEMENT[:3, :3].T + PLACEMENT[:3, 3]
    rows = np.array(triangles, dtype=np.int32)
    return Body(placed * 1000.0, rows, np.zeros(len(rows), dtype=np.int32), [surface], PLACEMENT)


def strip(radii: tuple[float, float], heights: tuple[float, float], turn_rad: float) -> list[list[float]]:
    """Corners of one facet between two rulings about z, mm."""
    return [
        [radius * np.cos(angle), radius * np.sin(angle), height]
        for radius, height in zip(radii, heights, strict=True)
        for angle in (0.0, turn_rad)
    ]


def test_the_chord_of_a_faceted_cylinder_is_its_sagitta() -> None:
    cylinder = {"type": "cylinder", "origin": [0, 0, 0], "axis": [0, 0, 2], "radius": 0.025}
    facet = body(strip((25.0, 25.0), (0.0, 40.0), 0.1), [[0, 1, 3], [0, 3, 2]], cylinder)
    assert largest_chord_mm([facet]) == (pytest.approx(25.0 * (1 - np.cos(0.05)), rel=1e-9), 0)


def test_the_chord_of_a_faceted_cone_is_its_sagitta_across_the_slope() -> None:
    cone = {"type": "cone", "apex": [0, 0, 0], "axis": [0, 0, 1], "semi_angle": np.pi / 4}
    facet = body(strip((10.0, 20.0), (10.0, 20.0), 0.2), [[0, 1, 3], [0, 3, 2]], cone)
    assert largest_chord_mm([facet])[0] == pytest.approx(20.0 * (1 - np.cos(0.1)) * np.cos(np.pi / 4), rel=1e-9)


def test_the_chord_of_a_triangle_in_a_sphere_is_the_gap_above_its_centre() -> None:
    sphere = {"type": "sphere", "center": [0, 0, 0], "radius": 0.010}
    octant = body([[10.0, 0, 0], [0, 10.0, 0], [0, 0, 10.0]], [[0, 1, 2]], sphere)
    assert largest_chord_mm([octant])[0] == pytest.approx(10.0 * (1 - 1 / np.sqrt(3)), rel=1e-9)


def test_the_chord_of_a_torus_is_the_sagitta_of_its_outer_circle() -> None:
    torus = {"type": "torus", "center": [0, 0, 0], "axis": [0, 0, 1], "major_radius": 0.03, "minor_radius": 0.01}
    arc = body([[40.0, 0, 0], [40 * np.cos(0.1), 40 * np.sin(0.1), 0], [30.0, 0, 10.0]], [[0, 1, 2]], torus)
    edge = np.array([35.0, 0, 5.0])  # middle of the edge along the tube: 5 sqrt 2 from its centre line
    assert largest_chord_mm([arc])[0] >= 10.0 - np.hypot(edge[0] - 30.0, edge[2]) - 1e-9


def test_free_form_faces_are_counted_and_not_measured() -> None:
    assert largest_chord_mm([body([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]], None)]) == (0.0, 1)


def test_face_names_are_taken_only_where_text_and_mesh_agree(tmp_path: Path) -> None:
    text = read_step_text(samples.write_box_step(tmp_path / "a.step").read_bytes())
    assert [name for name, _ in text.faces] == list(samples.SIDES)
    planes: list[dict[str, Any] | None] = [{"type": "plane"}] * 6
    assert text.face_names(planes) == dict(enumerate(samples.SIDES))
    assert text.face_names(planes[:5]) == {}
    assert text.face_names([{"type": "cylinder"}, *planes[1:]]) == {}
    assert StepText("mm", (("NONE", "plane"), ("", "plane"))).face_names(planes[:2]) == {}


def test_a_face_that_the_converter_leaves_out_is_an_error_finding(tmp_path: Path) -> None:
    path = samples.write_box_step(tmp_path / "a.step")
    text = path.read_text()
    shell = next(line for line in text.splitlines() if "CLOSED_SHELL" in line)
    extra = shell.replace("CLOSED_SHELL", "OPEN_SHELL").replace(shell.split("=")[0], "#9001")
    path.write_text(text.replace("ENDSEC;\nEND-ISO", extra + "\nENDSEC;\nEND-ISO"))
    found = {finding.code: finding.severity for finding in read_cad(path).findings}
    assert found["cad.file.incomplete"] == "error"


def test_a_step_file_with_a_missing_entity_is_refused(tmp_path: Path) -> None:
    path = samples.write_box_step(tmp_path / "a.step")
    lines = path.read_text().splitlines()
    path.write_text("\n".join(line for line in lines if "EDGE_LOOP" not in line))
    with pytest.raises(InvalidInput) as refusal:
        read_cad(path)
    assert refusal.value.code in ("cad.step.syntax", "foreign.crashed")


def test_quotes_without_a_partner_do_not_stall_the_text() -> None:
    data = b"ISO-10303-21;" + b"".join(b"#%d=A('" % k + b"''" * 40 + b"x\n" for k in range(100_000))
    assert read_step_text(data) == StepText("", ())


@pytest.mark.parametrize(
    "change",
    [
        {"triangles": np.array([[0, 1, 3]], dtype=np.int32)},
        {"triangles": np.array([[0, 1, -1]], dtype=np.int32)},
        {"triangles": np.array([[0, 1, 2]], dtype=np.int64)},
        {"vertices": np.zeros((3, 2))},
        {"faces": np.array([-2], dtype=np.int32)},
        {"faces": np.array([0, 0], dtype=np.int32)},
    ],
)
def test_an_answer_of_the_child_that_could_harm_is_not_believed(change: dict[str, Any]) -> None:
    arrays = {
        "vertices": np.zeros((3, 3)),
        "triangles": np.array([[0, 1, 2]], dtype=np.int32),
        "faces": np.array([-1], dtype=np.int32),
    }
    summary = {"face_names": [[0, "a\x1b[31m"]], "zone_faces": [], "unit": "mm", "resolution": 0, "chord_mm": 0}
    summary |= {"notes": [], "gaps": []}
    assert _believed(Parsed(summary, arrays)).face_names == {0: "a\ufffd[31m"}
    with pytest.raises(ValueError, match=r"shape|exist|disagree"):
        _believed(Parsed(summary, arrays | change))


def test_kernels_can_be_compiled_ahead() -> None:
    warm_up()
