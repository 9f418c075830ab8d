"""Closest feet of a run of points: the loop over points that the surface starts on every thread."""

from __future__ import annotations

import numpy as np

from appliance.core.kernels import kernel
from appliance.mesh.frames import Floats, Ints, distance2, foot_on
from appliance.mesh.sign import signed_distance
from appliance.mesh.tree import Boxes, closest_in_tree


@kernel
def feet_by_tree(
    frames: Floats,
    triangles: Ints,
    across: Ints,
    edge_normals: Floats,
    corners: Floats,
    order: Ints,
    boxes: Boxes,
    centre: Floats,
    points: Floats,
    distance: Floats,
    triangle: Ints,
) -> None:
    """Fill ``distance`` and ``triangle`` from the tree alone; the triangle before is the first bound."""
    stack = np.empty(64, np.int32)
    everything = (0.0, 0.0, 0.0)
    hint = 0
    for i in range(len(points)):
        px, py, pz = points[i, 0] - centre[0], points[i, 1] - centre[1], points[i, 2] - centre[2]
        distance[i], triangle[i] = np.nan, -1
        if not px * px + py * py + pz * pz < np.inf:
            continue
        first = distance2(frames, hint, px, py, pz, np.inf)
        _, hint = closest_in_tree(frames, order, boxes, (px, py, pz), everything, -2.0, False, first, hint, stack)
        triangle[i] = hint
        distance[i] = signed_distance(frames, triangles, across, edge_normals, corners, hint, px, py, pz)


@kernel
def feet_in_space(frames: Floats, centre: Floats, points: Floats, triangle: Ints, feet: Floats) -> None:
    """Fill ``feet`` (n, 3): the foot of each point on its triangle; NaN where there is none."""
    for i in range(len(points)):
        t = triangle[i]
        if t < 0:
            feet[i, 0], feet[i, 1], feet[i, 2] = np.nan, np.nan, np.nan
            continue
        px, py, pz = points[i, 0] - centre[0], points[i, 1] - centre[1], points[i, 2] - centre[2]
        _, x, y, _, _ = foot_on(frames, t, px, py, pz)
        for axis in range(3):
            offset = frames[t, axis] + x * frames[t, 3 + axis] + y * frames[t, 6 + axis]
            feet[i, axis] = centre[axis] + offset
