"""Compatible feet: the closest foot among the faces that look the way the scanned surface does.

On a thin wall the closest surface may be the far side: a 0.8 mm sheet worn by 0.5 mm on top reads
-0.3 from the bottom face.  The normal of the scan tells which face was scanned.

Side of a compatible foot: inside a triangle that of its plane; on an edge or corner that of the
pseudonormal *of the compatible faces there* (a corner's weighted with their angles).  Faces that
look elsewhere have no say: at the trailing edge of a blade the true pseudonormal points away from
the blade, and would turn wear of the top into material.  Where the compatible foot is the closest
foot of all, the side is that of the closest foot.
"""

from __future__ import annotations

from math import atan2, sqrt

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import inline_kernel, kernel
from appliance.mesh.frames import CORNER, INSIDE, Floats, Ints, distance2, foot_on
from appliance.mesh.sign import offset_from_foot
from appliance.mesh.tree import STACK, Tree, allowed, closest_in_tree

Directions = npt.NDArray[np.float32] | npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]

#: Faces around one corner that are visited each way; more than this meet nowhere but in a fan's hub.
_MOST_AROUND = 65_536
#: A foot this close to the closest of all, relatively, is the closest.
_SAME = 1.0 + 1e-12


@inline_kernel
def _corner_of(triangles: Ints, t: int, vertex: int) -> int:
    return 0 if triangles[t, 0] == vertex else 1 if triangles[t, 1] == vertex else 2


@inline_kernel
def _angle(frames: Floats, t: int, corner: int) -> float:
    length, a, b = frames[t, 12], frames[t, 13], frames[t, 14]
    turn = (corner - int(frames[t, 15])) % 3
    if turn == 0:
        return atan2(b, a)
    if turn == 1:
        return atan2(b, length - a)
    return np.pi - atan2(b, a) - atan2(b, length - a)


@inline_kernel
def _facing_side(frames: Floats, t: int, d: tuple[float, float, float]) -> float:
    side: float = d[0] * frames[t, 9] + d[1] * frames[t, 10] + d[2] * frames[t, 11]
    return side


@inline_kernel
def _corner_side(
    frames: Floats,
    triangles: Ints,
    neighbours: Ints,
    t: int,
    corner: int,
    d: tuple[float, float, float],
    normal: tuple[float, float, float],
    least: float,
    unoriented: bool,
) -> float:
    """Side of offset ``d`` by the compatible faces around a corner, walking both ways from ``t``."""
    vertex = triangles[t, corner]
    side = _angle(frames, t, corner) * _facing_side(frames, t, d)
    for back in range(2):
        at, c = t, corner
        for _ in range(_MOST_AROUND):
            at = neighbours[at, c if back == 0 else (c + 2) % 3]
            if at < 0 or at == t:
                break
            c = _corner_of(triangles, at, vertex)
            if frames[at, 14] > 0.0 and allowed(frames, at, *normal, least, unoriented):
                side += _angle(frames, at, c) * _facing_side(frames, at, d)
        if at == t:
            break
    return side


@inline_kernel
def _compatible_distance(
    frames: Floats,
    triangles: Ints,
    neighbours: Ints,
    t: int,
    p: tuple[float, float, float],
    normal: tuple[float, float, float],
    least: float,
    unoriented: bool,
) -> float:
    place, x, y, height, distance = foot_on(frames, t, p[0], p[1], p[2])
    if place == INSIDE:
        return height
    d = offset_from_foot(frames, t, p[0], p[1], p[2], x, y)
    if place >= CORNER:
        side = _corner_side(frames, triangles, neighbours, t, place - CORNER, d, normal, least, unoriented)
    else:
        side = _facing_side(frames, t, d)
        other = neighbours[t, place - 1]
        if other >= 0 and frames[other, 14] > 0.0 and allowed(frames, other, *normal, least, unoriented):
            side += _facing_side(frames, other, d)
    return -distance if side < 0.0 else distance


@kernel
def compatible_feet(
    frames: Floats, triangles: Ints, neighbours: Ints, tree: Tree, centre: Floats, points: Floats, normals: Directions,
    loose: Marks, without: Marks, least: float, least_of_loose: float, cap: float, unoriented: bool,
    closest_distance: Floats, closest_triangle: Ints, distance: Floats, triangle: Ints,
) -> None:  # fmt: skip
    """Fill ``distance`` and ``triangle``: closest feet that look elsewhere are replaced by compatible ones.

    ``loose`` and ``without`` (n,), or empty for none: points whose faces need only look by ``least_of_loose``, and
    points that shall have no foot.
    """
    stack = np.empty(STACK, np.int32)
    hint = -1
    for i in range(len(points)):
        distance[i], triangle[i] = np.nan, -1
        closest, t = closest_distance[i], closest_triangle[i]
        if t < 0 or not abs(closest) <= cap or (len(without) > 0 and without[i]):
            continue
        nx, ny, nz = np.float64(normals[i, 0]), np.float64(normals[i, 1]), np.float64(normals[i, 2])
        length = sqrt(nx * nx + ny * ny + nz * nz)
        if not (length > 0.0 and length < np.inf):
            continue
        normal = (nx / length, ny / length, nz / length)
        dot = least_of_loose if len(loose) > 0 and loose[i] else least
        if frames[t, 14] > 0.0 and allowed(frames, t, *normal, dot, unoriented):
            distance[i], triangle[i] = closest, t
            continue
        p = (points[i, 0] - centre[0], points[i, 1] - centre[1], points[i, 2] - centre[2])
        bound, t = cap * cap * _SAME, -1
        if hint >= 0 and allowed(frames, hint, *normal, dot, unoriented):
            near = distance2(frames, hint, p[0], p[1], p[2], bound)
            if near < bound:
                bound, t = near, hint
        _, t = closest_in_tree(frames, tree, p, normal, dot, unoriented, bound, t, -1, stack)
        if t < 0:
            continue
        d = _compatible_distance(frames, triangles, neighbours, t, p, normal, dot, unoriented)
        if abs(d) > cap:
            continue
        hint = t
        distance[i] = closest if abs(d) <= abs(closest) * _SAME else d
        triangle[i] = t
