"""Rigid motions: what is accepted, what is refused, and what they do to points."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from appliance.alignment import rigid
from appliance.alignment.supplied import shared_frame, supplied
from appliance.errors import InvalidInput


def matrix_of(vector: tuple[float, float, float], shift: tuple[float, float, float]) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(vector).as_matrix()
    matrix[:3, 3] = shift
    return matrix


def test_points_move_as_plain_matrix_algebra_says() -> None:
    matrix = matrix_of((0.3, -0.2, 0.9), (10.0, -4.0, 2.5))
    points = np.random.default_rng(1).normal(size=(200_000, 3)) * 1e3
    expected = points @ matrix[:3, :3].T + matrix[:3, 3]
    np.testing.assert_allclose(rigid.apply(matrix, points), expected, rtol=0, atol=1e-9)
    np.testing.assert_allclose(rigid.apply_in_place(matrix, points), expected, rtol=0, atol=1e-9)
    np.testing.assert_allclose(points, expected, rtol=0, atol=1e-9)


def test_moving_in_place_refuses_what_it_would_have_to_copy() -> None:
    with pytest.raises(ValueError, match="float64"):
        rigid.apply_in_place(np.eye(4), np.zeros((5, 3), dtype=np.float32))  # type: ignore[arg-type]


@pytest.mark.parametrize("angle", [0.0, 1e-12, 1e-6, 0.1, 2.0, 3.1, np.pi - 1e-9, np.pi])
def test_a_small_motion_turns_about_its_pivot_and_comes_back_as_it_was(angle: float) -> None:
    pivot = np.array([100.0, -50.0, 7.0])
    axis = np.array([0.6, 0.0, 0.8])
    motion = np.concatenate([angle * axis, [0.1, 0.2, -0.3]])
    matrix = rigid.from_small_motion(motion, pivot)
    np.testing.assert_allclose(matrix[:3, :3], Rotation.from_rotvec(angle * axis).as_matrix(), atol=1e-15)
    np.testing.assert_allclose(rigid.apply(matrix, pivot[None])[0], pivot + motion[3:], atol=1e-12)
    back = rigid.to_small_motion(matrix, pivot)
    np.testing.assert_allclose(rigid.from_small_motion(back, pivot), matrix, atol=1e-12)
    np.testing.assert_allclose(np.abs(back[:3]), np.abs(motion[:3]), atol=1e-9)


def test_a_motion_and_its_inverse_compose_to_nothing() -> None:
    matrix = matrix_of((1.0, 2.0, -0.5), (1e5, -2e4, 3.0))
    np.testing.assert_allclose(rigid.compose(rigid.inverse(matrix), matrix), np.eye(4), atol=1e-9)


def test_a_thousand_compositions_stay_rigid() -> None:
    step, matrix = matrix_of((0.01, 0.02, 0.03), (0.0, 0.0, 0.0)), np.eye(4)
    for _ in range(1000):
        matrix = rigid.compose(step, matrix)
    np.testing.assert_allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3), atol=1e-15)


BAD = {
    "alignment.matrix.shape": [np.eye(3), np.zeros((4, 4, 1)), "not a matrix", [[1, 2], [3]]],
    "alignment.matrix.finite": [np.diag([1, 1, np.nan, 1]), np.diag([1, 1, np.inf, 1])],
    "alignment.matrix.last_row": [np.diag([1.0, 1.0, 1.0, 2.0]), np.eye(4) + 1e-3 * np.eye(4)[[3, 0, 1, 2]]],
    "alignment.matrix.not_rigid": [
        np.diag([2.0, 1.0, 1.0, 1.0]),
        np.diag([1.00001, 1.0, 1.0, 1.0]),
        np.diag([0, 0, 0, 1.0]),
    ],
    "alignment.matrix.mirror": [np.diag([-1.0, 1.0, 1.0, 1.0])],
}


@pytest.mark.parametrize(("code", "matrix"), [(code, matrix) for code, group in BAD.items() for matrix in group])
def test_a_matrix_that_is_not_rigid_is_refused(code: str, matrix: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        rigid.check_rigid(matrix)  # type: ignore[arg-type]
    assert refused.value.code == code
    assert refused.value.hint


def test_a_rotation_printed_with_seven_digits_is_made_orthonormal() -> None:
    printed = np.round(matrix_of((0.3, -0.2, 0.9), (10.0, 0.0, 0.0)), 7)
    checked = rigid.check_rigid(printed)
    rounding = 16 * np.finfo(np.float64).eps  # the last bits are the processor's own
    np.testing.assert_allclose(checked[:3, :3] @ checked[:3, :3].T, np.eye(3), atol=rounding)
    np.testing.assert_allclose(checked, printed, atol=1e-6)


def test_a_supplied_pose_states_no_uncertainty_and_a_shared_frame_is_the_identity() -> None:
    given = supplied(matrix_of((0.0, 0.0, 0.1), (1.0, 0.0, 0.0)))
    assert (given.mode, given.ambiguous, given.translation_u_mm, len(given.replicates)) == ("supplied", False, None, 0)
    assert np.isnan(given.residual_rms_mm)
    assert given.points_used == 0
    shared = shared_frame()
    assert shared.mode == "shared_frame"
    np.testing.assert_array_equal(shared.part_from_scanner, np.eye(4))
