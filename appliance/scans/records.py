"""Point records: what a scan is once it has been read, whatever file it came from.

Coordinates are float64, millimetres, in the *file frame* (the frame that all scans of one file
share: E57 poses are already applied).  Invalid points are already dropped and counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Station:
    """One setup of a scanner within a file.

    ``position_mm`` is the scanner's place in the file frame, or None where the file does not say
    (a set of merged points has no scanner).
    """

    name: str
    point_count: int
    position_mm: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class ScanSummary:
    """What a reader says about a file beside its points."""

    format: str
    record_count: int
    invalid_count: int
    stations: tuple[Station, ...]
    bounds_mm: tuple[tuple[float, float, float], tuple[float, float, float]] | None
    warnings: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PointCloud:
    """All valid points of a scan file.

    Attributes
    ----------
    xyz_mm : float64 (n, 3), file frame
    station : uint16 (n,), index into ``summary.stations``
    intensity : float32 (n,) in the file's own scale, or None
    rgb : uint8 (n, 3), or None
    normals : float32 (n, 3), unit, pointing out of the material, or None where the file has none
    """

    summary: ScanSummary
    xyz_mm: Float64
    station: npt.NDArray[np.uint16]
    intensity: npt.NDArray[np.float32] | None = None
    rgb: npt.NDArray[np.uint8] | None = None
    normals: npt.NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.xyz_mm)
