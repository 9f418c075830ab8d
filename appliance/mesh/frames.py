"""Triangles as frames: each triangle laid flat in its own plane, its longest edge on the x axis.

A frame is a row of sixteen numbers: origin (3), axes u along the longest edge, w towards the apex
and n out of the material (3 x 3), then L, a, b: the triangle is (0, 0), (L, 0), (a, b) with
0 <= a <= L and b >= 0; then k, which of the three edges is the longest.

The axes are orthonormal to rounding, so the distance that is computed is the exact distance to a
triangle whose corners moved by some 1e-16 L, *whatever the aspect ratio*: slivers lose nothing.
(Barycentric region tests, as in Ericson's Real-Time Collision Detection, cancel on slivers.)

A triangle without area has b = 0 and is the segment (0, 0)-(L, 0), or a point where L = 0.
"""

from __future__ import annotations

from math import sqrt
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import inline_kernel, kernel, over_chunks

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]

#: Height over length below which a triangle is a segment: under it rounding decides its normal.
FLAT: Final = 1e-13

#: Searches go on until a bound is beyond the best by this share, so that rounding in the bound
#: never hides a triangle that is as close as the best (ties go to the lower number).
SLACK: Final = 1.0 + 1e-12
#: By how much of its length a triangle's rectangle is narrowed as a bound: thousands of times its rounding.
SEAM: Final = 1e-12

#: Where on a triangle a foot lies: its inside, an edge (EDGE + local edge), a corner (CORNER + local corner).
INSIDE: Final = 0
EDGE: Final = 1
CORNER: Final = 4


@inline_kernel
def _unit(x: float, y: float, z: float) -> tuple[float, float, float]:
    length = sqrt(x * x + y * y + z * z)
    if length == 0.0:
        return 0.0, 0.0, 0.0
    return x / length, y / length, z / length


@inline_kernel
def _across(x: float, y: float, z: float) -> tuple[float, float, float]:
    """Some unit vector at right angles to the unit vector given."""
    if abs(x) <= abs(y) and abs(x) <= abs(z):
        return _unit(0.0, z, -y)
    if abs(y) <= abs(z):
        return _unit(-z, 0.0, x)
    return _unit(y, -x, 0.0)


@inline_kernel
def _longest_edge(vertices: Floats, triangles: Ints, t: int) -> int:
    longest, best = 0, -1.0
    for k in range(3):
        i, j = triangles[t, k], triangles[t, (k + 1) % 3]
        x, y, z = vertices[j, 0] - vertices[i, 0], vertices[j, 1] - vertices[i, 1], vertices[j, 2] - vertices[i, 2]
        length = x * x + y * y + z * z
        if length > best:
            longest, best = k, length
    return longest


@kernel
def _fill_frames(vertices: Floats, triangles: Ints, start: int, stop: int, frames: Floats, areas: Floats) -> None:
    for t in range(start, stop):
        k = _longest_edge(vertices, triangles, t)
        i, j, apex = triangles[t, k], triangles[t, (k + 1) % 3], triangles[t, (k + 2) % 3]
        ox, oy, oz = vertices[i, 0], vertices[i, 1], vertices[i, 2]
        ex, ey, ez = vertices[j, 0] - ox, vertices[j, 1] - oy, vertices[j, 2] - oz
        length = sqrt(ex * ex + ey * ey + ez * ez)
        ux, uy, uz = 1.0, 0.0, 0.0
        if length > 0.0:
            ux, uy, uz = ex / length, ey / length, ez / length
        px, py, pz = vertices[apex, 0] - ox, vertices[apex, 1] - oy, vertices[apex, 2] - oz
        a = px * ux + py * uy + pz * uz
        qx, qy, qz = px - a * ux, py - a * uy, pz - a * uz
        b = sqrt(qx * qx + qy * qy + qz * qz)
        if b <= FLAT * length:
            b = 0.0
            wx, wy, wz = _across(ux, uy, uz)
        else:
            wx, wy, wz = qx / b, qy / b, qz / b
            lean = wx * ux + wy * uy + wz * uz
            wx, wy, wz = _unit(wx - lean * ux, wy - lean * uy, wz - lean * uz)
            b = px * wx + py * wy + pz * wz
        frames[t, 0], frames[t, 1], frames[t, 2] = ox, oy, oz
        frames[t, 3], frames[t, 4], frames[t, 5] = ux, uy, uz
        frames[t, 6], frames[t, 7], frames[t, 8] = wx, wy, wz
        frames[t, 9], frames[t, 10], frames[t, 11] = uy * wz - uz * wy, uz * wx - ux * wz, ux * wy - uy * wx
        frames[t, 12], frames[t, 13], frames[t, 14] = length, min(max(a, 0.0), length), b
        frames[t, 15] = k
        areas[t] = 0.5 * length * b


@kernel
def _bounds(vertices: Floats, triangles: Ints) -> tuple[Floats, Floats]:
    lower, upper = np.full(3, np.inf), np.full(3, -np.inf)
    for t in range(len(triangles)):
        for j in range(3):
            for axis in range(3):
                x = vertices[triangles[t, j], axis]
                lower[axis], upper[axis] = min(lower[axis], x), max(upper[axis], x)
    return lower, upper


def bounds(vertices: Floats, triangles: Ints) -> tuple[Floats, Floats]:
    """Lower and upper corner, float64 (3,), of the box about all triangles."""
    return _bounds(vertices, triangles)


