"""A screen before the exact distance: which triangles of a cell's list can be the closest of a point.

For one cell the list is laid out in single precision about the middle of the cell, a row per number, so that a
loop over triangles runs on vectors.  It bounds the squared distance from below by the rectangle about each
triangle in its plane.  The triangle with the least bound is measured first, exactly; then only those whose bound
does not exceed what was found, commonly one or two.  The screen decides what is measured, never the result:
``ROUGH`` covers all of its rounding.
"""

from __future__ import annotations

from math import sqrt
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import inline_kernel
from appliance.mesh.frames import Floats, Ints, distance2

Singles = npt.NDArray[np.float32]

#: Triangles that are screened together: 14 kB, which stay in the first cache.
WIDTH: Final = 256
#: Rows of a screen: axes n, u, w (9), height of the cell's middle, the rectangle along u and along w (from, to).
ROWS: Final = 14
#: Sides of a rectangle are cut where they lie this many cells (with reach) from the middle: beyond every point.
_FAR: Final = 4.0
#: What rounding may do to a bound, relative to ``_FAR``: some twenty steps of single precision.
ROUGH: Final = 1e-6


@inline_kernel
def lay_out(frames: Floats, entries: Ints, middle: tuple[float, float, float], extent: float, screen: Singles) -> None:
    """Fill columns of ``screen`` (ROWS, WIDTH) with the triangles ``entries``, at most WIDTH, about ``middle``."""
    far = _FAR * extent
    for k in range(len(entries)):
        t = entries[k]
        x, y, z = middle[0] - frames[t, 0], middle[1] - frames[t, 1], middle[2] - frames[t, 2]
        h = x * frames[t, 9] + y * frames[t, 10] + z * frames[t, 11]
        u = x * frames[t, 3] + y * frames[t, 4] + z * frames[t, 5]
        w = x * frames[t, 6] + y * frames[t, 7] + z * frames[t, 8]
        for axis in range(3):
            screen[axis, k] = frames[t, 9 + axis]
            screen[3 + axis, k] = frames[t, 3 + axis]
            screen[6 + axis, k] = frames[t, 6 + axis]
        screen[9, k] = h
        screen[10, k], screen[11, k] = max(-u, -far), min(frames[t, 12] - u, far)
        screen[12, k], screen[13, k] = max(-w, -far), min(frames[t, 14] - w, far)


@inline_kernel
def _bound(screen: Singles, count: int, x: np.float32, y: np.float32, z: np.float32, bound: Singles) -> None:
    """Squared distance, at least, from the point (x, y, z) about the middle to each of ``count`` triangles."""
    none = np.float32(0.0)
    for k in range(count):
        h = screen[9, k] + x * screen[0, k] + y * screen[1, k] + z * screen[2, k]
        u = x * screen[3, k] + y * screen[4, k] + z * screen[5, k]
        w = x * screen[6, k] + y * screen[7, k] + z * screen[8, k]
        before, after = screen[10, k] - u, u - screen[11, k]
        aside = before if before > after else after
        aside = aside if aside > none else none
        under, over = screen[12, k] - w, w - screen[13, k]
        above = under if under > over else over
        above = above if above > none else none
        bound[k] = h * h + aside * aside + above * above


@inline_kernel
def _least(bits: Ints, count: int) -> int:
    """The least of ``count`` bounds, as bits: of numbers above zero they have the same order, and run on vectors."""
    least = bits[0]
    for k in range(count):
        least = min(least, bits[k])
    for k in range(count):
        if bits[k] == least:
            return k
    return 0


@inline_kernel
def closest_on_screen(
    frames: Floats,
    entries: Ints,
    screen: Singles,
    middle: tuple[float, float, float],
    extent: float,
    p: tuple[float, float, float],
    best: float,
    found: int,
    bound: Singles,
    bits: Ints,
) -> tuple[float, int]:
    """Squared distance and number of the closest triangle among ``entries`` and what is known; see ``lay_out``.

    ``bits`` is ``bound`` (WIDTH,) seen as int32.  Of triangles equally close the lowest number wins.
    """
    count, rough = len(entries), ROUGH * _FAR * extent
    x, y, z = np.float32(p[0] - middle[0]), np.float32(p[1] - middle[1]), np.float32(p[2] - middle[2])
    _bound(screen, count, x, y, z, bound)
    first = _least(bits, count)
    limit = np.float32((sqrt(best) + rough) ** 2)
    if bound[first] > limit:
        return best, found
    d = distance2(frames, entries[first], p[0], p[1], p[2], best)
    if d < best or (d == best and entries[first] < found):
        best, found = d, entries[first]
        limit = np.float32((sqrt(best) + rough) ** 2)
    for k in range(count):
        if bound[k] <= limit and k != first:
            d = distance2(frames, entries[k], p[0], p[1], p[2], best)
            if d < best or (d == best and entries[k] < found):
                best, found = d, entries[k]
                limit = np.float32((sqrt(best) + rough) ** 2)
    return best, found
