"""Structured surface patches that meet exactly: the building blocks of simulated parts.

A patch is a lattice of points (m, n, 3) that becomes 2 (m - 1)(n - 1) triangles.  Neighbouring
patches compute their common edge from the same numbers, so welding by equality closes the body.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from appliance.cad.records import TriangleMesh

Float64 = npt.NDArray[np.float64]

#: Points closer than this are one vertex, mm; far below any edge of a part, far above rounding.
_WELD_MM = 1e-7


@dataclass
class PatchBody:
    """Collects patches by face name and welds them into a mesh.

    ``names`` lists faces in the order of their first patch; a triangle's face is its index there.
    """

    names: list[str] = field(default_factory=list)
    _triangles: list[Float64] = field(default_factory=list)
    _faces: list[npt.NDArray[np.int32]] = field(default_factory=list)

    def add(self, name: str, lattice: Float64, *, flip: bool = False) -> None:
        """Add a lattice (m, n, 3).  Seen with m to the right and n upwards its outside faces the viewer."""
        a, b = lattice[:-1, :-1], lattice[1:, :-1]
        c, d = lattice[1:, 1:], lattice[:-1, 1:]
        corners = np.concatenate([np.stack([a, b, c], axis=2), np.stack([a, c, d], axis=2)]).reshape(-1, 3, 3)
        self._append(name, corners[:, ::-1] if flip else corners)

    def add_fan(self, name: str, centre: Float64, ring: Float64, *, flip: bool = False) -> None:
        """Add a fan around ``centre`` (3,) over a closed ``ring`` (k, 3) that runs counter-clockwise."""
        following = np.roll(ring, -1, axis=0)
        corners = np.stack([np.broadcast_to(centre, ring.shape), ring, following], axis=1)
        self._append(name, corners[:, ::-1] if flip else corners)

    def mesh(self) -> TriangleMesh:
        """The welded body; triangles that welding collapses are dropped."""
        corners = np.concatenate(self._triangles)
        keys = np.round(corners.reshape(-1, 3) / _WELD_MM).astype(np.int64)
        _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
        triangles = inverse.reshape(-1, 3).astype(np.int32)
        whole = (triangles != np.roll(triangles, 1, axis=1)).all(axis=1)
        return TriangleMesh(
            np.ascontiguousarray(corners.reshape(-1, 3)[first]),
            np.ascontiguousarray(triangles[whole]),
            np.concatenate(self._faces)[whole],
        )

    def _append(self, name: str, corners: Float64) -> None:
        if name not in self.names:
            self.names.append(name)
        self._triangles.append(np.ascontiguousarray(corners))
        self._faces.append(np.full(len(corners), self.names.index(name), np.int32))


def steps(start: float, stop: float, size: float) -> Float64:
    """Evenly spaced numbers from ``start`` to ``stop``, at most ``size`` apart."""
    return np.linspace(start, stop, max(1, int(np.ceil(abs(stop - start) / size - 1e-9))) + 1)


def plane(x: Float64, y: Float64, z: float) -> Float64:
    """Lattice of a horizontal plane, m along x and n along y."""
    grid_x, grid_y = np.meshgrid(x, y, indexing="ij")
    return np.stack([grid_x, grid_y, np.full_like(grid_x, z)], axis=-1)


def swept(ring: Float64, z: Float64) -> Float64:
    """Lattice of a vertical wall: the points of ``ring`` (k, 2) along m, the heights ``z`` along n."""
    lattice = np.empty((len(ring), len(z), 3))
    lattice[..., :2] = ring[:, None, :]
    lattice[..., 2] = z[None, :]
    return lattice


def rectangle_ring(x: Float64, y: Float64) -> Float64:
    """The border of a lattice of ``x`` and ``y``, counter-clockwise from its lower left corner, (k, 2), open."""
    south = np.stack([x[:-1], np.full(len(x) - 1, y[0])], axis=1)
    east = np.stack([np.full(len(y) - 1, x[-1]), y[:-1]], axis=1)
    north = np.stack([x[:0:-1], np.full(len(x) - 1, y[-1])], axis=1)
    west = np.stack([np.full(len(y) - 1, x[0]), y[:0:-1]], axis=1)
    return np.concatenate([south, east, north, west])


def circle_ring(outer: Float64, centre: tuple[float, float], radius: float) -> Float64:
    """As many points on a circle as ``outer`` (k, 2) has, each in the direction of its partner."""
    direction = outer - np.asarray(centre)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return np.asarray(np.asarray(centre) + radius * direction)


def between(inner: Float64, outer: Float64, z: float, size: float) -> Float64:
    """Lattice from a closed ring to the one around it at height ``z``; m around, n outwards."""
    width = float(np.linalg.norm(outer - inner, axis=1).max())
    share = steps(0.0, width, size) / width
    share[-1] = 1.0
    flat = inner[:, None, :] * (1.0 - share[None, :, None]) + outer[:, None, :] * share[None, :, None]
    flat[:, -1], flat[:, 0] = outer, inner
    lattice = np.concatenate([flat, np.full((*flat.shape[:2], 1), z)], axis=-1)
    return closed(lattice)


def closed(lattice: Float64) -> Float64:
    """The lattice with its first row repeated at the end: a patch that runs round."""
    return np.concatenate([lattice, lattice[:1]])
