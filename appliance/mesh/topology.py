"""How triangles hang together: who lies across each edge, and the pseudonormals that give a sign there.

Edge j of a triangle runs from its corner j to its corner j + 1.  An edge is *regular* where exactly
two triangles run along it in opposite directions.  Everything else is special and keeps a normal of
its own: a boundary edge that of its only triangle, an edge of several triangles (non-manifold, or
turned against each other) the sum of all of them, and an edge beside a triangle without area the
sum of what lies on both sides of that triangle.
"""

from __future__ import annotations

from math import atan2, sqrt
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from appliance.core.kernels import inline_kernel, kernel
from appliance.mesh.frames import Floats, Ints


class Shape(NamedTuple):
    """A mesh about the origin, as kernels take it.

    ``frames`` float64 (t, 16); ``triangles`` int32 (t, 3); ``across`` int32 (t, 3); ``edge_normals`` float64 (m, 3);
    ``corner_normals`` float64 (v, 3).
    """

    frames: Floats
    triangles: Ints
    across: Ints
    edge_normals: Floats
    corner_normals: Floats


#: ``across`` of an edge: a triangle, or BOUNDARY, or -2 - i for the special normal i.
BOUNDARY: Final = -1


@kernel
def _half_edges_by_lower_vertex(triangles: Ints, vertex_count: int) -> tuple[Ints, Ints]:
    """Half-edges 3 t + j in the order of the lower of their two vertices; and where each vertex begins."""
    begin = np.zeros(vertex_count + 1, np.int32)
    for t in range(len(triangles)):
        for j in range(3):
            begin[min(triangles[t, j], triangles[t, (j + 1) % 3]) + 1] += 1
    for v in range(vertex_count):
        begin[v + 1] += begin[v]
    place = begin[:-1].copy()
    edges = np.empty(3 * len(triangles), np.int32)
    for t in range(len(triangles)):
        for j in range(3):
            v = min(triangles[t, j], triangles[t, (j + 1) % 3])
            edges[place[v]] = 3 * t + j
            place[v] += 1
    return edges, begin


@inline_kernel
def _upper(triangles: Ints, edge: int) -> int:
    t, j = edge // 3, edge % 3
    upper: int = max(triangles[t, j], triangles[t, (j + 1) % 3])
    return upper


@inline_kernel
def _sort_by_upper(triangles: Ints, edges: Ints) -> None:
    """Order the half-edges of one lower vertex by their upper vertex, then by their number."""
    if len(edges) > 24:
        keys = np.empty(len(edges), np.int64)
        for i in range(len(edges)):
            keys[i] = (np.int64(_upper(triangles, edges[i])) << 32) | np.int64(edges[i])
        keys.sort()
        for i in range(len(edges)):
            edges[i] = keys[i] & 0xFFFFFFFF
        return
    for i in range(1, len(edges)):
        edge, upper = edges[i], _upper(triangles, edges[i])
        j = i - 1
        while j >= 0 and _upper(triangles, edges[j]) > upper:
            edges[j + 1] = edges[j]
            j -= 1
        edges[j + 1] = edge


