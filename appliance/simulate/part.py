"""A machined housing with named zones: the part of the demonstration.

A plate 160 x 100 x 24 mm, part frame at its lower left front corner, z up.  Its features break
every symmetry, so that a full scan of it fixes all six degrees of freedom:

* ``base`` (z = 0), ``front`` (y = 0), ``left`` (x = 0): datums A, B, C; ``right``, ``back``;
* ``top``; ``pad``: the corner of the top on which a machine slides, and which wears;
* ``boss_side``, ``boss_top``: boss of 36 mm diameter, 18 mm high;
* ``stub_side``, ``stub_top``: stub of 22 mm diameter, 9 mm high;
* ``bore_wall``, ``bore_floor``: blind bore of 30 mm diameter, 14 mm deep;
* ``hole_wall``: through hole of 20 mm diameter.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from appliance.cad.records import TriangleMesh
from appliance.simulate.patches import (
    PatchBody,
    between,
    circle_ring,
    closed,
    plane,
    rectangle_ring,
    steps,
    swept,
)

Float64 = npt.NDArray[np.float64]

LENGTH_MM, WIDTH_MM, HEIGHT_MM = 160.0, 100.0, 24.0
#: How fine the mesh of the demonstration is.
EDGE_MM = 0.9
_COLUMNS_MM = (0.0, 60.0, 110.0, LENGTH_MM)
_ROWS_MM = (0.0, 50.0, WIDTH_MM)


@dataclass(frozen=True)
class _Round:
    """A round feature in one block of the plate: up to ``z_mm`` (boss) or down to it (bore, 0 = through)."""

    name: str
    centre_mm: tuple[float, float]
    radius_mm: float
    z_mm: float


_FEATURES = {
    (0, 0): _Round("boss", (29.0, 26.0), 18.0, HEIGHT_MM + 18.0),
    (1, 0): _Round("bore", (86.0, 24.0), 15.0, HEIGHT_MM - 14.0),
    (1, 1): _Round("hole", (84.0, 77.0), 10.0, 0.0),
    (2, 1): _Round("stub", (136.0, 73.0), 11.0, HEIGHT_MM + 9.0),
}


@dataclass(frozen=True)
class SimulatedPart:
    """A mesh and the triangles of each zone: ``zones`` maps names to int32 (k,), sorted."""

    mesh: TriangleMesh
    zones: dict[str, npt.NDArray[np.int32]]


def machined_housing(edge_mm: float = EDGE_MM) -> SimulatedPart:
    """The housing with triangles of about ``edge_mm``; 0.9 mm gives about 200,000 of them."""
    x = [steps(a, b, edge_mm) for a, b in pairwise(_COLUMNS_MM)]
    y = [steps(a, b, edge_mm) for a, b in pairwise(_ROWS_MM)]
    z = steps(0.0, HEIGHT_MM, edge_mm)
    body = PatchBody()
    for i, block_x in enumerate(x):
        for j, block_y in enumerate(y):
            _block(body, block_x, block_y, _FEATURES.get((i, j)), (i, j) == (2, 0), edge_mm)
    _sides(body, _joined(x), _joined(y), z)
    return _in_order_of_zones(body)


def _block(body: PatchBody, x: Float64, y: Float64, feature: _Round | None, is_pad: bool, edge_mm: float) -> None:
    """One block of the plate: its top, its bottom and what stands on it or goes into it."""
    ring = rectangle_ring(x, y)
    through = feature is not None and feature.z_mm == 0.0
    top = "pad" if is_pad else "top"
    if feature is None:
        body.add(top, plane(x, y, HEIGHT_MM))
    else:
        circle = circle_ring(ring, feature.centre_mm, feature.radius_mm)
        body.add(top, between(circle, ring, HEIGHT_MM, edge_mm), flip=True)
        _round(body, feature, circle, edge_mm)
    if through and feature is not None:
        circle = circle_ring(ring, feature.centre_mm, feature.radius_mm)
        body.add("base", between(circle, ring, 0.0, edge_mm))
    else:
        body.add("base", plane(x, y, 0.0), flip=True)


def _round(body: PatchBody, feature: _Round, circle: Float64, edge_mm: float) -> None:
    """Wall and end of a boss, bore or hole."""
    rises = feature.z_mm > HEIGHT_MM
    low, high = sorted((HEIGHT_MM, feature.z_mm))
    wall = closed(swept(circle, steps(low, high, edge_mm)))
    if feature.z_mm == 0.0:
        body.add(f"{feature.name}_wall", wall, flip=True)
        return
    body.add(f"{feature.name}_side" if rises else f"{feature.name}_wall", wall, flip=not rises)
    end = f"{feature.name}_top" if rises else f"{feature.name}_floor"
    centre = np.asarray(feature.centre_mm)
    inner = centre + (circle - centre) * 0.1
    body.add(end, between(inner, circle, feature.z_mm, edge_mm), flip=True)
    ring = np.concatenate([inner, np.full((len(inner), 1), feature.z_mm)], axis=1)
    body.add_fan(end, np.array([*centre, feature.z_mm]), ring)


def _sides(body: PatchBody, x: Float64, y: Float64, z: Float64) -> None:
    front = np.stack([x, np.zeros_like(x)], axis=1)
    left = np.stack([np.zeros_like(y), y], axis=1)
    body.add("front", swept(front, z))
    body.add("back", swept(front + [0.0, WIDTH_MM], z), flip=True)
    body.add("left", swept(left, z), flip=True)
    body.add("right", swept(left + [LENGTH_MM, 0.0], z))


def _joined(parts: list[Float64]) -> Float64:
    return np.concatenate([part[:-1] for part in parts[:-1]] + [parts[-1]])


def _in_order_of_zones(body: PatchBody) -> SimulatedPart:
    """The same body with the triangles of each zone one after the other."""
    mesh = body.mesh()
    order = np.argsort(mesh.face_of_triangle, kind="stable")
    ordered = TriangleMesh(mesh.vertices_mm, mesh.triangles[order], mesh.face_of_triangle[order])
    zones = {
        name: np.flatnonzero(ordered.face_of_triangle == index).astype(np.int32)
        for index, name in enumerate(body.names)
    }
    return SimulatedPart(ordered, zones)
