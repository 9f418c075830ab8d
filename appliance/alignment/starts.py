"""Rotations from which poses are sought: sets that are the same on every run."""

from __future__ import annotations

from itertools import permutations, product
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

Float64 = npt.NDArray[np.float64]

#: Turns about an axis, degrees (metrology §4).
TURN_DEGREES: Final = 15
#: Two rotations nearer than this, in the size of their matrices' difference, are one start.
SAME_ROTATION: Final = 1e-3


def cube_rotations() -> Float64:
    """The 24 rotations that take the coordinate axes into each other, float64 (24, 3, 3); the identity first."""
    found = []
    for order in permutations(range(3)):
        for signs in product((1.0, -1.0), repeat=3):
            matrix = np.zeros((3, 3))
            matrix[range(3), order] = signs
            if np.linalg.det(matrix) > 0.0:
                found.append(matrix)
    return np.array(found)


def spread_rotations(count: int) -> Float64:
    """``count`` rotations spread evenly over all, float64 (count, 3, 3).

    Source: Alexa, Super-Fibonacci spirals (CVPR 2022).
    """
    s = np.arange(count) + 0.5
    t = s / count
    inner, outer = np.sqrt(t), np.sqrt(1.0 - t)
    alpha = 2.0 * np.pi * s / np.sqrt(2.0)
    beta = 2.0 * np.pi * s / 1.533751168755204288118041
    quaternions = np.stack(
        [inner * np.sin(alpha), inner * np.cos(alpha), outer * np.sin(beta), outer * np.cos(beta)], axis=1
    )
    return np.asarray(Rotation.from_quat(quaternions).as_matrix())


def turns(axes: Float64) -> Float64:
    """Turns by 15, 30, ... 345 degrees about each column of ``axes``: float64 (69, 3, 3)."""
    angles = np.radians(np.arange(TURN_DEGREES, 360, TURN_DEGREES))
    vectors = np.concatenate([angles[:, None] * axes[:, k] for k in range(3)])
    return np.asarray(Rotation.from_rotvec(vectors).as_matrix())


def symmetric_starts(axes: Float64) -> Float64:
    """Rotations that may take a part into itself, about its principal axes and about those of its frame.

    Returns float64 (c, 3, 3) without the identity and without repetition: the 24 rotations of each set of
    axes and 15-degree turns about each axis.
    """
    sets = []
    for frame in (axes, np.eye(3)):
        sets.append(frame @ cube_rotations() @ frame.T)
        sets.append(turns(frame))
    return _distinct(np.concatenate(sets))


def _distinct(rotations: Float64) -> Float64:
    kept = [np.eye(3)]
    for rotation in rotations:
        if np.abs(np.array(kept) - rotation).max(axis=(1, 2)).min() > SAME_ROTATION:
            kept.append(rotation)
    return np.array(kept[1:])


def about(rotations: Float64, centre_mm: Float64) -> Float64:
    """Motions float64 (c, 4, 4) that turn by ``rotations`` about ``centre_mm``."""
    motions = np.tile(np.eye(4), (len(rotations), 1, 1))
    motions[:, :3, :3] = rotations
    motions[:, :3, 3] = centre_mm - rotations @ centre_mm
    return motions


def offsets(translation_mm: float, rotation_rad: float, centre_mm: Float64) -> Float64:
    """The twelve motions by plus and minus the given amounts along and about each axis of the part frame."""
    eye = np.eye(3)
    vectors = np.concatenate([rotation_rad * eye, -rotation_rad * eye])
    turned = about(np.asarray(Rotation.from_rotvec(vectors).as_matrix()), centre_mm)
    shifted = np.tile(np.eye(4), (6, 1, 1))
    shifted[:, :3, 3] = np.concatenate([translation_mm * eye, -translation_mm * eye])
    return np.concatenate([shifted, turned])


def shifts(directions: Float64, lengths_mm: Float64) -> Float64:
    """Motions float64 (2 k, 4, 4) by plus and minus ``lengths_mm`` (k,) along ``directions`` (k, 3)."""
    vectors = lengths_mm[:, None] * directions
    shifted = np.tile(np.eye(4), (2 * len(vectors), 1, 1))
    shifted[:, :3, 3] = np.concatenate([vectors, -vectors])
    return shifted