@kernel
def _pair(triangles: Ints, edges: Ints, begin: Ints, across: Ints, irregular: Ints) -> int:
    """Fill ``across`` for regular edges; write the half-edges of irregular ones in groups, return how many."""
    found = 0
    for v in range(len(begin) - 1):
        first, stop = begin[v], begin[v + 1]
        if stop > first:
            _sort_by_upper(triangles, edges[first:stop])
        while first < stop:
            upper = _upper(triangles, edges[first])
            last = first + 1
            while last < stop and _upper(triangles, edges[last]) == upper:
                last += 1
            one, two = edges[first], edges[min(first + 1, stop - 1)]
            opposed = triangles[one // 3, one % 3] != triangles[two // 3, two % 3]
            if last - first == 2 and opposed:
                across[one // 3, one % 3], across[two // 3, two % 3] = two // 3, one // 3
            elif last - first > 1:
                for i in range(first, last):
                    irregular[found] = edges[i]
                    found += 1
            first = last
    return found


@inline_kernel
def _add(total: Floats, frames: Floats, t: int) -> None:
    if frames[t, 14] > 0.0:
        for axis in range(3):
            total[axis] += frames[t, 9 + axis]


@kernel
def _special_edges(triangles: Ints, frames: Floats, across: Ints, irregular: Ints, normals: Floats) -> int:
    """Give irregular edges the sum of their triangles' normals; returns the special normals in use."""
    used, first = 0, 0
    while first < len(irregular):
        e = irregular[first]
        low, up = min(triangles[e // 3, e % 3], triangles[e // 3, (e % 3 + 1) % 3]), _upper(triangles, e)
        last = first
        total = np.zeros(3)
        while last < len(irregular):
            f = irregular[last]
            other = min(triangles[f // 3, f % 3], triangles[f // 3, (f % 3 + 1) % 3])
            if other != low or _upper(triangles, f) != up:
                break
            _add(total, frames, f // 3)
            across[f // 3, f % 3] = -2 - used
            last += 1
        normals[used] = total
        used += 1
        first = last
    return used


@kernel
def _flat_edges(frames: Floats, across: Ints, flat: Ints, used: int, normals: Floats) -> int:
    """See through triangles without area: each edge of one gets the normals on both of its sides."""
    neighbours = across.copy()
    for t in flat:
        long = int(frames[t, 15])
        for j in range(3):
            total = np.zeros(3)
            own = neighbours[t, j]
            if own >= 0:
                _add(total, frames, own)
            beyond = np.zeros(3)
            for i in range(3):
                if i != j and (j == long or i == long) and neighbours[t, i] >= 0:
                    _add(beyond, frames, neighbours[t, i])
            length = sqrt(beyond[0] ** 2 + beyond[1] ** 2 + beyond[2] ** 2)
            if length > 0.0:
                total += beyond / length
            normals[used] = total
            if across[t, j] >= BOUNDARY:
                across[t, j] = -2 - used
            if own >= 0:
                for i in range(3):
                    if neighbours[own, i] == t:
                        across[own, i] = -2 - used
            used += 1
    return used


@kernel
def _corner_normals(vertices: Floats, triangles: Ints, frames: Floats, normals: Floats) -> None:
    """Sum, at each vertex, of the normals of its triangles, each weighted with its angle there."""
    for t in range(len(triangles)):
        if frames[t, 14] <= 0.0:
            continue
        k = int(frames[t, 15])
        length, a, b = frames[t, 12], frames[t, 13], frames[t, 14]
        origin, end = atan2(b, a), atan2(b, length - a)
        for corner in range(3):
            angle = origin if corner == 0 else end if corner == 1 else np.pi - origin - end
            v = triangles[t, (k + corner) % 3]
            for axis in range(3):
                normals[v, axis] += angle * frames[t, 9 + axis]


def adjacency(triangles: Ints, vertex_count: int, frames: Floats) -> tuple[Ints, Ints, Floats]:
    """Who lies across each edge.

    Returns
    -------
    neighbours : int32 (t, 3), the triangle across a regular edge, -1 elsewhere
    across : int32 (t, 3), the same, and -2 - i where the edge has the special normal i
    edge_normals : float64 (m, 3), special normals (sums, not unit vectors)
    """
    edges, begin = _half_edges_by_lower_vertex(triangles, vertex_count)
    across = np.full((len(triangles), 3), BOUNDARY, np.int32)
    irregular = np.empty(len(edges), np.int32)
    count = _pair(triangles, edges, begin, across, irregular)
    irregular = irregular[:count].copy()
    flat = np.flatnonzero(frames[:, 14] <= 0.0).astype(np.int32)
    if not count and not len(flat):
        return across, across, np.zeros((1, 3))
    neighbours = across.copy()
    normals = np.zeros((count + 3 * len(flat) + 1, 3))
    used = _special_edges(triangles, frames, across, irregular, normals)
    used = _flat_edges(frames, across, flat, used, normals)
    return neighbours, across, normals[: used + 1].copy()


def corner_normals(vertices: Floats, triangles: Ints, frames: Floats) -> Floats:
    """Angle-weighted vertex pseudonormals, float64 (v, 3), not of unit length.  Source: doi:10.1109/TVCG.2005.49"""
    normals = np.zeros((len(vertices), 3))
    _corner_normals(vertices, triangles, frames, normals)
    return normals


def face_normals(frames: Floats, neighbours: Ints) -> npt.NDArray[np.float64]:
    """Unit normals float64 (t, 3); a triangle without area takes the mean of its neighbours', or its frame's."""
    normals = frames[:, 9:12].copy()
    for t in np.flatnonzero(frames[:, 14] <= 0.0):
        around = [n for n in neighbours[t] if n >= 0 and frames[n, 14] > 0.0]
        total = frames[around, 9:12].sum(axis=0)
        length = float(np.linalg.norm(total))
        if length > 0.0:
            normals[t] = total / length
    return normals
