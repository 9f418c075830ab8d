"""Facets: the CAD's triangles cut small enough to be painted cell by cell, without storing what can be computed.

A triangle whose longest edge is longer than a cell is halved across it, and its halves again: a long thin triangle
falls into fewer facets than the square of its length in cells.  The facets follow from vertices (float32), triangles
and step alone, in a fixed order.  Neighbours may meet at the middle of an edge: there is no gap, both lie on the edge.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from appliance.errors import Modified
from appliance.twin.records import Float32, Float64, Int32, Skin

#: Facets beyond which nothing is halved any more: larger ones show less than the cells know, and fit the memory.
MAX_FACETS: Final = 2_000_000


def facets_of(vertices_mm: Float32, triangles: Int32, step_mm: float) -> tuple[Float64, Int32]:
    """Facets with edges up to ``step_mm``: corners float64 (f, 3, 3), wound as their triangles, and those, int32 (f,).

    Memory: 200 bytes a facet.
    """
    corners, owner = vertices_mm[triangles].astype(np.float64), np.arange(len(triangles), dtype=np.int32)
    done: list[tuple[Float64, Int32]] = []
    count = 0
    while len(corners):
        edges = np.linalg.norm(np.roll(corners, -1, axis=1) - corners, axis=2)
        long = edges.max(axis=1) > step_mm
        if count + len(corners) + np.count_nonzero(long) > MAX_FACETS:
            long[:] = False
        done.append((corners[~long], owner[~long]))
        count += len(done[-1][1])
        corners, owner = _halved(corners[long], edges[long]), np.repeat(owner[long], 2)
    return np.concatenate([part for part, _ in done]), np.concatenate([part for _, part in done])


def facet_middles(vertices_mm: Float32, triangles: Int32, step_mm: float) -> tuple[Float64, Int32]:
    """Centroids of all facets, float64 (f, 3), and their triangles, int32 (f,)."""
    corners, triangle = facets_of(vertices_mm, triangles, step_mm)
    return corners.mean(axis=1), triangle


def corners_of_skin(skin: Skin) -> Float64:
    """Corners of the facets of a skin, float64 (f, 3, 3), mm.

    Raises
    ------
    Modified : the skin was cut into other facets than its cells were told for
    """
    corners, _ = facets_of(skin.vertices_mm, skin.triangles, skin.cell_mm)
    if len(corners) != len(skin.cell_of_facet):
        raise Modified("twin.facets", "The stored skin of the twin has other facets than its surface falls into.")
    return corners


def _halved(corners: Float64, edges: Float64) -> Float64:
    """Both halves of every triangle (t, 3, 3), one behind the other, cut across its longest edge."""
    row, first = np.arange(len(corners)), edges.argmax(axis=1)
    start, end, opposite = corners[row, first], corners[row, (first + 1) % 3], corners[row, (first + 2) % 3]
    middle = (start + end) / 2
    halves = np.stack([np.stack([start, middle, opposite], axis=1), np.stack([middle, end, opposite], axis=1)], axis=1)
    return halves.reshape(-1, 3, 3)
