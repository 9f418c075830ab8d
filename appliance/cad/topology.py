"""How triangles hang together: edges, the triangles at each, and shells.

An edge is an unordered pair of vertices.  A triangle runs along an edge *upwards* (from the lower
to the higher vertex number) or *downwards*; two neighbours of one orientation run in opposite
senses.  Triangles with a repeated vertex have no edges: they take no part here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from appliance.cad.records import TriangleMesh
from appliance.core.kernels import inline_kernel, kernel


@dataclass(frozen=True)
class Topology:
    """Edges of a mesh.

    Attributes
    ----------
    edge_of_corner : int32 (t, 3), the edge from corner k to corner k + 1; -1 in triangles with a
        repeated vertex
    count : int32 (e,), triangles at each edge
    balance : int32 (e,), those that run upwards minus those that run downwards
    pair : int32 (e, 2), the first two triangles at each edge; -1 where there is none
    shell : int32 (t,), number of the shell (triangles joined by edges); -1 as above
    """

    edge_of_corner: npt.NDArray[np.int32]
    count: npt.NDArray[np.int32]
    balance: npt.NDArray[np.int32]
    pair: npt.NDArray[np.int32]
    shell: npt.NDArray[np.int32]

    @property
    def closed(self) -> bool:
        """Whether every edge has as many triangles running up as down: the surface bounds a solid."""
        return len(self.count) > 0 and not bool(np.any(self.balance))


def topology(mesh: TriangleMesh) -> Topology:
    """Edges and shells of ``mesh``, in time proportional to its triangles."""
    triangles = np.ascontiguousarray(mesh.triangles)
    edge_of_corner, count, balance, pair = _edges(triangles)
    return Topology(edge_of_corner, count, balance, pair, _shells(edge_of_corner, pair))


@kernel
def _edges(
    triangles: npt.NDArray[np.int32],
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Number the edges in the order of their first appearance (open addressing over vertex pairs)."""
    corners = 3 * triangles.shape[0]
    slots = 16
    while slots < 2 * corners:
        slots *= 2
    mask = np.uint64(slots - 1)
    table = np.full(slots, -1, dtype=np.int32)
    ends = np.empty(corners, dtype=np.uint64)
    edge_of_corner = np.full((triangles.shape[0], 3), -1, dtype=np.int32)
    count = np.zeros(corners, dtype=np.int32)
    balance = np.zeros(corners, dtype=np.int32)
    pair = np.full((corners, 2), -1, dtype=np.int32)
    edges = 0
    for triangle in range(triangles.shape[0]):
        a, b, c = triangles[triangle]
        if a == b or b == c or c == a:
            continue
        for corner in range(3):
            start = triangles[triangle, corner]
            stop = triangles[triangle, (corner + 1) % 3]
            low, high = min(start, stop), max(start, stop)
            key = (np.uint64(low) << np.uint64(32)) | np.uint64(high)
            mixed = key * np.uint64(0x9E3779B97F4A7C15)
            slot = (mixed ^ (mixed >> np.uint64(32))) & mask
            while table[slot] >= 0 and ends[table[slot]] != key:
                slot = (slot + np.uint64(1)) & mask
            edge = table[slot]
            if edge < 0:
                edge = edges
                table[slot] = edge
                ends[edge] = key
                edges += 1
            edge_of_corner[triangle, corner] = edge
            if count[edge] < 2:
                pair[edge, count[edge]] = triangle
            count[edge] += 1
            balance[edge] += 1 if start < stop else -1
    return edge_of_corner, count[:edges].copy(), balance[:edges].copy(), pair[:edges].copy()


@inline_kernel
def _root(parent: npt.NDArray[np.int32], item: int) -> int:
    while parent[item] != item:
        parent[item] = parent[parent[item]]
        item = parent[item]
    return item


@kernel
def _shells(edge_of_corner: npt.NDArray[np.int32], pair: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Number the shells in the order of their first triangle."""
    total = edge_of_corner.shape[0]
    parent = np.arange(total).astype(np.int32)
    for triangle in range(total):
        for corner in range(3):
            edge = edge_of_corner[triangle, corner]
            if edge >= 0:
                one, other = _root(parent, triangle), _root(parent, pair[edge, 0])
                if one < other:
                    parent[other] = one
                else:
                    parent[one] = other
    shell = np.full(total, -1, dtype=np.int32)
    shells = 0
    for triangle in range(total):
        if edge_of_corner[triangle, 0] < 0:
            continue
        root = _root(parent, triangle)
        if root == triangle:
            shell[triangle] = shells
            shells += 1
        else:
            shell[triangle] = shell[root]
    return shell
