"""Normal equations of a rigid fit to the exact mesh, summed in a fixed order.

Unknowns are a small motion: rotation vector in rad about a pivot, then a translation in mm.  A point's
residual is its signed distance, the derivative is the direction in which that distance grows: the face
normal over a face, the direction from the foot over an edge or a vertex.  Datums are taken as *planes of
faces* instead: what hangs over the edge of a datum does not turn it.

Beside the stiffness H the sums give the metric M: motion' M motion is the summed squared displacement of
the points.  The ratio of the two is the share of a motion that shows as deviation, 0 to 1, whatever the
part's size, place and units: what a fit can and cannot see.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from appliance.cad.records import TriangleMesh
from appliance.core.kernels import inline_kernel, kernel, over_chunks
from appliance.mesh.records import Feet

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]

#: Below this distance a point lies on its foot, and the face says where outside is.
ON_SURFACE_MM: Final = 1e-7

#: Sums of one label: H (21, upper), gradient (6), sum p (3), sum pp' (6), sum of squares, count.
_SUMS: Final = 38


class Nominal(Protocol):
    """What the sums need of a surface: ``Surface`` itself, or a sketch of it."""

    @property
    def mesh(self) -> TriangleMesh: ...
    @property
    def face_normals(self) -> Float64: ...
    def closest(self, points_mm: Float64) -> Feet: ...


@dataclass(frozen=True)
class Equations:
    """Sums over the points of each label: ``stiffness`` and ``metric`` (b, 6, 6), ``gradient`` (b, 6), ..."""

    stiffness: Float64
    gradient: Float64
    metric: Float64
    squares: Float64
    count: Float64

    def total(self) -> Equations:
        """One label for all, added in the order of the labels."""
        parts = (self.stiffness, self.gradient, self.metric, self.squares, self.count)
        return Equations(*(np.add.accumulate(part, axis=0)[-1:] for part in parts))


@inline_kernel
def _onto_segment(
    px: float, py: float, pz: float, ax: float, ay: float, az: float, bx: float, by: float, bz: float
) -> tuple[float, float, float, float]:
    """Foot of p on the segment a b, and the square of the distance."""
    ux, uy, uz = bx - ax, by - ay, bz - az
    length = ux * ux + uy * uy + uz * uz
    s = ((px - ax) * ux + (py - ay) * uy + (pz - az) * uz) / length if length > 0.0 else 0.0
    s = min(1.0, max(0.0, s))
    fx, fy, fz = ax + s * ux, ay + s * uy, az + s * uz
    return fx, fy, fz, (px - fx) ** 2 + (py - fy) ** 2 + (pz - fz) ** 2


@inline_kernel
def _inside(px: float, py: float, pz: float, a: Float64, b: Float64, nx: float, ny: float, nz: float) -> bool:
    """Does p lie on the inner side of the edge a b of a face with this normal?"""
    ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    qx, qy, qz = px - a[0], py - a[1], pz - a[2]
    turn: float = (uy * qz - uz * qy) * nx + (uz * qx - ux * qz) * ny + (ux * qy - uy * qx) * nz
    return turn >= 0.0


@inline_kernel
def _onto_edges(x: float, y: float, z: float, a: Float64, b: Float64, c: Float64) -> tuple[float, float, float, float]:
    """Foot on the nearest edge of a triangle, and the square of the distance."""
    fx, fy, fz, best = _onto_segment(x, y, z, a[0], a[1], a[2], b[0], b[1], b[2])
    gx, gy, gz, second = _onto_segment(x, y, z, b[0], b[1], b[2], c[0], c[1], c[2])
    if second < best:
        fx, fy, fz, best = gx, gy, gz, second
    gx, gy, gz, third = _onto_segment(x, y, z, c[0], c[1], c[2], a[0], a[1], a[2])
    if third < best:
        fx, fy, fz, best = gx, gy, gz, third
    return fx, fy, fz, best


@inline_kernel
def _above(x: float, y: float, z: float, a: Float64, b: Float64, c: Float64, normal: Float64) -> bool:
    """Does the foot on the triangle's plane lie within the triangle?"""
    nx, ny, nz = normal[0], normal[1], normal[2]
    return (
        _inside(x, y, z, a, b, nx, ny, nz) and _inside(x, y, z, b, c, nx, ny, nz) and _inside(x, y, z, c, a, nx, ny, nz)
    )


@inline_kernel
def _outward(
    x: float, y: float, z: float, distance: float, a: Float64, b: Float64, c: Float64, normal: Float64
) -> tuple[float, float, float]:
    """Unit direction in which the signed distance grows, at a point whose foot lies on triangle a b c."""
    fx, fy, fz, best = _onto_edges(x, y, z, a, b, c)
    length = np.sqrt(best)
    if length < ON_SURFACE_MM or _above(x, y, z, a, b, c, normal):
        return normal[0], normal[1], normal[2]
    if distance < 0.0:
        length = -length
    return (x - fx) / length, (y - fy) / length, (z - fz) / length


