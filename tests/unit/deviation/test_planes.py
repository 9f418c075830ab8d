"""The plane across a covariance: what a full decomposition says, for flat blocks, rough ones, lines and balls."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from appliance.deviation.normals import plane_across


def plane_of(matrix: Any) -> Any:
    plane = np.full(4, np.nan, dtype=np.float32)
    plane_across(np.array(matrix, dtype=np.float64), plane)
    return plane


@pytest.mark.parametrize("flatness", [0.0, 1e-9, 0.01, 0.3, 0.69])
def test_normal_and_flatness_are_those_of_a_full_decomposition(flatness: float) -> None:
    rng = np.random.default_rng(3)
    for _ in range(500):
        turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        high = 10.0 ** rng.uniform(-6, 3)
        middle = high * 10.0 ** rng.uniform(-2.9, 0.0)
        matrix = turn @ np.diag([flatness * middle, middle, high]) @ turn.T
        plane = plane_of(0.5 * (matrix + matrix.T))
        axis = np.linalg.eigh(matrix)[1][:, 0]
        assert abs(plane[:3].astype(float) @ axis) == pytest.approx(1.0, abs=2e-7)
        assert plane[3] == pytest.approx(flatness, abs=1e-7)


@pytest.mark.parametrize("variances", [(0.75, 1, 1), (1, 1, 1), (0, 1e-4, 1), (0, 0, 1), (0, 0, 0), (0.8, 1, 50)])
def test_a_line_a_ball_and_a_point_have_no_plane(variances: tuple[float, float, float]) -> None:
    for order in ((0, 1, 2), (2, 0, 1), (1, 2, 0)):
        assert np.isnan(plane_of(np.diag([float(variances[n]) for n in order]))).all()
