"""Normals of a scan, from its own points: which way the scanned surface looks at each point.

Moments are summed per voxel, and a plane is fitted to the 3 x 3 x 3 voxels around each (principal axes).  Where that
block is flat and every block around it looks the same way, its normal is that of its points.  Elsewhere (edges, the
foot of a wall, a boss that is small at this density, too few points) planes mix faces and the normal is *uncertain*:
only the direction to the scanner is known, which every face that the point can lie on is turned to.  Axes are found
with nothing but IEEE operations: the same bits on every machine.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import inline_kernel, kernel
from appliance.deviation.voxels import MOMENTS

Bool = npt.NDArray[np.bool_]
Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

#: A block is flat if its variance across the plane is below this share of the lesser one in the plane.  Noise of half
#: the point spacing gives 0.04, an edge of 90 degrees through the middle 0.25.
FLAT: Final = 0.08
#: Above this ratio no axis is a normal: a cube's corner has 0.4, a ball of points 1.
_SHAPELESS: Final = 0.7
#: Points in a line have no plane: lesser variance in the plane below this share of the greater.
_LINE: Final = 1e-3
#: Blocks whose normals differ by less than 30 degrees look the same way.
_SAME_WAY: Final = 0.866
#: Fewer points than this in a block fix no plane against noise.
_MIN_BLOCK: Final = 6
#: A step of this share of the trace and less is the last: the eigenvalue is known far better than any scan needs.
_CONVERGED: Final = 1e-12
#: Steps towards the least eigenvalue: five where it is well below the others, as it is for every plane.
_NEWTON_STEPS: Final = 12
#: Columns of a plane: normal (3), flatness (NaN: no plane).
PLANE: Final = 4


@inline_kernel
def _row_steps() -> Int64:
    """What leads from a voxel's key to the first of three voxels along z, for the nine rows of its block."""
    steps = np.empty(9, dtype=np.int64)
    for row in range(9):
        steps[row] = ((row // 3 - 1) << 42) + ((row % 3 - 1) << 21) - 1
    return steps


@inline_kernel
def _forward(voxel_key: Int64, key: int, at: int) -> int:
    """The first voxel from ``at`` on whose key is not below ``key``."""
    while at < len(voxel_key) and voxel_key[at] < key:
        at += 1
    return at


@kernel
def fit_planes(voxel_key: Int64, moments: Float64, start: int, stop: int, planes: Float32) -> None:
    """Plane (v, 4) of the 3 x 3 x 3 block around each voxel from ``start`` to ``stop``.

    Keys rise, so the nine rows of a block move forward with it: a neighbour is found without a search.
    """
    block = np.empty(MOMENTS)
    matrix = np.empty((3, 3))
    steps = _row_steps()
    rows = np.searchsorted(voxel_key, voxel_key[start] + steps)
    for v in range(start, stop):
        block[:] = 0.0
        for row in range(9):
            first = voxel_key[v] + steps[row]
            rows[row] = w = _forward(voxel_key, first, rows[row])
            while w < len(voxel_key) and voxel_key[w] <= first + 2:
                k = voxel_key[w] - first - 1
                _add_shifted(block, moments[w], float(row // 3 - 1), float(row % 3 - 1), float(k))
                w += 1
        planes[v, 3] = np.nan
        if block[0] >= _MIN_BLOCK:
            _covariance(block, matrix)
            plane_across(matrix, planes[v])


@inline_kernel
def _add_shifted(block: Float64, m: Float64, i: float, j: float, k: float) -> None:
    """Add the moments of a voxel whose centre lies at (i, j, k)."""
    n = m[0]
    block[0] += n
    block[1] += m[1] + n * i
    block[2] += m[2] + n * j
    block[3] += m[3] + n * k
    block[4] += m[4] + 2.0 * i * m[1] + n * i * i
    block[5] += m[5] + i * m[2] + j * m[1] + n * i * j
    block[6] += m[6] + i * m[3] + k * m[1] + n * i * k
    block[7] += m[7] + 2.0 * j * m[2] + n * j * j
    block[8] += m[8] + j * m[3] + k * m[2] + n * j * k
    block[9] += m[9] + 2.0 * k * m[3] + n * k * k


@inline_kernel
def _covariance(block: Float64, matrix: Float64) -> None:
    """Covariance of the points of a block."""
    n = block[0]
    at = 4
    for a in range(3):
        for b in range(a, 3):
            matrix[a, b] = block[at] / n - (block[1 + a] / n) * (block[1 + b] / n)
            matrix[b, a] = matrix[a, b]
            at += 1


@inline_kernel
def plane_across(matrix: Float64, plane: Float32) -> None:
    """Write the plane across the axis of least variance of a covariance, unless the block is a line or a ball.

    The least eigenvalue is the first zero of the characteristic polynomial, which Newton's steps from 0 on approach
    from below and never pass; the axis is square to all rows of what is left, so it is the product of two of them.
    """
    a, b, c = matrix[0, 0], matrix[1, 1], matrix[2, 2]
    d, e, f = matrix[0, 1], matrix[0, 2], matrix[1, 2]
    trace = a + b + c
    pairs = a * b + a * c + b * c - d * d - e * e - f * f
    product = a * (b * c - f * f) - d * (d * c - e * f) + e * (d * f - b * e)
    low = 0.0
    for _ in range(_NEWTON_STEPS):
        slope = (3.0 * low - 2.0 * trace) * low + pairs
        if not slope > 0.0:
            break
        step = (product - ((low - trace) * low + pairs) * low) / slope
        low += step
        if not step > _CONVERGED * trace:
            break
    rest = trace - low
    high = 0.5 * (rest + np.sqrt(max(0.0, rest * rest - 4.0 * (pairs - low * rest))))
    middle = rest - high
    if not middle > _LINE * high:
        return
    flatness = max(0.0, low) / middle
    if flatness > _SHAPELESS:
        return
    a, b, c = a - low, b - low, c - low
    best = 0.0
    for x, y, z in (
        (d * f - e * b, e * d - a * f, a * b - d * d),
        (d * c - e * f, e * e - a * c, a * f - d * e),
        (b * c - f * f, f * e - d * c, d * f - b * e),
    ):
        square = x * x + y * y + z * z
        if square > best:
            best = square
            length = np.sqrt(square)
            plane[0], plane[1], plane[2] = x / length, y / length, z / length
    plane[3] = flatness


@kernel
def mark_smooth(voxel_key: Int64, planes: Float32, start: int, stop: int, smooth: Bool) -> None:
    """Voxels (v,) whose block is flat and looks the same way as every block around it."""
    steps = _row_steps()
    rows = np.searchsorted(voxel_key, voxel_key[start] + steps)
    for v in range(start, stop):
        same = planes[v, 3] <= FLAT
        for row in range(9):
            if not same:
                break
            first = voxel_key[v] + steps[row]
            rows[row] = w = _forward(voxel_key, first, rows[row])
            while same and w < len(voxel_key) and voxel_key[w] <= first + 2:
                if w != v and not np.isnan(planes[w, 3]):
                    dot = planes[v, 0] * planes[w, 0] + planes[v, 1] * planes[w, 1] + planes[v, 2] * planes[w, 2]
                    same = planes[w, 3] <= FLAT and abs(dot) >= _SAME_WAY
                w += 1
        smooth[v] = same


@kernel
def normals_of_points(
    xyz: Float64, voxel: Int32, planes: Float32, smooth: Bool, scanner: Float64, normals: Float32, uncertain: Bool
) -> None:
    """Unit normal (n, 3) of each point, towards ``scanner`` unless that is NaN; points with voxel -1 are left alone.

    Where ``uncertain`` (n,) is set the normal is the direction to the scanner (upwards where that is NaN).
    """
    known = not np.isnan(scanner[0])
    ray = np.empty(3)
    for n in range(len(xyz)):
        v = voxel[n]
        if v < 0:
            continue
        facing = length = 0.0
        for d in range(3):
            ray[d] = scanner[d] - xyz[n, d] if known else (1.0 if d == 2 else 0.0)
            length += ray[d] * ray[d]
            facing += planes[v, d] * ray[d]
        uncertain[n] = not smooth[v]
        sign = -1.0 if known and facing < 0.0 else 1.0
        for d in range(3):
            normals[n, d] = sign * planes[v, d] if smooth[v] else ray[d] / np.sqrt(length)


@kernel
def turn(rotation: Float64, normals: Float32) -> None:
    """Turn normals float32 (n, 3) by a rotation (3, 3), in place; NaN stays NaN."""
    for n in range(len(normals)):
        x, y, z = normals[n, 0], normals[n, 1], normals[n, 2]
        for d in range(3):
            normals[n, d] = rotation[d, 0] * x + rotation[d, 1] * y + rotation[d, 2] * z
