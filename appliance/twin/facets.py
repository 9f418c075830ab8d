"""Facets: the CAD's triangles cut small enough to be painted cell by cell, without storing what can be computed.

A triangle with ``n`` cuts falls into n^2 equal facets on a lattice of barycentric coordinates: first those that stand
as the triangle does, then the turned ones.  Corners follow from the triangle and n alone.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

from appliance.twin.records import Float32, Float64, Int32, Skin

#: Facets a triangle at most: beyond it, cells are smaller than a picture can show.
MAX_CUTS: Final = 400


def cuts_of(vertices_mm: Float64, triangles: Int32, step_mm: float) -> Int32:
    """Into how many rows each triangle is cut, int32 (t,), so that no facet has an edge longer than ``step_mm``."""
    corners = vertices_mm[triangles]
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    return np.asarray(np.clip(np.ceil(longest / step_mm), 1, MAX_CUTS).astype(np.int32))


def facet_middles(vertices_mm: Float64, triangles: Int32, cuts: Int32) -> tuple[Float64, Int32]:
    """Centroids of all facets, float64 (f, 3), and their triangles, int32 (f,)."""
    corners, triangle = facets_of(vertices_mm, triangles, cuts)
    return corners.mean(axis=1), triangle


def facets_of(vertices_mm: Float64 | Float32, triangles: Int32, cuts: Int32) -> tuple[Float64, Int32]:
    """Corners of all facets, float64 (f, 3, 3), counter-clockwise as their triangles, and those, int32 (f,)."""
    start = np.concatenate([[0], np.cumsum(cuts.astype(np.int64) ** 2)])
    corners, owner = np.empty((start[-1], 3, 3)), np.repeat(np.arange(len(cuts), dtype=np.int32), cuts.astype(int) ** 2)
    for n in np.unique(cuts).tolist():
        own = np.flatnonzero(cuts == n)
        cut = np.einsum("fkc,tcd->tfkd", _lattice(n), vertices_mm[triangles[own]].astype(np.float64))
        place = start[own][:, None] + np.arange(n * n)
        corners[place.ravel()] = cut.reshape(-1, 3, 3)
    return corners, owner


def corners_of_skin(skin: Skin) -> Float64:
    """Corners of the facets of a skin, float64 (f, 3, 3), mm."""
    return facets_of(skin.vertices_mm, skin.triangles, skin.cuts)[0]


@lru_cache(maxsize=16)
def _lattice(n: int) -> Float64:
    """Barycentric coordinates of the corners of the n^2 facets of a triangle, float64 (n^2, 3, 3)."""
    row, column = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")
    upright, turned = row + column < n, row + column < n - 1
    first = [np.stack([row[upright], column[upright]], axis=1)]
    first += [first[0] + (1, 0), first[0] + (0, 1)]
    second = [np.stack([row[turned] + 1, column[turned]], axis=1)]
    second += [second[0] + (0, 1), second[0] + (-1, 1)]
    places = np.concatenate([np.stack(first, axis=1), np.stack(second, axis=1)]) / n
    return np.concatenate([1.0 - places.sum(axis=2, keepdims=True), places], axis=2)
