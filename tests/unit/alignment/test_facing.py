"""Where the scanner stood decides between poses that fit alike, and is believed only as far as the fit bears it out."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from appliance.alignment.facing import Viewpoints, facing_shares
from appliance.alignment.fit import align
from appliance.alignment.records import Alignment
from appliance.mesh.surface import Surface

ABOVE = (30.0, -50.0, 600.0)


def top_alone(parts: ModuleType, place: tuple[float, float, float], seed: int) -> tuple[Alignment, np.ndarray]:
    """A fit of the flat top of a plate, 10 mm thick, said to be seen from ``place``; where it lays both."""
    mesh = parts.plate_with_studs((30, 10), (-45, -20))
    g = np.random.default_rng(seed).uniform(-1.0, 1.0, (4_000, 2)) * (58.0, 38.0)
    clear = [np.linalg.norm(g - stud, axis=1) > 9.0 for stud in ((30, 10), (-45, -20))]
    g = g[clear[0] & clear[1]]
    points = np.column_stack([g, np.full(len(g), 5.0)])
    truth = parts.motion((20.0, 35.0, -60.0), (300.0, 100.0, 50.0 * seed))
    seen = Viewpoints(np.zeros(len(points), dtype=np.uint16), parts.moved(truth, np.array([place])))
    found = align(
        Surface.build(mesh), parts.moved(truth, points), mode="best_fit_all", zones=parts.zones_by_face(mesh),
        tolerance_mm=0.2, cell_mm=1.0, viewpoints=seen,
    )  # fmt: skip
    both = np.concatenate([[place], points])
    return found, parts.moved(found.part_from_scanner, parts.moved(truth, both))


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_a_flat_scan_lies_on_a_side_that_looks_at_the_scanner(parts: ModuleType, seed: int) -> None:
    found, at = top_alone(parts, ABOVE, seed)
    side = np.sign(at[0, 2])
    np.testing.assert_allclose(at[1:, 2], 5.0 * side, atol=1e-3)
    assert found.details["facing_share"] > 0.99
    assert found.ambiguous


def test_a_place_within_the_part_is_not_believed(parts: ModuleType) -> None:
    found, at = top_alone(parts, (0.0, 0.0, 5.0), 1)
    assert found.details["facing_share"] is None
    assert np.abs(np.abs(at[1:, 2]) - 5.0).max() < 1e-3


def test_the_share_counts_the_points_whose_station_is_known() -> None:
    """Four points on the planes z = 0 and z = 1 that look up, seen from z = 0.5 and from nowhere."""
    poses = np.stack([np.eye(4), np.diag([1.0, -1.0, -1.0, 1.0])])
    points = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    places = np.array([[0.0, 0.0, 0.5]] * 3 + [[np.nan] * 3])
    xyz = np.concatenate([points, points * (1.0, -1.0, -1.0)])
    triangle, up = np.zeros(8, dtype=np.int32), np.array([[0.0, 0.0, 1.0]])
    assert facing_shares(poses, xyz, triangle, up, places).tolist() == pytest.approx([2 / 3, 1 / 3])
    assert facing_shares(poses, xyz, triangle, up, None).tolist() == [1.0, 1.0]
    assert facing_shares(poses, xyz, triangle, up, np.full((4, 3), np.nan)).tolist() == [1.0, 1.0]
