"""Many poses at once, each walking down to its own minimum on a few points.

The poses share one call of the mesh engine per step, so hundreds of starts cost what one large fit costs.
Steps are damped by the metric (Levenberg-Marquardt with displacement as the measure), which keeps a pose
from running away along what it cannot see.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from appliance.alignment.equations import Equations, Nominal, normal_equations
from appliance.alignment.facing import facing_shares
from appliance.core.kernels import kernel, over_chunks

Float64 = npt.NDArray[np.float64]

#: Longest step, root mean square over the points, as a share of the part's radius.
LONGEST_STEP: Final = 0.3
#: Damping of the first step, its factor from step to step, and where it ends.
FIRST_DAMPING: Final = 0.1
DAMPING_FACTOR: Final = 0.4
LEAST_DAMPING: Final = 1e-7
#: A pose whose step is shorter has arrived.
AT_REST_MM: Final = 1e-6
#: A point takes part while it is within so many medians of its pose's distances.
MEDIANS: Final = 4.0


@dataclass(frozen=True)
class Poses:
    """Candidate poses float64 (c, 4, 4), the distances (c, m), mm, that their points have there, and the share (c,)
    of them that lie on faces turned to their stations (1 where no station is known)."""

    part_from_scanner: Float64
    distance_mm: Float64
    facing_share: Float64

    @property
    def rms_mm(self) -> Float64:
        """Root mean square of all distances (c,)."""
        return np.asarray(np.sqrt(np.square(self.distance_mm).mean(axis=1)))

    def capped_rms_mm(self, far_mm: float) -> Float64:
        """The same over all points, none of which counts as farther off than ``far_mm``."""
        return np.asarray(np.sqrt(np.square(np.minimum(np.abs(self.distance_mm), far_mm)).mean(axis=1)))


@kernel
def _move_all(poses: Float64, xyz: Float64, out: Float64) -> None:
    count = len(xyz)
    for c in range(len(poses)):
        for i in range(count):
            for k in range(3):
                out[c * count + i, k] = (
                    poses[c, k, 0] * xyz[i, 0]
                    + poses[c, k, 1] * xyz[i, 1]
                    + poses[c, k, 2] * xyz[i, 2]
                    + poses[c, k, 3]
                )


def _moved(poses: Float64, xyz: Float64) -> Float64:
    out = np.empty((len(poses) * len(xyz), 3))
    each = max(1, 65_536 // len(xyz))
    over_chunks(
        len(poses),
        lambda start, stop: _move_all(poses[start:stop], xyz, out[start * len(xyz) : stop * len(xyz)]),
        chunk=each,
    )
    return out


def descend(
    surface: Nominal,
    points: Float64,
    poses: Float64,
    *,
    steps: int,
    robust: bool,
    radius_mm: float,
    pivot_mm: Float64,
    damping: float = FIRST_DAMPING,
    seen_from: Float64 | None = None,
) -> Poses:
    """Walk ``poses`` (c, 4, 4) down ``steps`` steps on ``points`` (m, 3), scanner frame.

    ``robust`` leaves out, per pose, what is beyond ``MEDIANS`` of its medians; else every point counts.
    ``seen_from`` : (m, 3), scanner frame, where the station of each point stood, NaN where unknown.
    """
    poses = np.ascontiguousarray(poses, dtype=np.float64).copy()
    distances = np.empty((len(poses), len(points)))
    shares = np.ones(len(poses))
    walking = np.arange(len(poses))
    for number in range(steps + 1):
        xyz = _moved(poses[walking], points)
        feet = surface.closest(xyz)
        distances[walking] = feet.distance_mm.reshape(-1, len(points))
        shares[walking] = facing_shares(poses[walking], xyz, feet.triangle, surface.face_normals, seen_from)
        if number == steps:
            break
        label = _labels(distances[walking], robust)
        sums = normal_equations(surface, xyz, feet, label, len(walking), pivot_mm, on_planes=False)
        weight = max(LEAST_DAMPING, damping * DAMPING_FACTOR**number)
        motions, length = _damped_steps(sums, weight, radius_mm)
        on = length > AT_REST_MM
        walking = walking[on]
        if not len(walking):
            break
        poses[walking] = _turned(poses[walking], motions[on], pivot_mm)
    return Poses(poses, distances, shares)


def _labels(distance: Float64, robust: bool) -> npt.NDArray[np.int32]:
    """The pose that each point (c m,) speaks for, -1 for none."""
    owner = np.broadcast_to(np.arange(len(distance), dtype=np.int32)[:, None], distance.shape)
    if robust:
        reach = MEDIANS * np.median(np.abs(distance), axis=1)
        owner = np.where(np.abs(distance) <= reach[:, None], owner, np.int32(-1))
    return np.ascontiguousarray(owner, dtype=np.int32).ravel()


def _damped_steps(sums: Equations, damping: float, radius_mm: float) -> tuple[Float64, Float64]:
    """Steps (c, 6), none longer than the part allows, and their lengths (c,), mm."""
    count = np.maximum(sums.count, 1.0)
    scale = np.array([radius_mm, radius_mm, radius_mm, 1.0, 1.0, 1.0])
    floor = 1e-12 * count[:, None, None] * np.diag(np.square(scale))
    left = sums.stiffness + damping * sums.metric + floor
    motions = -np.linalg.solve(left, sums.gradient[:, :, None])[:, :, 0]
    energy = np.einsum("ci,cij,cj->c", motions, sums.metric, motions)
    length = np.sqrt(np.maximum(energy, 0.0) / count)
    shrink = np.minimum(1.0, LONGEST_STEP * radius_mm / np.maximum(length, 1e-300))
    return motions * shrink[:, None], length


def _turned(poses: Float64, motions: Float64, pivot_mm: Float64) -> Float64:
    rotation = Rotation.from_rotvec(motions[:, :3]).as_matrix()
    turned = poses.copy()
    turned[:, :3, :3] = np.einsum("cij,cjk->cik", rotation, poses[:, :3, :3])
    turned[:, :3, 3] = np.einsum("cij,cj->ci", rotation, poses[:, :3, 3] - pivot_mm) + pivot_mm + motions[:, 3:]
    return turned
