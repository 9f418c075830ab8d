"""Point by point: the signed distance to the CAD surface, and the foot that belongs to the point.

``deviation_mm`` is the distance to the closest surface, whatever side it was seen from.  On thin walls the
closest surface may be the wrong one, so characteristics use *compatible* feet: the closest point of a face that
looks the way the scanned surface does (metrology §1).  Nothing is rejected by value: a far point is flagged, an
isolated one too, and both keep their deviation.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import CHUNK_POINTS, worker_count
from appliance.deviation.cells import SurfaceCells
from appliance.deviation.neighbourhood import Neighbourhood
from appliance.errors import InvalidInput
from appliance.mesh.records import Feet
from appliance.mesh.surface import Surface

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Bool = npt.NDArray[np.bool_]

#: A face is compatible with a point if their normals differ by less than 60 degrees.
MIN_DOT: Final = 0.5
#: A point whose normal is uncertain lies on a face that its scanner could see, or on any where there is no scanner.
_TURNED_DOT: Final = 0.0
_ANY_DOT: Final = -1.0


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
    feet = surface.closest(xyz_part_mm, progress=(lambda share: progress(0.6 * share)) if progress else None)
    distance, triangle = np.empty(len(xyz_part_mm)), np.empty(len(xyz_part_mm), dtype=np.int32)

    def compare_slice(start: int) -> None:
        part = slice(start, start + CHUNK_POINTS)
        own = Feet(feet.distance_mm[part], feet.triangle[part])
        distance[part], triangle[part] = _compatible(surface, xyz_part_mm[part], neighbourhood, part, own, cap_mm)

    # a pool of its own: normals are widened and values masked on all threads too, not the search alone
    with ThreadPoolExecutor(worker_count()) as pool:
        for done, _ in enumerate(pool.map(compare_slice, range(0, len(xyz_part_mm), CHUNK_POINTS)), start=1):
            if progress:
                progress(min(1.0, 0.6 + 0.4 * done * CHUNK_POINTS / len(xyz_part_mm)))
    return Deviations(feet.distance_mm, feet.triangle, distance, triangle, np.abs(feet.distance_mm) > cap_mm)


def _compatible(
    surface: Surface, xyz: Float64, neighbourhood: Neighbourhood, part: slice, feet: Feet, cap_mm: float
) -> tuple[Float64, Int32]:
    """Compatible distances and triangles of one slice of points; none for isolated points."""
    normals = neighbourhood.normals[part].astype(np.float64)
    unoriented = not neighbourhood.oriented
    found = surface.closest_compatible(xyz, normals, feet, min_dot=MIN_DOT, cap_mm=cap_mm, unoriented=unoriented)
    distance, triangle = found.distance_mm, found.triangle
    if neighbourhood.uncertain is not None and neighbourhood.uncertain[part].any():
        loose = np.flatnonzero(neighbourhood.uncertain[part])
        turned = surface.closest_compatible(
            xyz[loose], normals[loose], Feet(feet.distance_mm[loose], feet.triangle[loose]),
            min_dot=_ANY_DOT if unoriented else _TURNED_DOT, cap_mm=cap_mm, unoriented=unoriented,
        )  # fmt: skip
        distance[loose], triangle[loose] = turned.distance_mm, turned.triangle
    lost = neighbourhood.isolated[part] | ~(np.abs(distance) <= cap_mm) | (triangle < 0)
    return np.where(lost, np.nan, distance), np.where(lost, np.int32(-1), triangle).astype(np.int32)


def thin_wall_area_mm2(surface: Surface, cells: SurfaceCells, cap_mm: float) -> float:
    """Area of the cells under which the wall is thinner than twice the cap, mm^2.

    Without orientation a point between two such faces may belong to either, so a zone with any such area is
    inconclusive (metrology §1).  Measured inwards from the anchor of each cell that is not left out.
    """
    asked = np.flatnonzero(~cells.left_out & (cells.area_mm2 > 0.0))
    thickness = surface.wall_thickness_mm(cells.anchor_mm[asked], cells.triangle[asked], 2.0 * cap_mm)
    with np.errstate(invalid="ignore"):
        return float(cells.area_mm2[asked][thickness < 2.0 * cap_mm].sum())
