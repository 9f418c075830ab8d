"""Point by point: the signed distance to the CAD surface, and the foot that belongs to the point.

``deviation_mm`` is the distance to the closest surface, whatever side it was seen from.  On thin walls the
closest surface may be the wrong one, so characteristics use *compatible* feet: the closest point of a face that
looks the way the scanned surface does (metrology §1).  Nothing is rejected by value: a far point is flagged, an
isolated one too, and both keep their deviation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import over_chunks
from appliance.deviation.cells import SurfaceCells
from appliance.deviation.neighbourhood import Neighbourhood
from appliance.errors import InvalidInput
from appliance.mesh.surface import Surface

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Bool = npt.NDArray[np.bool_]

#: A face is compatible with a point if their normals differ by less than 60 degrees.
MIN_DOT: Final = 0.5
#: A point whose normal is uncertain lies on a face that its scanner could see, or on any where there is no scanner.
_TURNED_DOT: Final = 0.0
_ANY_DOT: Final = -1.0
#: Share of the progress that the closest feet take.
_CLOSEST: Final = 0.8


@dataclass(frozen=True)
class Deviations:
    """What the comparison found for each point.

    Attributes
    ----------
    deviation_mm : float64 (n,), signed distance to the closest surface, positive outside the material
    triangle : int32 (n,), the triangle it was measured to
    compatible_mm : float64 (n,), signed distance to the closest compatible face; NaN where there is none within
        the cap, where the point is isolated, or where its neighbourhood has no normal
    compatible_triangle : int32 (n,), -1 where ``compatible_mm`` is NaN
    beyond_cap : bool (n,), the closest surface is farther than the cap
    """

    deviation_mm: Float64
    triangle: Int32
    compatible_mm: Float64
    compatible_triangle: Int32
    beyond_cap: Bool


def compare(
    surface: Surface,
    xyz_part_mm: Float64,
    neighbourhood: Neighbourhood,
    *,
    cap_mm: float,
    progress: Callable[[float], None] | None = None,
) -> Deviations:
    """Deviations of points (n, 3) in the part frame; ``neighbourhood.normals`` must be in the part frame too.

    Memory: 25 bytes a point for the result, beside what the search itself needs.

    Raises
    ------
    InvalidInput : the cap is not a positive length, or the neighbourhood is that of other points
    """
    if not (np.isfinite(cap_mm) and cap_mm > 0.0):
        raise InvalidInput("deviation.cap", f"A cap of {cap_mm} mm is not a positive length.")
    if len(neighbourhood.isolated) != len(xyz_part_mm):
        raise InvalidInput("deviation.points", "The neighbourhood was examined for other points than these.")
    tell = progress or (lambda _: None)
    feet = surface.closest(xyz_part_mm, progress=lambda share: tell(_CLOSEST * share))
    unoriented = not neighbourhood.oriented
    compatible = surface.closest_compatible(
        xyz_part_mm, neighbourhood.normals, feet, min_dot=MIN_DOT, cap_mm=cap_mm, unoriented=unoriented,
        loose=neighbourhood.uncertain, loose_dot=_ANY_DOT if unoriented else _TURNED_DOT,
        without=neighbourhood.isolated, progress=lambda share: tell(_CLOSEST + (1.0 - _CLOSEST) * share),
    )  # fmt: skip
    beyond = np.empty(len(xyz_part_mm), dtype=np.bool_)
    over_chunks(len(beyond), lambda a, b: np.greater(np.abs(feet.distance_mm[a:b]), cap_mm, out=beyond[a:b]))
    return Deviations(feet.distance_mm, feet.triangle, compatible.distance_mm, compatible.triangle, beyond)


def thin_wall_area_mm2(surface: Surface, cells: SurfaceCells, cap_mm: float) -> float:
    """Area of the cells under which the wall is thinner than twice the cap, mm^2.

    Without orientation a point between two such faces may belong to either, so a zone with any such area is
    inconclusive (metrology §1).  Measured inwards from the anchor of each cell that is not left out.
    """
    asked = np.flatnonzero(~cells.left_out & (cells.area_mm2 > 0.0))
    thickness = surface.wall_thickness_mm(cells.anchor_mm[asked], cells.triangle[asked], 2.0 * cap_mm)
    with np.errstate(invalid="ignore"):
        return float(cells.area_mm2[asked][thickness < 2.0 * cap_mm].sum())
