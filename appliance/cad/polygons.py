"""Polygons into triangles, without changing the surface that they bound.

A triangle stays as it is.  A larger polygon that is convex is split from its first corner; where
that would turn a triangle over (a polygon with a recess), ears are cut off one by one instead.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from appliance.errors import InvalidInput

Float64 = npt.NDArray[np.float64]


def split_polygons(
    vertices: Float64, corners: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64], tuple[str, ...]]:
    """Triangles of polygons, in the order of the polygons.

    Parameters
    ----------
    vertices : float64 (v, 3)
    corners : int64 (c,), the vertices of all polygons one after the other
    sizes : int64 (p,), corners of each polygon, 3 or more

    Returns
    -------
    triangles int32 (t, 3), the polygon of each triangle (t,), and sentences for the report
    """
    first = np.cumsum(sizes) - sizes
    polygon = np.repeat(np.arange(len(sizes)), sizes - 2)
    step = np.arange(len(polygon)) - np.repeat(np.cumsum(sizes - 2) - (sizes - 2), sizes - 2)
    at = first[polygon]
    triangles = np.stack([corners[at], corners[at + step + 1], corners[at + step + 2]], axis=1).astype(np.int32)
    larger = int(np.count_nonzero(sizes > 3))
    if not larger:
        return triangles, polygon, ()
    recessed = _recessed(vertices, triangles, polygon, sizes)
    offset = np.cumsum(sizes - 2) - (sizes - 2)
    for row in recessed:
        ring = corners[first[row] : first[row] + sizes[row]]
        triangles[offset[row] : offset[row] + sizes[row] - 2] = _cut_ears(vertices, ring)
    return triangles, polygon, (f"{larger} polygons of more than three corners were split into triangles.",)


def _recessed(
    vertices: Float64, triangles: npt.NDArray[np.int32], polygon: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]
) -> npt.NDArray[np.intp]:
    """Polygons of which some triangle of the fan looks away from the sum of all of them."""
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    areas = np.cross(b - a, c - a)
    whole = np.stack([np.bincount(polygon, areas[:, axis], len(sizes)) for axis in range(3)], axis=1)
    against = np.einsum("ij,ij->i", areas, whole[polygon]) < 0.0
    return np.flatnonzero(np.bincount(polygon[against], minlength=len(sizes)) > 0)


def _cut_ears(vertices: Float64, ring: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """Triangles of one polygon by ear cutting in its mean plane.

    Raises
    ------
    InvalidInput : the polygon crosses itself
    """
    points = vertices[ring] - vertices[ring[0]]
    normal = np.cross(points, np.roll(points, -1, axis=0)).sum(axis=0)
    axis = int(np.argmax(np.abs(normal)))
    flat = np.delete(points, axis, axis=1) * (1.0, np.sign(normal[axis]) * (1.0 if axis != 1 else -1.0))
    left = list(range(len(ring)))
    triangles: list[tuple[int, int, int]] = []
    while len(left) > 3:
        for place in range(len(left)):
            before, here, after = left[place - 1], left[place], left[(place + 1) % len(left)]
            if _is_ear(flat, before, here, after, left):
                triangles.append((before, here, after))
                left.pop(place)
                break
        else:
            raise InvalidInput(
                "cad.polygon.crossed", "A polygon of the file crosses itself.", "Export the model as triangles."
            )
    triangles.append((left[0], left[1], left[2]))
    return np.asarray(ring[np.array(triangles)], dtype=np.int32)


def _turn(a: Float64, b: Float64, c: Float64) -> float:
    return float((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))


def _is_ear(flat: Float64, before: int, here: int, after: int, left: list[int]) -> bool:
    a, b, c = flat[before], flat[here], flat[after]
    if _turn(a, b, c) <= 0.0:
        return False
    others = (flat[other] for other in left if other not in (before, here, after))
    return not any(_turn(a, b, p) >= 0.0 and _turn(b, c, p) >= 0.0 and _turn(c, a, p) >= 0.0 for p in others)
