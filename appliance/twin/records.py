"""Records of the twin: a field on the cells of a CAD revision, and the skin that these cells are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

#: Stands for a cell that was not covered.
UNSEEN: Final = np.int32(-(2**31))
NM_PER_MM: Final = 1_000_000


@dataclass(frozen=True)
class TwinField:
    """What one inspection says about each cell of the CAD surface.

    Attributes
    ----------
    mean_nm : int32 (c,), mean deviation in nm, positive out of the material; ``UNSEEN`` where the cell was not covered
    u_mm : float32 (c,), its standard uncertainty; NaN where the cell was not covered or its uncertainty is not known
    """

    mean_nm: Int32
    u_mm: Float32

    def __len__(self) -> int:
        return len(self.mean_nm)

    @property
    def seen(self) -> Bool:
        """Which cells were covered, bool (c,)."""
        return np.asarray(self.mean_nm != UNSEEN)

    @property
    def mean_mm(self) -> Float64:
        """Mean deviations in mm, float64 (c,), NaN where the cell was not covered."""
        return millimetres(self.mean_nm)


@dataclass(frozen=True)
class Skin:
    """The cells of a CAD revision, for summaries and pictures.

    Attributes
    ----------
    cell_mm : step of the cells
    area_mm2 : float32 (c,)
    zones : name -> bool (c,), cells whose anchor lies in the zone
    anchor_mm, normal : float32 (c, 3), a point of each cell on the surface, and its unit normal (NaN without area)
    vertices_mm, triangles : float32 (v, 3), int32 (t, 3), the CAD surface
    cell_of_facet : int32 (f,), the cell under the middle of each facet (``facets.facets_of`` with ``cell_mm``), or -1
    """

    cell_mm: float
    area_mm2: Float32
    zones: Mapping[str, Bool]
    anchor_mm: Float32
    normal: Float32
    vertices_mm: Float32
    triangles: Int32
    cell_of_facet: Int32


def nanometres(mean_mm: Float64, covered: Bool) -> Int32:
    """Means in nm, int32 (c,), rounded half to even; ``UNSEEN`` where not covered, or beyond 2.147 m."""
    with np.errstate(invalid="ignore"):
        scaled = np.rint(mean_mm * NM_PER_MM)
        fits = covered & (np.abs(scaled) < 2**31)
    return np.where(fits, scaled, float(UNSEEN)).astype(np.int32)


def millimetres(mean_nm: Int32) -> Float64:
    """The inverse of ``nanometres``: float64 (c,), NaN where not covered."""
    found: Float64 = mean_nm / float(NM_PER_MM)
    np.copyto(found, np.nan, where=mean_nm == UNSEEN)
    return found
