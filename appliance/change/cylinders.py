"""Points of a scan in a cylinder about a core point: how many, where along the axis, how spread."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.change.grid import CELLS, HALF_DIAGONAL, Grid
from appliance.core.kernels import inline_kernel, kernel
from appliance.deviation.voxels import lookup

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

#: Interquartile range of a normal distribution, in its standard deviations.
IQR_OF_NORMAL: Final = 1.3489795003921634
_FIRST_BLOCKS: Final = 256
_FIRST_HEIGHTS: Final = 4_096


@kernel
def measure(
    grid: Grid, cores: Float64, normals: Float64, radius: float, half_length: float, robust: bool,
    place: Float64, spread: Float64, count: Int32,
) -> None:  # fmt: skip
    """Fill place (m,), spread (m,) and count (m,) of the points in each core point's cylinder.

    ``place`` is NaN in an empty cylinder and where there is no normal, as is ``spread``.
    """
    blocks, heights = np.empty(_FIRST_BLOCKS, np.int32), np.empty(_FIRST_HEIGHTS)
    core, at = np.empty(3), np.empty(3, np.int64)
    for i in range(len(cores)):
        place[i], spread[i], count[i] = np.nan, np.nan, 0
        if np.isnan(normals[i, 0]):
            continue
        for axis in range(3):
            core[axis] = cores[i, axis] - grid.lower[axis]
        blocks, met = _blocks(grid, core, normals[i], radius, half_length, at, blocks)
        most = 0
        for b in range(met):
            most += grid.begin[CELLS**3 * (blocks[b] + 1)] - grid.begin[CELLS**3 * blocks[b]]
        if most > len(heights):
            heights = np.empty(2 * most)
        found = _heights(grid, blocks[:met], core, normals[i], radius, half_length, heights)
        count[i] = found
        if found > 0:
            place[i], spread[i] = _quartiles(heights[:found]) if robust else _mean(heights[:found])


@inline_kernel
def _blocks(
    grid: Grid, core: Float64, normal: Float64, radius: float, half_length: float, at: Int64, blocks: Int32
) -> tuple[Int32, int]:
    """The occupied blocks that a cylinder can touch, and how many.

    The cylinder is cut into layers of blocks along the axis of space that it follows most; in each layer only the
    blocks that its slice can touch are looked up.
    """
    slots, number, side, met = grid.slots, grid.number, grid.side, 0
    along = 0
    for axis in range(1, 3):
        if abs(normal[axis]) > abs(normal[along]):
            along = axis
    one, two = (along + 1) % 3, (along + 2) % 3
    tilt = radius * np.sqrt(max(0.0, 1.0 - normal[along] * normal[along]))
    reach = half_length * abs(normal[along]) + tilt
    for layer in range(int(np.floor((core[along] - reach) / side)), int(np.floor((core[along] + reach) / side)) + 1):
        at[along] = layer
        low = (layer * side - tilt - core[along]) / normal[along]
        high = ((layer + 1) * side + tilt - core[along]) / normal[along]
        low, high = max(min(low, high), -half_length), min(max(low, high), half_length)
        if low > high:
            continue
        a, b = _touched(side, core[one], normal[one], radius, low, high)
        c, d = _touched(side, core[two], normal[two], radius, low, high)
        if met + (b - a + 1) * (d - c + 1) > len(blocks):
            blocks = np.concatenate((blocks, np.empty(len(blocks) + (b - a + 1) * (d - c + 1), np.int32)))
        for i in range(a, b + 1):
            for j in range(c, d + 1):
                at[one], at[two] = i, j
                block = lookup(slots, number, at[0], at[1], at[2])
                if block >= 0:
                    blocks[met] = block
                    met += 1
    return blocks, met


@inline_kernel
def _touched(side: float, core: float, slope: float, radius: float, low: float, high: float) -> tuple[int, int]:
    """First and last block along an axis that the cylinder between ``low`` and ``high`` on its own axis can touch."""
    one, two = core + low * slope, core + high * slope
    wide = radius * np.sqrt(max(0.0, 1.0 - slope * slope))
    return int(np.floor((min(one, two) - wide) / side)), int(np.floor((max(one, two) + wide) / side))


@inline_kernel
def _heights(
    grid: Grid, blocks: Int32, core: Float64, normal: Float64, radius: float, half_length: float, heights: Float64
) -> int:
    """Fill ``heights`` with the heights of the cylinder's points along its axis, its surface included; how many."""
    xyz, begin, corner, side, found = grid.xyz, grid.begin, grid.corner, grid.side, 0
    size, square = side / CELLS, radius * radius
    wide, long = (radius + HALF_DIAGONAL * size) ** 2, half_length + HALF_DIAGONAL * size
    for block in blocks:
        for cell in range(CELLS**3):
            first, last = begin[CELLS**3 * block + cell], begin[CELLS**3 * block + cell + 1]
            if first == last:
                continue
            x = corner[block, 0] * side + (cell // (CELLS * CELLS) + 0.5) * size - core[0]
            y = corner[block, 1] * side + (cell // CELLS % CELLS + 0.5) * size - core[1]
            z = corner[block, 2] * side + (cell % CELLS + 0.5) * size - core[2]
            height = x * normal[0] + y * normal[1] + z * normal[2]
            if abs(height) > long or x * x + y * y + z * z - height * height > wide:
                continue
            for k in range(first, last):
                x, y, z = xyz[k, 0] - core[0], xyz[k, 1] - core[1], xyz[k, 2] - core[2]
                height = x * normal[0] + y * normal[1] + z * normal[2]
                if abs(height) <= half_length and x * x + y * y + z * z - height * height <= square:
                    heights[found] = height
                    found += 1
    return found


@inline_kernel
def _mean(heights: Float64) -> tuple[float, float]:
    """Mean, and standard deviation of these points themselves (divisor n)."""
    total, squares = 0.0, 0.0
    for height in heights:
        total += height
    mean = total / len(heights)
    for height in heights:
        squares += (height - mean) * (height - mean)
    return mean, np.sqrt(squares / len(heights))


@inline_kernel
def _quartiles(heights: Float64) -> tuple[float, float]:
    """Median, and the standard deviation of a normal distribution with this interquartile range."""
    ranked = np.sort(heights)
    width = _quantile(ranked, 0.75) - _quantile(ranked, 0.25)
    return _quantile(ranked, 0.5), width / IQR_OF_NORMAL


@inline_kernel
def _quantile(ranked: Float64, share: float) -> float:
    """Linear interpolation (type 7)."""
    place = share * (len(ranked) - 1)
    below = int(place)
    above = min(below + 1, len(ranked) - 1)
    value: float = ranked[below] + (place - below) * (ranked[above] - ranked[below])
    return value
