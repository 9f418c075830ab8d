"""Where the scan might lie, when nobody said: a tournament of starts over all rotations.

As it lies, the 24 ways of laying principal axes on each other, and rotations spread evenly over all; each walks
down on a few points, the best go on with more.  Ranked by all points, none of which counts as farther off than
a share of the part's radius: a table or a fixture does not decide, and of two poses that lay most of the scan
on the surface the one that lays more of it there wins.  A pose in which stations look through the material loses
to any that is about as good.  A scan of one side is served by starting it from either side of the part.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.alignment.descent import Poses, descend
from appliance.alignment.equations import Nominal
from appliance.alignment.facing import LEAST_FACING_SHARE
from appliance.alignment.part import Part
from appliance.alignment.sampling import thinned
from appliance.alignment.shape import Shape
from appliance.alignment.starts import cube_rotations, shifts, spread_rotations

Float64 = npt.NDArray[np.float64]

#: Rotations spread over all: neighbours lie about 35 degrees apart.
SPREAD: Final = 256
#: Rounds: points, steps, and how many poses go on from it.
SKETCHED_ROUNDS: Final = ((160, 8, 40), (600, 10, 6))
EXACT_ROUND: Final = (2_000, 10, 1)
#: A point counts as no farther off than this share of the part's radius: on the sketch, on the exact mesh.
SKETCHED_FAR: Final = 0.15
EXACT_FAR: Final = 0.03
#: A pose that turns its stations away must be so many times better than one that does not.
TURNED_FACTOR: Final = 3.0


def global_start(
    part: Part, points: Float64, as_it_lies: Float64, seen_from: Float64 | None = None
) -> tuple[Float64, int]:
    """A rough pose for ``points`` (n, 3), mm, and how many starts were tried; ``as_it_lies`` is one of them.

    ``seen_from`` : float64 (n, 3), where the station of each point stood, NaN where unknown.
    """
    shape = part.shape
    poses = np.concatenate([as_it_lies[None], _first_poses(points, shape)])
    starts = len(poses)
    rounds: list[tuple[Nominal, tuple[int, int, int]]] = [(part.sketch, each) for each in SKETCHED_ROUNDS]
    for nominal, (most, steps, kept) in [*rounds, (part.surface, EXACT_ROUND)]:
        few = thinned(points, most)
        found = descend(
            nominal, points[few], poses, steps=steps, robust=True, radius_mm=shape.radius_mm,
            pivot_mm=shape.centre_mm, seen_from=None if seen_from is None else seen_from[few],
        )  # fmt: skip
        far = EXACT_FAR if nominal is part.surface else SKETCHED_FAR
        poses = _best(found, kept, far * shape.radius_mm)
    return poses[0], starts


def _best(found: Poses, count: int, far_mm: float) -> Float64:
    rms = found.capped_rms_mm(far_mm)
    rms = np.where(found.facing_share < LEAST_FACING_SHARE, TURNED_FACTOR, 1.0) * rms
    return found.part_from_scanner[np.argsort(rms, kind="stable")[:count]]


def _first_poses(points: Float64, shape: Shape) -> Float64:
    centre = points.mean(axis=0)
    _, axes = np.linalg.eigh(np.cov((points - centre).T))
    if np.linalg.det(axes) < 0.0:
        axes[:, 0] = -axes[:, 0]
    laid = shape.axes @ cube_rotations() @ axes.T
    rotations = np.concatenate([np.eye(3)[None], laid, spread_rotations(SPREAD)])
    poses = np.tile(np.eye(4), (len(rotations), 1, 1))
    poses[:, :3, :3] = rotations
    poses[:, :3, 3] = shape.centre_mm - rotations @ centre
    return np.concatenate([poses, _on_either_side(poses[1 : 1 + len(laid)], points, axes[:, 0], shape)])


def _on_either_side(poses: Float64, points: Float64, thin: Float64, shape: Shape) -> Float64:
    """The poses shifted along the scan's thinnest direction, as far as the part leaves room: a scan of one side of a
    part has its middle on that side, not in the part's."""
    across = points @ thin
    directions = poses[:, :3, :3] @ thin
    own = np.abs(directions @ shape.axes) @ shape.extent_mm
    room = 0.5 * np.maximum(own - float(across.max() - across.min()), 0.0)
    return np.asarray(shifts(directions, room) @ np.concatenate([poses, poses]))
