"""Weld vertices: coordinates that are equal in every bit become one vertex.

Nothing is moved and nothing is merged by a tolerance.  Formats without shared vertices (STL, and
the faces of STEP) write the same corner with the same digits wherever it occurs, so equality finds
it again; corners that differ by a rounding stay apart and show as boundary edges.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import kernel


def weld(
    vertices: npt.NDArray[np.float64], triangles: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int32]]:
    """Make equal vertices one, in the order of their first appearance; -0.0 equals 0.0.

    Parameters
    ----------
    vertices : float64 (v, 3), finite
    triangles : int32 (t, 3)

    Returns
    -------
    vertices float64 (w, 3) and triangles int32 (t, 3) over them; triangles keep their order
    """
    vertices = np.ascontiguousarray(vertices + 0.0)  # adding zero turns -0.0 into 0.0
    number, kept = _number_vertices(vertices, vertices.view(np.uint64))
    return vertices[kept], number[triangles]


@kernel
def _number_vertices(
    vertices: npt.NDArray[np.float64], bits: npt.NDArray[np.uint64]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Number of each vertex among the distinct ones, and the first row of each of those."""
    count = vertices.shape[0]
    slots = 16
    while slots < 2 * count:
        slots *= 2
    mask = np.uint64(slots - 1)
    table = np.full(slots, -1, dtype=np.int32)
    number = np.empty(count, dtype=np.int32)
    kept = np.empty(count, dtype=np.int64)
    distinct = 0
    for row in range(count):
        mixed = bits[row, 0] * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(29)) ^ bits[row, 1]) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(32)) ^ bits[row, 2]) * np.uint64(0x94D049BB133111EB)
        slot = (mixed ^ (mixed >> np.uint64(31))) & mask
        while True:
            found = table[slot]
            if found < 0:
                table[slot] = distinct
                number[row] = distinct
                kept[distinct] = row
                distinct += 1
                break
            first = kept[found]
            if (
                vertices[first, 0] == vertices[row, 0]
                and vertices[first, 1] == vertices[row, 1]
                and vertices[first, 2] == vertices[row, 2]
            ):
                number[row] = found
                break
            slot = (slot + np.uint64(1)) & mask
    return number, kept[:distinct].copy()