@kernel
def _measure(
    xyz: Float64, triangle: Int32, vertices: Float64, triangles: Int32, normals: Float64, distance: Float64
) -> None:
    for i in range(len(xyz)):
        t = triangle[i]
        a, b, c = vertices[triangles[t, 0]], vertices[triangles[t, 1]], vertices[triangles[t, 2]]
        x, y, z = xyz[i, 0], xyz[i, 1], xyz[i, 2]
        height = normals[t, 0] * (x - a[0]) + normals[t, 1] * (y - a[1]) + normals[t, 2] * (z - a[2])
        if not _above(x, y, z, a, b, c, normals[t]):
            away = np.sqrt(_onto_edges(x, y, z, a, b, c)[3])
            height = away if height >= 0.0 else -away
        distance[i] = height


def distances_to(mesh: TriangleMesh, normals: Float64, xyz: Float64, triangle: Int32) -> Float64:
    """Distance (n,), mm, of each point to its given triangle, with the sign of the triangle's side."""
    distance = np.empty(len(xyz))

    def work(start: int, stop: int) -> None:
        _measure(xyz[start:stop], triangle[start:stop], mesh.vertices_mm, mesh.triangles, normals, distance[start:stop])

    over_chunks(len(xyz), work)
    return distance


@kernel
def _sum(
    xyz: Float64,
    distance: Float64,
    triangle: Int32,
    label: Int32,
    vertices: Float64,
    triangles: Int32,
    normals: Float64,
    pivot: Float64,
    on_planes: bool,
    sums: Float64,
) -> None:
    row = np.empty(6)
    for i in range(len(xyz)):
        own = label[i]
        if own < 0:
            continue
        t = triangle[i]
        a, b, c = vertices[triangles[t, 0]], vertices[triangles[t, 1]], vertices[triangles[t, 2]]
        x, y, z = xyz[i, 0], xyz[i, 1], xyz[i, 2]
        residual = distance[i]
        if on_planes:
            nx, ny, nz = normals[t, 0], normals[t, 1], normals[t, 2]
            residual = nx * (x - a[0]) + ny * (y - a[1]) + nz * (z - a[2])
        else:
            nx, ny, nz = _outward(x, y, z, residual, a, b, c, normals[t])
        px, py, pz = x - pivot[0], y - pivot[1], z - pivot[2]
        row[0], row[1], row[2] = py * nz - pz * ny, pz * nx - px * nz, px * ny - py * nx
        row[3], row[4], row[5] = nx, ny, nz
        place = 0
        for j in range(6):
            for k in range(j, 6):
                sums[own, place] += row[j] * row[k]
                place += 1
            sums[own, 21 + j] += row[j] * residual
        sums[own, 27] += px
        sums[own, 28] += py
        sums[own, 29] += pz
        sums[own, 30] += px * px
        sums[own, 31] += px * py
        sums[own, 32] += px * pz
        sums[own, 33] += py * py
        sums[own, 34] += py * pz
        sums[own, 35] += pz * pz
        sums[own, 36] += residual * residual
        sums[own, 37] += 1.0


def normal_equations(
    surface: Nominal, xyz: Float64, feet: Feet, label: Int32, labels: int, pivot: Float64, *, on_planes: bool
) -> Equations:
    """Sums over points in the part frame, apart for each label 0 to ``labels`` - 1; label -1 is left out."""
    mesh = surface.mesh

    def part(start: int, stop: int) -> Float64:
        sums = np.zeros((labels, _SUMS))
        _sum(
            xyz[start:stop],
            feet.distance_mm[start:stop],
            feet.triangle[start:stop],
            label[start:stop],
            mesh.vertices_mm,
            mesh.triangles,
            surface.face_normals,
            pivot,
            on_planes,
            sums,
        )
        return sums

    sums = np.zeros((labels, _SUMS))
    for one in over_chunks(len(xyz), part):
        sums += one
    return _as_equations(sums)


def _as_equations(sums: Float64) -> Equations:
    upper = np.triu_indices(6)
    stiffness = np.zeros((len(sums), 6, 6))
    stiffness[:, upper[0], upper[1]] = sums[:, :21]
    stiffness[:, upper[1], upper[0]] = sums[:, :21]
    return Equations(stiffness, sums[:, 21:27].copy(), _metric(sums), sums[:, 36].copy(), sums[:, 37].copy())


def _metric(sums: Float64) -> Float64:
    """Summed squared displacement of the points as a quadratic form (b, 6, 6) of the motion."""
    x, y, z = sums[:, 27], sums[:, 28], sums[:, 29]
    xx, xy, xz, yy, yz, zz = (sums[:, 30 + k] for k in range(6))
    metric = np.zeros((len(sums), 6, 6))
    metric[:, 0, 0], metric[:, 1, 1], metric[:, 2, 2] = yy + zz, xx + zz, xx + yy
    metric[:, 0, 1], metric[:, 0, 2], metric[:, 1, 2] = -xy, -xz, -yz
    metric[:, 0, 4], metric[:, 0, 5] = -z, y
    metric[:, 1, 3], metric[:, 1, 5] = z, -x
    metric[:, 2, 3], metric[:, 2, 4] = -y, x
    metric = metric + np.transpose(np.triu(metric, 1), (0, 2, 1))
    for k in (3, 4, 5):
        metric[:, k, k] = sums[:, 37]
    return metric
