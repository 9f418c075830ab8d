"""Lay a second scan on the first by what M3C2 sees between them, leaving out what changed.

Every core point tells, along its normal, how far the second scan lies off and how sure that is: the mean of some fifty
points on either side, so a fit to these distances knows the pose far better than one to single points.  Weights
(Tukey's biweight) leave out the places that changed; they begin as wide as the distances spread and narrow, step by
step, to what the noise explains.  What no normal resists, such as sliding along a plane, is left as it was and said.

The second scan stays where it is: core points and normals are moved into its frame instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.alignment import rigid
from appliance.change.compare import CELL_RADII, LEAST_POINTS, measured
from appliance.change.grid import Grid, grid_of
from appliance.change.records import Scales
from appliance.errors import InvalidInput

Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

#: Fewer core points than this seen by both scans are no basis for six unknowns.
LEAST_CORES: Final = 50
MOST_STEPS: Final = 40
#: A step that moves no core point further than this is rest.
REST_MM: Final = 1e-5
#: Tukey's constant: 95 % efficiency where nothing changed; median absolute deviation of a normal distribution.
TUKEY: Final = 4.685
SIGMA_PER_MAD: Final = 1.4826
#: By how much the weights narrow with each step, and the least width in standard errors of a distance.
NARROWING: Final = 0.8
LEAST_ERRORS: Final = 2.0
#: A motion that shows along normals by less than this share of its length, squared, is left open.
OPEN_SHARE: Final = 1e-4


@dataclass(frozen=True)
class Registration:
    """How the second scan was laid on the first.

    Attributes
    ----------
    first_from_second : float64 (4, 4), rigid, mm
    residual_mm : root mean square of the distances that remain at the core points that the fit believed
    cores_used : how many those are
    open_freedoms : motions of six that nothing resists; they were left as they were
    at_rest : the last step moved nothing any more
    """

    first_from_second: Float64
    residual_mm: float
    cores_used: int
    open_freedoms: int
    at_rest: bool


@dataclass(frozen=True)
class _Cores:
    """Core points with normals, their place on the first scan, and the variance of that mean, mm2."""

    xyz: Float64
    normals: Float64
    place: Float64
    variance: Float64


def register(
    first_mm: Float64, second_mm: Float64, cores_mm: Float64, normals: Float64, scales: Scales
) -> Registration:
    """Fit the second scan to the first; it must lie within the cylinders' depth already.

    Points are checked ones float64 (n, 3), mm; ``normals`` float64 (m, 3) belong to the core points.

    Raises
    ------
    InvalidInput : too few core points are seen by both scans
    """
    cell_mm = CELL_RADII * scales.radius_mm
    place, spread, count = measured(grid_of(first_mm, cell_mm), cores_mm, normals, scales)
    seen = count >= LEAST_POINTS
    if (found := int(np.count_nonzero(seen))) < LEAST_CORES:
        raise _no_overlap(found)
    cores = _Cores(
        cores_mm[seen], np.ascontiguousarray(normals[seen]), place[seen], np.square(spread[seen]) / count[seen]
    )
    grid, pose, at_rest, opened, sigma = grid_of(second_mm, cell_mm), np.eye(4), False, 0, np.inf
    pivot = cores.xyz.mean(axis=0)
    for _ in range(MOST_STEPS):
        distance, error = _distances(grid, cores, pose, scales)
        sigma, narrowed = max(min(NARROWING * sigma, _spread(distance)), LEAST_ERRORS * error), sigma
        motion, opened = _step(cores.xyz - pivot, cores.normals, distance, _weights(distance, sigma))
        pose = rigid.compose(rigid.from_small_motion(motion, pivot), pose)
        moved = np.cross(motion[:3], cores.xyz - pivot) + motion[3:]
        at_rest = float(np.sqrt(np.square(moved).sum(axis=1).max())) < REST_MM
        if at_rest and sigma >= narrowed:
            break
    distance, _ = _distances(grid, cores, pose, scales)
    believed = _weights(distance, sigma) > 0.0
    residual = float(np.sqrt(np.mean(np.square(distance[believed]))))
    return Registration(pose, residual, int(believed.sum()), opened, at_rest)


def _distances(grid: Grid, cores: _Cores, first_from_second: Float64, scales: Scales) -> tuple[Float64, float]:
    """Distance (m,) of the second scan at each core point, NaN where it has too few points there, and its error."""
    back = rigid.inverse(first_from_second)
    there, spread, count = measured(grid, rigid.apply(back, cores.xyz), cores.normals @ back[:3, :3].T, scales)
    seen = count >= LEAST_POINTS
    if (found := int(np.count_nonzero(seen))) < LEAST_CORES:
        raise _no_overlap(found)
    variance = cores.variance[seen] + np.square(spread[seen]) / count[seen]
    return np.where(seen, there - cores.place, np.nan), float(np.sqrt(np.median(variance)))


def _spread(distance: Float64) -> float:
    return SIGMA_PER_MAD * float(np.nanmedian(np.abs(distance - np.nanmedian(distance))))


def _weights(distance: Float64, sigma: float) -> Float64:
    """Tukey's biweight (m,): 0 where the distance is unknown or far from what most say."""
    share = (distance - np.nanmedian(distance)) / (TUKEY * max(sigma, np.finfo(float).tiny))
    return np.where(np.abs(share) < 1.0, np.square(1.0 - np.square(share)), 0.0)


def _step(offset: Float64, normals: Float64, distance: Float64, weight: Float64) -> tuple[Float64, int]:
    """The small motion that takes the weighted distances away, and how many freedoms nothing resists.

    Rotations are scaled by the radius of gyration, so that all six are lengths.
    """
    radius = float(np.sqrt(np.square(offset).sum(axis=1).mean()))
    rows = np.hstack((np.cross(offset, normals) / radius, normals))
    stiffness = (weight[:, None] * rows).T @ rows
    gradient = (weight[:, None] * rows).T @ np.nan_to_num(distance)
    strength, axes = np.linalg.eigh(stiffness)
    held = strength > OPEN_SHARE * strength[-1]
    motion = -axes[:, held] @ ((axes[:, held].T @ gradient) / strength[held])
    return np.concatenate((motion[:3] / radius, motion[3:])), int(np.count_nonzero(~held))


def _no_overlap(cores: int) -> InvalidInput:
    return InvalidInput(
        "change.no_overlap",
        f"Both scans have points at {cores} core points only; a registration needs {LEAST_CORES}.",
        "Check units and frames, or give a larger depth: the scans must lie that close before they are registered.",
    )
