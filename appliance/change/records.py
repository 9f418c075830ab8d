"""Change records: at which scales two scans are compared, and what is found at each core point.

All lengths are millimetres in one frame that both scans share.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np
import numpy.typing as npt

from appliance.errors import InvalidInput

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Scales:
    """How two scans are compared (Lague, Brodu & Leroux 2013, section 3).

    Attributes
    ----------
    normal_mm : diameters of the balls in which normals are found; of several, each core point takes the one in which
        its surroundings are flattest
    radius_mm : of the cylinder along the normal whose points are averaged
    half_length_mm : how far that cylinder reaches to either side; larger changes are not seen
    registration_mm : what the registration of the two scans adds to the level of detection, as it is
    robust : median and interquartile range in place of mean and standard deviation
    """

    normal_mm: tuple[float, ...]
    radius_mm: float
    half_length_mm: float
    registration_mm: float = 0.0
    robust: bool = False

    def __post_init__(self) -> None:
        lengths = (*self.normal_mm, self.radius_mm, self.half_length_mm)
        if not self.normal_mm or not all(isfinite(x) and x > 0.0 for x in lengths):
            raise InvalidInput("change.scale", "Scales, radius and depth of a comparison are positive lengths.")
        if not (isfinite(self.registration_mm) and self.registration_mm >= 0.0):
            raise InvalidInput("change.registration", "The error of registration is a length, zero or more.")


@dataclass(frozen=True)
class Change:
    """What changed at each of m core points.

    Attributes
    ----------
    cores_mm : float64 (m, 3)
    normal : float64 (m, 3), unit, the direction in which change is positive; NaN where the points fix no plane
    normal_mm : float64 (m,), the diameter that the normal was found at; NaN without one
    distance_mm : float64 (m,), place of the second scan minus place of the first along the normal; NaN where either
        has no point in the cylinder
    spread_mm : float64 (m, 2), standard deviation of each scan's points along the normal (of all, not of a sample)
    count : int32 (m, 2), points of each scan in the cylinder
    lod_mm : float64 (m,), level of detection at 95 %; NaN where either scan has fewer than ``LEAST_POINTS``
    significant : bool (m,), change beyond the level of detection
    """

    cores_mm: Float64
    normal: Float64
    normal_mm: Float64
    distance_mm: Float64
    spread_mm: Float64
    count: Int32
    lod_mm: Float64
    significant: Bool
