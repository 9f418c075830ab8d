"""Gauss-Newton steps of a fit in stages: what one stage has fixed, the next leaves alone.

A best fit has a single stage.  Datums have up to three (ISO 5459: primary, secondary, tertiary): each
takes of the remaining freedoms those that its points can see, and least squares over its points sets
them.  A plane sees three, a second plane two, a third one: 3-2-1, without naming shapes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh

from appliance.alignment.equations import Equations

Float64 = npt.NDArray[np.float64]

#: Share of a motion that must show as deviation for a datum to take it.  A turn about a faceted cylinder
#: shows (pi/N)^2 / 3 = 0.003 at N = 32 facets and must stay free; a plane shows 1 or 0.
DATUM_SHARE: Final = 0.02
#: The same for reference zones: feet on their edges show a little of what the zones cannot see.
REFERENCE_SHARE: Final = 1e-3
#: The same for a best fit: beneath it a freedom is noise divided by nothing, and is left where it was.
FIT_SHARE: Final = 1e-6


@dataclass(frozen=True)
class Freedoms:
    """What each stage fixes.

    ``bases`` : one float64 (6, k) a stage, motions that it fixes; ``shares`` : float64 (k,) a stage, how
    much of each shows as deviation; ``left`` : float64 (6, m), motions that no stage sees.
    """

    bases: tuple[Float64, ...]
    shares: tuple[Float64, ...]
    left: Float64


def freedoms(stages: Sequence[Equations], least_share: Sequence[float]) -> Freedoms:
    """Deal the six freedoms out to the stages, in their order."""
    free = np.eye(6)
    bases: list[Float64] = []
    shares: list[Float64] = []
    for stage, least in zip(stages, least_share, strict=True):
        share, vectors = _seen(stage, free)
        taken = share > least
        bases.append(free @ vectors[:, taken])
        shares.append(share[taken])
        free = free @ vectors[:, ~taken]
    return Freedoms(tuple(bases), tuple(shares), free)


def _seen(stage: Equations, free: Float64) -> tuple[Float64, Float64]:
    """Shares (k,) that show as deviation, and the motions (k, k) in the coordinates of ``free``."""
    if free.shape[1] == 0 or stage.count[0] == 0.0:
        return np.zeros(free.shape[1]), np.eye(free.shape[1])
    stiffness, metric = free.T @ stage.stiffness[0] @ free, free.T @ stage.metric[0] @ free
    scale = 1.0 / np.sqrt(np.maximum(np.diag(metric), 1e-12 * max(float(np.diag(metric).max()), 1e-300)))
    stiffness, metric = stiffness * np.outer(scale, scale), metric * np.outer(scale, scale)
    share, vectors = eigh(stiffness, metric + 1e-10 * np.eye(len(metric)))
    return share, np.asarray(scale[:, None] * vectors)


def step(stages: Sequence[Equations], fixed: Freedoms) -> Float64:
    """The small motion (6,) that brings every stage to its least squares, the earlier ones first."""
    motion = np.zeros(6)
    for stage, basis in zip(stages, fixed.bases, strict=True):
        if basis.shape[1]:
            slope = basis.T @ (stage.gradient[0] + stage.stiffness[0] @ motion)
            motion = motion - basis @ np.linalg.solve(basis.T @ stage.stiffness[0] @ basis, slope)
    return motion


def displacement_rms(stage: Equations, motion: Float64) -> float:
    """Root mean square, mm, of how far ``motion`` moves the points of ``stage``."""
    return float(np.sqrt(max(0.0, float(motion @ stage.metric[0] @ motion)) / max(float(stage.count[0]), 1.0)))
