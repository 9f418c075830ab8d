"""Alignment records: where the scanner stood relative to the part, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

#: Modes of metrology.md §4.  ``shared_frame`` is ``supplied`` with the identity.
MODES: Final = ("datum", "reference_zones", "best_fit_all", "supplied", "shared_frame")


@dataclass(frozen=True)
class Alignment:
    """A rigid transform with its evidence.

    Attributes
    ----------
    part_from_scanner : float64 (4, 4), takes file-frame points to the part frame, mm
    mode : one of ``MODES``
    residual_rms_mm : RMS of signed distances of the points that the fit used
    points_used : how many those were
    replicates : float64 (g, 6), block-jackknife replicates as small motions (rotation vector in
        rad about ``pivot_mm``, then translation in mm) *relative to* ``part_from_scanner`` and in
        the part frame; empty where nothing was fitted
    pivot_mm : float64 (3,), part frame, the point that the rotations of ``replicates`` turn about
    translation_u_mm, rotation_u_rad : standard uncertainties from the jackknife, or None
    ambiguous : another, distinct pose explains the scan as well (metrology.md §4)
    best_distinct_ratio : RMS of the best distinct pose over the RMS of this one; None if no
        distinct pose was found or none was sought
    reasons : sentences, why ``ambiguous`` is set, or what the user should know
    details : further figures for the report (starts tried, iterations, conditioning)
    """

    part_from_scanner: npt.NDArray[np.float64]
    mode: str
    residual_rms_mm: float
    points_used: int
    replicates: npt.NDArray[np.float64]
    pivot_mm: npt.NDArray[np.float64]
    translation_u_mm: float | None = None
    rotation_u_rad: float | None = None
    ambiguous: bool = False
    best_distinct_ratio: float | None = None
    reasons: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)
