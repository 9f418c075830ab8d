"""Mesh records: where the closest feet of points lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Feet:
    """The closest feet of n points on a surface.

    Attributes
    ----------
    distance_mm : float64 (n,), signed: positive outside the material; NaN where there is no foot
    triangle : int32 (n,), the triangle that holds the foot; -1 where there is none
    """

    distance_mm: npt.NDArray[np.float64]
    triangle: npt.NDArray[np.int32]
