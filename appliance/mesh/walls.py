"""Wall thickness: how far along the inward normal the opposing face lies."""

from __future__ import annotations

from typing import Final

import numpy as np

from appliance.core.kernels import inline_kernel, kernel
from appliance.mesh.frames import FLAT, Floats, Ints
from appliance.mesh.tree import STACK, Boxes, Tree

#: A ray that misses a triangle by this share of its longest edge still hits it: no gap lies between neighbours.
_SEAM: Final = 1e-9


@inline_kernel
def _hit(frames: Floats, t: int, p: tuple[float, float, float], ray: tuple[float, float, float]) -> float:
    """How far along ``ray`` (of unit length) triangle ``t`` is hit from behind; ``inf`` where it is not."""
    b = frames[t, 14]
    steep = ray[0] * frames[t, 9] + ray[1] * frames[t, 10] + ray[2] * frames[t, 11]
    if b <= 0.0 or steep <= FLAT:
        return np.inf
    x, y, z = p[0] - frames[t, 0], p[1] - frames[t, 1], p[2] - frames[t, 2]
    far: float = -(x * frames[t, 9] + y * frames[t, 10] + z * frames[t, 11]) / steep
    length, a = frames[t, 12], frames[t, 13]
    seam = _SEAM * length
    if far < -seam:
        return np.inf
    x, y, z = x + far * ray[0], y + far * ray[1], z + far * ray[2]
    u = x * frames[t, 3] + y * frames[t, 4] + z * frames[t, 5]
    w = x * frames[t, 6] + y * frames[t, 7] + z * frames[t, 8]
    slack = seam * length
    if w < -seam or a * w - b * u > slack or b * (u - length) - (a - length) * w > slack:
        return np.inf
    return max(far, 0.0)


@inline_kernel
def _box_from(boxes: Boxes, node: int, p: tuple[float, float, float], ray: tuple[float, float, float]) -> float:
    """Where along ``ray`` the box is entered; ``inf`` where it is missed."""
    enter, leave = 0.0, np.inf
    for axis in range(3):
        low, high = boxes[node, axis] - p[axis], boxes[node, 3 + axis] - p[axis]
        seam = 1e-9 * (abs(low) + abs(high)) + 1e-9
        low, high = low - seam, high + seam
        if ray[axis] == 0.0:
            if low > 0.0 or high < 0.0:
                return np.inf
            continue
        one, two = low / ray[axis], high / ray[axis]
        enter, leave = max(enter, min(one, two)), min(leave, max(one, two))
    return enter if enter <= leave else np.inf


@kernel
def wall_thickness(
    frames: Floats,
    tree: Tree,
    centre: Floats,
    points: Floats,
    triangle: Ints,
    limit: float,
    thickness: Floats,
) -> None:
    """Fill ``thickness`` (n,) for points on ``triangle`` (n,): the nearest opposing face within ``limit``, else inf."""
    stack = np.empty(STACK, np.int32)
    boxes = tree.boxes
    leaves = (len(boxes) + 1) // 2
    for i in range(len(points)):
        own = triangle[i]
        thickness[i] = np.nan
        if own < 0:
            continue
        p = (points[i, 0] - centre[0], points[i, 1] - centre[1], points[i, 2] - centre[2])
        ray = (-frames[own, 9], -frames[own, 10], -frames[own, 11])
        best = np.inf
        stack[0], top = 0, 1
        while top > 0:
            top -= 1
            node = stack[top]
            enter = _box_from(boxes, node, p, ray)
            if enter > limit or enter > best:
                continue
            if node < leaves - 1:
                stack[top], stack[top + 1] = 2 * node + 1, 2 * node + 2
                top += 2
                continue
            leaf = node - (leaves - 1)
            for j in range(tree.begin[leaf], tree.end[leaf]):
                if tree.entries[j] != own:
                    best = min(best, _hit(frames, tree.entries[j], p, ray))
        thickness[i] = best if best <= limit else np.inf