def triangle_frames(vertices: Floats, triangles: Ints) -> tuple[Floats, Floats]:
    """Frames float64 (t, 16) and areas float64 (t,), mm2, of all triangles."""
    frames = np.empty((len(triangles), 16))
    areas = np.empty(len(triangles))

    def work(start: int, stop: int) -> None:
        _fill_frames(vertices, triangles, start, stop, frames, areas)

    over_chunks(len(triangles), work)
    return frames, areas


@inline_kernel
def flat_distance2(x: float, y: float, length: float, a: float, b: float, left: float, right: float) -> float:
    """Squared distance in the plane from (x, y) to the triangle (0, 0), (length, 0), (a, b).

    ``left`` and ``right`` are the inverse squared lengths of the edges at the origin and at
    (length, 0), 0 where an edge has no length.
    """
    foot = 0.0 if x < 0.0 else x
    foot = length if foot > length else foot
    base = (x - foot) * (x - foot) + y * y
    s = (x * a + y * b) * left
    s = 0.0 if s < 0.0 else s
    s = 1.0 if s > 1.0 else s
    one = (x - s * a) * (x - s * a) + (y - s * b) * (y - s * b)
    xr, ar = x - length, a - length
    s = (xr * ar + y * b) * right
    s = 0.0 if s < 0.0 else s
    s = 1.0 if s > 1.0 else s
    two = (xr - s * ar) * (xr - s * ar) + (y - s * b) * (y - s * b)
    edge = base if base <= one else one
    edge = edge if edge <= two else two
    inside = (y >= 0.0) & (a * y - b * x <= 0.0) & (b * xr - ar * y <= 0.0) & (b > 0.0)
    return 0.0 if inside else edge


@inline_kernel
def inverse(value: float) -> float:
    return 1.0 / value if value > 0.0 else 0.0


@inline_kernel
def distance2(frames: Floats, t: int, px: float, py: float, pz: float, limit: float) -> float:
    """Squared distance from a point to triangle ``t``; ``inf`` once it is known to exceed ``limit``.

    The rectangle about the triangle in its plane answers most: it needs no division.
    """
    x, y, z = px - frames[t, 0], py - frames[t, 1], pz - frames[t, 2]
    h = x * frames[t, 9] + y * frames[t, 10] + z * frames[t, 11]
    if h * h > limit:
        return np.inf
    u = x * frames[t, 3] + y * frames[t, 4] + z * frames[t, 5]
    w = x * frames[t, 6] + y * frames[t, 7] + z * frames[t, 8]
    length, a, b = frames[t, 12], frames[t, 13], frames[t, 14]
    seam = SEAM * length
    aside, above = max(max(-u, u - length) - seam, 0.0), max(max(-w, w - b) - seam, 0.0)
    if h * h + aside * aside + above * above > limit * SLACK:
        return np.inf
    left = inverse(a * a + b * b)
    right = inverse((a - length) * (a - length) + b * b)
    squared: float = h * h + flat_distance2(u, w, length, a, b, left, right)
    return squared


@inline_kernel
def _on_edge(x: float, y: float, ex: float, ey: float) -> tuple[float, float, float]:
    """Squared distance from (x, y) to the segment (0, 0)-(ex, ey), and the foot as offset; see ``foot_on``."""
    square = ex * ex + ey * ey
    s = (x * ex + y * ey) * inverse(square)
    s = min(max(s, 0.0), 1.0)
    return (x - s * ex) * (x - s * ex) + (y - s * ey) * (y - s * ey), s, square


@inline_kernel
def foot_on(frames: Floats, t: int, px: float, py: float, pz: float) -> tuple[int, float, float, float, float]:
    """Where on triangle ``t`` the closest foot of a point lies.

    Returns
    -------
    place (``INSIDE``, ``EDGE`` + edge or ``CORNER`` + corner; edge j runs from corner j to j + 1),
    foot in the plane (x, y), height of the point over the plane, distance.
    """
    x, y, z = px - frames[t, 0], py - frames[t, 1], pz - frames[t, 2]
    h = x * frames[t, 9] + y * frames[t, 10] + z * frames[t, 11]
    u = x * frames[t, 3] + y * frames[t, 4] + z * frames[t, 5]
    w = x * frames[t, 6] + y * frames[t, 7] + z * frames[t, 8]
    length, a, b, k = frames[t, 12], frames[t, 13], frames[t, 14], int(frames[t, 15])
    if w >= 0.0 and a * w - b * u <= 0.0 and b * (u - length) - (a - length) * w <= 0.0 and b > 0.0:
        return INSIDE, u, w, h, abs(h)
    best, s, _ = _on_edge(u, w, length, 0.0)
    x, y, edge = s * length, 0.0, 0
    other, r, _ = _on_edge(u - length, w, a - length, b)
    if other < best:
        best, s, x, y, edge = other, r, length + r * (a - length), r * b, 1
    other, r, _ = _on_edge(u, w, a, b)
    if other < best:
        best, s, x, y, edge = other, 1.0 - r, r * a, r * b, 2
    place = EDGE + (k + edge) % 3
    if s <= 0.0:
        place = CORNER + (k + edge) % 3
    elif s >= 1.0:
        place = CORNER + (k + edge + 1) % 3
    return place, x, y, h, sqrt(h * h + best)
