"""Uncertainty of a fit by a delete-a-block jackknife over space.

Points near each other share the scanner's errors and the part's own shape, so a covariance of single
points promises far too much (metrology §5).  The scan is cut into blocks of equally many points; the fit
without each block is one Gauss-Newton step from the fit with all, which at its minimum is exact to
the second order of that step.  With datums the k-th block of every datum is deleted at once: their errors
are independent, and their squares add.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from appliance.alignment.equations import Equations
from appliance.alignment.newton import Freedoms, step

Float64 = npt.NDArray[np.float64]


def replicates(blocked: Sequence[Equations], fixed: Freedoms) -> Float64:
    """Small motions float64 (g, 6) from the fit to the fits without block 0, 1, ...; (0, 6) if it cannot be done.

    ``blocked`` : for each stage the equations by block, at the pose of the fit.
    """
    count = len(blocked[0].count)
    found = []
    for block in range(count):
        try:
            found.append(step([_without(stage, block) for stage in blocked], fixed))
        except np.linalg.LinAlgError:
            return np.zeros((0, 6))
    return np.array(found).reshape(-1, 6)


def _without(stage: Equations, block: int) -> Equations:
    kept = np.arange(len(stage.count)) != block
    parts = (stage.stiffness, stage.gradient, stage.metric, stage.squares, stage.count)
    return Equations(*(part[kept] for part in parts)).total()


def spread(values: Float64) -> Float64:
    """Jackknife variance of replicates (g, ...) along the first axis: (g - 1)/g times the squares about the mean.

    Source: Efron and Stein, The jackknife estimate of variance (1981).
    """
    count = len(values)
    return np.asarray((count - 1) / count * np.sum(np.square(values - values.mean(axis=0)), axis=0))


def standard_uncertainties(motions: Float64) -> tuple[float | None, float | None]:
    """Of translation in mm and rotation in rad: root of the sum over the three axes; None without replicates."""
    if len(motions) < 2:
        return None, None
    variance = spread(motions)
    return float(np.sqrt(variance[3:].sum())), float(np.sqrt(variance[:3].sum()))


def tangential_u_mm(motions: Float64, points: Float64, normals: Float64, pivot_mm: Float64) -> float:
    """Largest standard uncertainty, mm, of how far the fit slides along the surface at any of ``points``."""
    if len(motions) < 2:
        return 0.0
    arms = points - pivot_mm
    shift = np.cross(motions[:, None, :3], arms[None, :, :]) + motions[:, None, 3:]
    along = np.einsum("gnk,nk->gn", shift, normals)
    shift -= along[:, :, None] * normals[None, :, :]
    return float(np.sqrt(spread(shift).sum(axis=1).max()))
