"""Normals of core points: the plane of the first scan's points in a ball, at one scale or at the flattest of several.

Which side of the plane is positive is told by a direction that each core point is given: up, towards the scanner, out
of the material.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.change.grid import CELLS, HALF_DIAGONAL, Grid
from appliance.core.kernels import inline_kernel, kernel, over_chunks
from appliance.deviation.voxels import lookup

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]

#: Three points fix a plane; of several scales only those count in which ten points say how flat it is.
LEAST_FOR_PLANE: Final = 3
LEAST_FOR_CHOICE: Final = 10
#: Points in a line fix no plane: lesser variance in the plane below this share of the greater.
LINE: Final = 1e-6
#: Entries of moments: number, sums of x y z, sums of xx xy xz yy yz zz.
_MOMENTS: Final = 10
#: Jacobi sweeps: convergence is quadratic, five leave nothing of a 3 x 3 matrix to float64.
_SWEEPS: Final = 6
#: Off-diagonal share of the trace at which the axes are known far better than any scan needs.
_CONVERGED: Final = 1e-12
#: Core points of one task.
CHUNK_CORES: Final = 1_024


def normals_of(
    grid: Grid, cores: Float64, towards: Float64, diameters_mm: tuple[float, ...]
) -> tuple[Float64, Float64]:
    """Normals float64 (m, 3) of core points (m, 3), mm, and the diameters (m,) that they were found at.

    ``towards`` float64 (m, 3) is a direction on the positive side of each.  Both are NaN where the points of no ball
    fix a plane.
    """
    normals, chosen = np.full((len(cores), 3), np.nan), np.full(len(cores), np.nan)
    diameters = np.array(diameters_mm, dtype=np.float64)

    def work(start: int, stop: int) -> None:
        _fit(grid, cores[start:stop], towards[start:stop], diameters, normals[start:stop], chosen[start:stop])

    over_chunks(len(cores), work, chunk=CHUNK_CORES)
    return normals, chosen


@kernel
def _fit(grid: Grid, cores: Float64, towards: Float64, diameters: Float64, normals: Float64, chosen: Float64) -> None:
    sums, matrix, axes, core = np.empty(_MOMENTS), np.empty((3, 3)), np.empty((3, 3)), np.empty(3)
    least = LEAST_FOR_PLANE if len(diameters) == 1 else LEAST_FOR_CHOICE
    for i in range(len(cores)):
        for axis in range(3):
            core[axis] = cores[i, axis] - grid.lower[axis]
        flattest = np.inf
        for diameter in diameters:
            _ball(grid, core, 0.5 * diameter, sums)
            if sums[0] < least:
                continue
            _covariance(sums, matrix)
            _diagonalise(matrix, axes)
            third, across = _third(matrix, axes)
            if third < flattest:
                flattest = third
                chosen[i] = diameter
                side = across[0] * towards[i, 0] + across[1] * towards[i, 1] + across[2] * towards[i, 2]
                sign = 1.0 if side >= 0.0 else -1.0
                for axis in range(3):
                    normals[i, axis] = sign * across[axis]


@inline_kernel
def _diagonalise(matrix: Float64, axes: Float64) -> None:
    """Diagonalise a symmetric matrix in place; columns of ``axes`` become its eigenvectors (Golub, Van Loan 8.5)."""
    for a in range(3):
        for b in range(3):
            axes[a, b] = 1.0 if a == b else 0.0
    enough = _CONVERGED * (matrix[0, 0] + matrix[1, 1] + matrix[2, 2])
    for _ in range(_SWEEPS):
        if abs(matrix[0, 1]) + abs(matrix[0, 2]) + abs(matrix[1, 2]) <= enough:
            break
        for p in range(2):
            for q in range(p + 1, 3):
                if matrix[p, q] == 0.0:
                    continue
                theta = (matrix[q, q] - matrix[p, p]) / (2.0 * matrix[p, q])
                sign = 1.0 if theta >= 0.0 else -1.0
                t = sign / (abs(theta) + np.sqrt(theta * theta + 1.0))
                c = 1.0 / np.sqrt(t * t + 1.0)
                s = t * c
                for k in range(3):
                    one, two = matrix[k, p], matrix[k, q]
                    matrix[k, p], matrix[k, q] = c * one - s * two, s * one + c * two
                for k in range(3):
                    one, two = matrix[p, k], matrix[q, k]
                    matrix[p, k], matrix[q, k] = c * one - s * two, s * one + c * two
                for k in range(3):
                    one, two = axes[k, p], axes[k, q]
                    axes[k, p], axes[k, q] = c * one - s * two, s * one + c * two


@inline_kernel
def _ball(grid: Grid, core: Float64, radius: float, sums: Float64) -> None:
    """Moments about the core point of the points within ``radius`` of it."""
    sums[:] = 0.0
    xyz, begin, slots, number, side = grid.xyz, grid.begin, grid.slots, grid.number, grid.side
    low, high = np.floor((core - radius) / side), np.floor((core + radius) / side)
    for x in range(int(low[0]), int(high[0]) + 1):
        for y in range(int(low[1]), int(high[1]) + 1):
            for z in range(int(low[2]), int(high[2]) + 1):
                block = lookup(slots, number, x, y, z)
                if block >= 0:
                    _add(xyz, begin, block, (x, y, z), side, core, radius, sums)


@inline_kernel
def _add(
    xyz: Float64, begin: Int32, block: int, corner: tuple[int, int, int], side: float, core: Float64, radius: float,
    sums: Float64,
) -> None:  # fmt: skip
    """Add the points of a block, cell by cell where the ball reaches the cell."""
    size, square = side / CELLS, radius * radius
    reach = (radius + HALF_DIAGONAL * size) ** 2
    for cell in range(CELLS**3):
        first, last = begin[CELLS**3 * block + cell], begin[CELLS**3 * block + cell + 1]
        if first == last:
            continue
        x = corner[0] * side + (cell // (CELLS * CELLS) + 0.5) * size - core[0]
        y = corner[1] * side + (cell // CELLS % CELLS + 0.5) * size - core[1]
        z = corner[2] * side + (cell % CELLS + 0.5) * size - core[2]
        if x * x + y * y + z * z > reach:
            continue
        for k in range(first, last):
            x, y, z = xyz[k, 0] - core[0], xyz[k, 1] - core[1], xyz[k, 2] - core[2]
            if x * x + y * y + z * z <= square:
                sums[0] += 1.0
                sums[1] += x
                sums[2] += y
                sums[3] += z
                sums[4] += x * x
                sums[5] += x * y
                sums[6] += x * z
                sums[7] += y * y
                sums[8] += y * z
                sums[9] += z * z


@inline_kernel
def _covariance(sums: Float64, matrix: Float64) -> None:
    at = 4
    for a in range(3):
        for b in range(a, 3):
            matrix[a, b] = sums[at] / sums[0] - (sums[1 + a] / sums[0]) * (sums[1 + b] / sums[0])
            matrix[b, a] = matrix[a, b]
            at += 1


@inline_kernel
def _third(matrix: Float64, axes: Float64) -> tuple[float, tuple[float, float, float]]:
    """Share of the variance across the plane (infinite for points in a line), and the direction across it."""
    small = 0
    for a in range(1, 3):
        if matrix[a, a] < matrix[small, small]:
            small = a
    b, c = matrix[(small + 1) % 3, (small + 1) % 3], matrix[(small + 2) % 3, (small + 2) % 3]
    share = np.inf
    if min(b, c) > LINE * max(b, c):
        share = max(matrix[small, small], 0.0) / (matrix[small, small] + b + c)
    return share, (axes[0, small], axes[1, small], axes[2, small])
