"""Where the scan might lie, when nobody said: a tournament of starts over all rotations.

As it lies, the 24 ways of laying principal axes on each other, and rotations spread evenly over all; each walks
down on a few points, the best go on with more.  Ranked by the nearest four fifths of the points, so that a
table or a fixture does not decide.  A partial scan is served by starting it from several places of the part.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.alignment.descent import Poses, descend
from appliance.alignment.equations import Nominal
from appliance.alignment.sampling import thinned
from appliance.alignment.shape import Shape
from appliance.alignment.sketch import sketch_of
from appliance.alignment.starts import cube_rotations, spread_rotations
from appliance.mesh.surface import Surface

Float64 = npt.NDArray[np.float64]

#: Rotations spread over all: neighbours lie about 35 degrees apart.
SPREAD: Final = 256
#: Rounds: points, steps, and how many poses go on from it.
SKETCHED_ROUNDS: Final = ((160, 8, 40), (600, 10, 6))
EXACT_ROUND: Final = (2_000, 10, 1)


def global_start(surface: Surface, points: Float64, as_it_lies: Float64, shape: Shape) -> tuple[Float64, int]:
    """A rough pose for ``points`` (n, 3), mm, and how many starts were tried; ``as_it_lies`` is one of them."""
    poses = np.concatenate([as_it_lies[None], _first_poses(points, shape)])
    starts = len(poses)
    sketch = sketch_of(surface)
    rounds: list[tuple[Nominal, tuple[int, int, int]]] = [(sketch, each) for each in SKETCHED_ROUNDS]
    for nominal, (most, steps, kept) in [*rounds, (surface, EXACT_ROUND)]:
        few = points[thinned(points, most)]
        found = descend(
            nominal, few, poses, steps=steps, robust=True, radius_mm=shape.radius_mm, pivot_mm=shape.centre_mm
        )
        poses = _best(found, kept)
    return poses[0], starts


def _best(found: Poses, count: int) -> Float64:
    return found.part_from_scanner[np.argsort(found.ranked_rms_mm, kind="stable")[:count]]


def _first_poses(points: Float64, shape: Shape) -> Float64:
    centre = points.mean(axis=0)
    _, axes = np.linalg.eigh(np.cov((points - centre).T))
    if np.linalg.det(axes) < 0.0:
        axes[:, 0] = -axes[:, 0]
    rotations = np.concatenate([np.eye(3)[None], shape.axes @ cube_rotations() @ axes.T, spread_rotations(SPREAD)])
    poses = np.tile(np.eye(4), (len(rotations), 1, 1))
    poses[:, :3, :3] = rotations
    poses[:, :3, 3] = shape.centre_mm - rotations @ centre
    return poses
