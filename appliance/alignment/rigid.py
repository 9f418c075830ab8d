"""Rigid motions of the part frame: checked, composed, applied.

A motion is a float64 (4, 4) matrix in mm whose last row is 0 0 0 1.  Small motions are six numbers:
a rotation vector in rad about a pivot, then a translation in mm.  Points are moved in float64 by
compiled kernels, chunk by chunk, with the same bits on one core and on many.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import kernel, over_chunks
from appliance.errors import InvalidInput

Float64 = npt.NDArray[np.float64]

#: Largest departure of a supplied rotation from orthonormal: six printed digits are enough to pass.
ORTHONORMAL_WITHIN: Final = 1e-6

_HINT: Final = "Give a rigid motion, 4 x 4 in mm: a rotation, a translation, last row 0 0 0 1."


@kernel
def _move(matrix: Float64, xyz: Float64, out: Float64) -> None:
    for i in range(len(xyz)):
        x, y, z = xyz[i, 0], xyz[i, 1], xyz[i, 2]
        for k in range(3):
            out[i, k] = matrix[k, 0] * x + matrix[k, 1] * y + matrix[k, 2] * z + matrix[k, 3]


def apply(part_from_scanner: Float64, xyz: Float64) -> Float64:
    """Points moved into the part frame: float64 (n, 3), mm, a new array."""
    points = np.ascontiguousarray(xyz, dtype=np.float64)
    return _moved(part_from_scanner, points, np.empty_like(points))


def apply_in_place(part_from_scanner: Float64, xyz: Float64) -> Float64:
    """As ``apply``, overwriting ``xyz`` (float64, C order): for scans that fill the memory."""
    if xyz.dtype != np.float64 or not xyz.flags.c_contiguous:
        raise ValueError("points to be moved in place must be float64 in C order")
    return _moved(part_from_scanner, xyz, xyz)


def _moved(matrix: Float64, xyz: Float64, out: Float64) -> Float64:
    motion = np.ascontiguousarray(matrix, dtype=np.float64)
    over_chunks(len(xyz), lambda start, stop: _move(motion, xyz[start:stop], out[start:stop]))
    return out


def rotation_of(vector: Float64) -> Float64:
    """Rotation matrix (3, 3) of a rotation vector in rad, exact for the smallest angles too.

    Source: Rodrigues' formula, with 1 - cos a written as 2 sin^2(a/2).
    """
    angle = float(np.sqrt(vector[0] ** 2 + vector[1] ** 2 + vector[2] ** 2))
    cross = np.array([[0.0, -vector[2], vector[1]], [vector[2], 0.0, -vector[0]], [-vector[1], vector[0], 0.0]])
    if angle < 1e-150:
        return np.asarray(np.eye(3) + cross)
    half = np.sin(0.5 * angle) / (0.5 * angle)
    return np.asarray(np.eye(3) + (np.sin(angle) / angle) * cross + 0.5 * half * half * (cross @ cross))


def from_small_motion(motion: Float64, pivot_mm: Float64) -> Float64:
    """The matrix that turns by ``motion[:3]`` (rad) about ``pivot_mm`` and then moves by ``motion[3:]`` (mm)."""
    rotation = rotation_of(np.asarray(motion[:3], dtype=np.float64))
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = pivot_mm - rotation @ pivot_mm + motion[3:]
    return matrix


def to_small_motion(matrix: Float64, pivot_mm: Float64) -> Float64:
    """The six numbers from which ``from_small_motion`` makes ``matrix``; the angle lies in 0 to pi."""
    rotation = matrix[:3, :3]
    twice_axis = np.array(
        [rotation[2, 1] - rotation[1, 2], rotation[0, 2] - rotation[2, 0], rotation[1, 0] - rotation[0, 1]]
    )
    sine = 0.5 * float(np.sqrt(np.sum(np.square(twice_axis))))
    angle = float(np.arctan2(sine, 0.5 * (np.trace(rotation) - 1.0)))
    if angle < 3.0:
        vector = 0.5 * twice_axis * (angle / sine if sine > 1e-150 else 1.0)
    else:
        vector = angle * _axis_of_large_turn(rotation, twice_axis)
    return np.concatenate([vector, matrix[:3, 3] - pivot_mm + rotation @ pivot_mm])


def _axis_of_large_turn(rotation: Float64, twice_axis: Float64) -> Float64:
    """Unit axis where the antisymmetric part vanishes: the column of R + R' - (tr R - 1) I with the largest norm."""
    outer = rotation + rotation.T - (np.trace(rotation) - 1.0) * np.eye(3)
    column = outer[:, int(np.argmax(np.diag(outer)))]
    axis = column / np.sqrt(np.sum(np.square(column)))
    return np.asarray(-axis if float(axis @ twice_axis) < 0.0 else axis)


def compose(outer: Float64, inner: Float64) -> Float64:
    """The motion that does ``inner`` first and ``outer`` then, with its rotation made orthonormal again."""
    matrix = np.asarray(outer @ inner)
    matrix[:3, :3] = orthonormal(matrix[:3, :3])
    matrix[3] = (0.0, 0.0, 0.0, 1.0)
    return matrix


def inverse(matrix: Float64) -> Float64:
    """The motion back."""
    back = np.eye(4)
    back[:3, :3] = matrix[:3, :3].T
    back[:3, 3] = -matrix[:3, :3].T @ matrix[:3, 3]
    return back


def orthonormal(rotation: Float64) -> Float64:
    """The rotation nearest to ``rotation`` (3, 3) in the sense of Frobenius.

    Source: Higham, Computing the polar decomposition (1986): the polar factor, by singular values.
    """
    left, _, right = np.linalg.svd(rotation)
    return np.asarray(left @ right)


def check_rigid(matrix: Float64) -> Float64:
    """``matrix`` as a rigid motion, float64 (4, 4), its rotation orthonormal to the last bits.

    Raises
    ------
    InvalidInput : not 4 x 4 real numbers, not finite, a last row other than 0 0 0 1, a scale or a
        shear (further than ``ORTHONORMAL_WITHIN`` from orthonormal), a mirror
    """
    try:
        motion = np.array(matrix, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidInput("alignment.matrix.shape", "The alignment matrix is not 4 x 4 numbers.", _HINT) from None
    if motion.shape != (4, 4):
        raise InvalidInput(
            "alignment.matrix.shape", f"The alignment matrix has shape {motion.shape}, not 4 x 4.", _HINT
        )
    if not np.isfinite(motion).all():
        raise InvalidInput("alignment.matrix.finite", "The alignment matrix holds a value that is not finite.", _HINT)
    if np.abs(motion[3] - (0.0, 0.0, 0.0, 1.0)).max() > 0.0:
        raise InvalidInput("alignment.matrix.last_row", "The last row of the alignment matrix is not 0 0 0 1.", _HINT)
    rotation = motion[:3, :3]
    off = float(np.abs(rotation @ rotation.T - np.eye(3)).max())
    if off > ORTHONORMAL_WITHIN:
        raise InvalidInput(
            "alignment.matrix.not_rigid", f"The alignment matrix scales or shears (by up to {off:.3g}).", _HINT
        )
    if np.linalg.det(rotation) < 0.0:
        raise InvalidInput("alignment.matrix.mirror", "The alignment matrix mirrors the part.", _HINT)
    motion[:3, :3] = orthonormal(rotation)
    return motion
