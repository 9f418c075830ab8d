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
from appliance.alignment.polish import Fit

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
    return shift_u_mm(covariance(motions), points, normals, pivot_mm)[1]


def noise_covariance(fit: Fit) -> Float64:
    """Covariance (6, 6) of a fit's motion if every point erred by itself: what more points would lessen.

    It promises too much (metrology §5) and is stated nowhere; it tells how many points are worth their time.
    """
    found = np.zeros((6, 6))
    for stage, basis in zip(fit.equations, fit.fixed.bases, strict=True):
        if basis.shape[1]:
            variance = stage.squares[0] / max(1.0, stage.count[0])
            found += variance * basis @ np.linalg.solve(basis.T @ stage.stiffness[0] @ basis, basis.T)
    return found


def covariance(motions: Float64) -> Float64:
    """Jackknife covariance (6, 6) of replicates (g, 6)."""
    away = motions - motions.mean(axis=0)
    return np.asarray((len(motions) - 1) / len(motions) * away.T @ away)


def shift_u_mm(motion: Float64, points: Float64, normals: Float64, pivot_mm: Float64) -> tuple[float, float]:
    """Largest standard uncertainties, mm, along and across the normals at any of ``points`` (p, 3).

    ``motion`` : covariance (6, 6) of a small motion about ``pivot_mm``, from which a point shifts by J m with
    J = [-arm x | 1].
    """
    jacobian = np.zeros((len(points), 3, 6))
    x, y, z = (points - pivot_mm).T
    jacobian[:, 0, 1], jacobian[:, 0, 2], jacobian[:, 1, 2] = z, -y, x
    jacobian[:, 1, 0], jacobian[:, 2, 0], jacobian[:, 2, 1] = -z, y, -x
    jacobian[:, range(3), range(3, 6)] = 1.0
    shift = jacobian @ motion @ jacobian.transpose(0, 2, 1)
    along = np.einsum("ni,nij,nj->n", normals, shift, normals)
    across = np.trace(shift, axis1=1, axis2=2) - along
    return float(np.sqrt(max(0.0, along.max()))), float(np.sqrt(max(0.0, across.max())))
