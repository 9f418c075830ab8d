"""On which side of the surface a point lies, from its closest foot.

Inside a triangle the side is that of the plane.  On an edge or corner it is the side of the
pseudonormal: the sum of the adjoining normals, at a corner each weighted with its angle.  That sum
gives the same side whichever of the adjoining triangles was found, and on a closed mesh it is the
inside or outside of the body.  Source: Baerentzen & Aanaes 2005, doi:10.1109/TVCG.2005.49.

Near the rim of an open mesh the side is that of the triangles that are there, continued past the
rim.  A point on a pseudonormal's zero plane counts as outside: ties have one answer.
"""

from __future__ import annotations

from appliance.core.kernels import inline_kernel
from appliance.mesh.frames import CORNER, INSIDE, Floats, foot_on
from appliance.mesh.topology import BOUNDARY, Shape


@inline_kernel
def offset_from_foot(
    frames: Floats, t: int, px: float, py: float, pz: float, x: float, y: float
) -> tuple[float, float, float]:
    """The vector from the foot (x, y) in the plane of triangle ``t`` to the point."""
    dx = px - frames[t, 0] - x * frames[t, 3] - y * frames[t, 6]
    dy = py - frames[t, 1] - x * frames[t, 4] - y * frames[t, 7]
    dz = pz - frames[t, 2] - x * frames[t, 5] - y * frames[t, 8]
    return dx, dy, dz


@inline_kernel
def signed_distance(shape: Shape, t: int, px: float, py: float, pz: float) -> float:
    """Distance to triangle ``t``, the closest one, with the side of the surface as its sign."""
    frames, triangles, across = shape.frames, shape.triangles, shape.across
    edge_normals, corners = shape.edge_normals, shape.corner_normals
    place, x, y, height, distance = foot_on(frames, t, px, py, pz)
    if place == INSIDE:
        return height
    dx, dy, dz = offset_from_foot(frames, t, px, py, pz, x, y)
    if place >= CORNER:
        v = triangles[t, place - CORNER]
        side = dx * corners[v, 0] + dy * corners[v, 1] + dz * corners[v, 2]
    else:
        other = across[t, place - 1]
        if other < BOUNDARY:
            i = -2 - other
            side = dx * edge_normals[i, 0] + dy * edge_normals[i, 1] + dz * edge_normals[i, 2]
        else:
            side = dx * frames[t, 9] + dy * frames[t, 10] + dz * frames[t, 11]
            if other >= 0:
                side += dx * frames[other, 9] + dy * frames[other, 10] + dz * frames[other, 11]
    return -distance if side < 0.0 else distance
