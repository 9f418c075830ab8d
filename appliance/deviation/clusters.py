"""Clusters beyond the cap: extra or missing material, which never passes (metrology §2).

Points farther from the CAD than the cap take no part in any field.  Alone they are dust; together they are a weld
spatter, a clamp left on the part or a wall that is not where it should be, and must be seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from appliance.cad.records import Zone
from appliance.deviation.compare import Deviations
from appliance.deviation.isolation import MIN_NEIGHBOURS
from appliance.deviation.neighbourhood import Neighbourhood
from appliance.errors import InvalidInput
from appliance.mesh.records import Feet
from appliance.mesh.surface import Surface

Bool = npt.NDArray[np.bool_]
Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

#: A point that is not isolated has four neighbours: five points hold together.
MIN_CLUSTER_POINTS: Final = MIN_NEIGHBOURS + 1


@dataclass(frozen=True)
class Cluster:
    """Points beyond the cap that hang together.

    Attributes
    ----------
    points : how many
    centre_mm : their centroid, part frame
    deviation_mm : their signed deviation of the largest size (positive: extra material)
    zones : names of the zones that hold the closest foot of any of them
    """

    points: int
    centre_mm: tuple[float, float, float]
    deviation_mm: float
    zones: tuple[str, ...]


def clusters_beyond_cap(
    surface: Surface,
    xyz_part_mm: Float64,
    deviations: Deviations,
    neighbourhood: Neighbourhood,
    zones: Mapping[str, Zone],
    *,
    link_mm: float,
    min_points: int = MIN_CLUSTER_POINTS,
) -> tuple[Cluster, ...]:
    """Clusters of at least ``min_points`` points beyond the cap, the largest first; isolated points are left aside.

    Points are gathered in cubes of side ``link_mm`` (the isolation distance); cubes that touch, also at a corner,
    are one cluster.  Memory grows with the points beyond the cap alone.
    """
    if not (np.isfinite(link_mm) and link_mm > 0.0):
        raise InvalidInput("deviation.link", f"A distance of {link_mm} mm does not link points.")
    far = np.flatnonzero(deviations.beyond_cap & ~neighbourhood.isolated)
    if len(far) == 0:
        return ()
    points, triangle = xyz_part_mm[far], deviations.triangle[far]
    label = _label(points, link_mm)
    members = _members_of_zones(surface, points, triangle, zones)
    found = []
    order = np.argsort(label, kind="stable")
    for part in np.split(order, np.flatnonzero(np.diff(label[order])) + 1):
        if len(part) >= min_points:
            found.append(_cluster(points[part], deviations.deviation_mm[far[part]], members, part))
    return tuple(sorted(found, key=lambda cluster: (-cluster.points, cluster.centre_mm)))


def _label(points: Float64, link_mm: float) -> Int32:
    """Cluster number of each point."""
    cube = np.floor((points - points.min(axis=0)) / link_mm)
    occupied, own = np.unique(cube, axis=0, return_inverse=True)
    pairs = cKDTree(occupied).query_pairs(1.8, output_type="ndarray")  # sqrt(3) < 1.8 < 2
    graph = coo_matrix((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(occupied),) * 2)
    _, labels = connected_components(graph, directed=False)
    return np.asarray(labels[own.ravel()], dtype=np.int32)


def _members_of_zones(surface: Surface, points: Float64, triangle: Int32, zones: Mapping[str, Zone]) -> dict[str, Bool]:
    """Which points have their closest foot in each zone: name -> bool (m,)."""
    foot = surface.foot_points(points, Feet(np.empty(0), triangle))
    members = {}
    for name, zone in zones.items():
        inside = np.isin(triangle, zone.triangles)
        if zone.box is not None:
            inside &= np.all((foot >= zone.box.lower_mm) & (foot <= zone.box.upper_mm), axis=1)
        members[name] = inside
    return members


def _cluster(points: Float64, deviation: Float64, members: Mapping[str, Bool], part: Int64) -> Cluster:
    x, y, z = (float(c) for c in points.mean(axis=0))
    worst = float(deviation[int(np.argmax(np.abs(deviation)))])
    return Cluster(len(points), (x, y, z), worst, tuple(name for name, inside in members.items() if inside[part].any()))
