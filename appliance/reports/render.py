"""Views of the deviation field: an orthographic z-buffer of our own, the same bits on every machine.

Each sample of the picture knows its triangle and its point on the surface, so the colour is the
field at that very point and never an interpolation of colours.  Four samples make a pixel.
Surface without points is light grey with stripes; creases and outlines are drawn as thin lines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.cad.records import TriangleMesh
from appliance.core.kernels import inline_kernel, kernel
from appliance.inspections.records import FieldLookup
from appliance.reports.camera import Camera

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
UInt8 = npt.NDArray[np.uint8]

#: ``colours(deviation_mm (n,)) -> uint8 (n, 3)``; NaN never reaches it.
ColourMap = Callable[[Float64], UInt8]

#: Samples along one side of a pixel.
_SAMPLES: Final = 2
#: Faces that meet at less than this angle look like one smooth surface (cosine of 32 degrees).
_SMOOTH_COSINE: Final = 0.848
#: Neighbouring samples whose normals differ by more than this angle form a crease (cosine of 28 degrees).
_CREASE_COSINE: Final = 0.883
#: Neighbouring samples whose depths differ by more than this share of the picture's width form a step.
_STEP_SHARE: Final = 0.02
#: Uncovered surface: two greys in diagonal stripes, and the width of a stripe in samples.
_UNCOVERED: Final = np.array([[226, 229, 233], [196, 201, 208]], dtype=np.float64)
_STRIPE_SAMPLES: Final = 15
#: The line colour of creases and outlines, and how much of it covers the surface.
_LINE: Final = np.array([27.0, 36.0, 48.0])
_LINE_WEIGHT: Final = 0.55


@dataclass(frozen=True)
class Surface:
    """A mesh with what smooth shading needs, made once for all views.

    ``face_normal`` float64 (t, 3) unit, zero for a triangle without area; ``face_area`` (t,);
    the triangles around vertex v are ``fan[fan_start[v]:fan_start[v + 1]]``, in rising order.
    """

    mesh: TriangleMesh
    face_normal: Float64
    face_area: Float64
    fan_start: npt.NDArray[np.int64]
    fan: Int32

    @classmethod
    def of(cls, mesh: TriangleMesh) -> Surface:
        """The surface of ``mesh``."""
        a, b, c = (mesh.vertices_mm[mesh.triangles[:, corner]] for corner in range(3))
        normal = np.cross(b - a, c - a)
        length = np.sqrt(np.einsum("ij,ij->i", normal, normal))
        normal /= np.where(length > 0, length, 1.0)[:, None]
        corners = mesh.triangles.ravel()
        start = np.zeros(len(mesh.vertices_mm) + 1, dtype=np.int64)
        np.cumsum(np.bincount(corners, minlength=len(mesh.vertices_mm)), out=start[1:])
        fan = (np.argsort(corners, kind="stable") // 3).astype(np.int32)
        return cls(mesh, normal, length / 2, start, fan)


@dataclass(frozen=True)
class Visible:
    """What each sample of a view sees.

    ``triangle`` int32 (h, w), -1 for the background; ``point_mm`` float64 (k, 3) and ``normal``
    float64 (k, 3) for the samples that see the part, in row order; ``depth_mm`` float64 (h, w).
    """

    triangle: Int32
    depth_mm: Float64
    point_mm: Float64
    normal: Float64


def render(
    surface: Surface, camera: Camera, field_at: FieldLookup, colours: ColourMap, width: int, height: int
) -> UInt8:
    """The part seen by ``camera``, coloured by its deviation field: uint8 (height, width, 3) on white."""
    seen = visible(surface, camera, width * _SAMPLES, height * _SAMPLES)
    deviation = field_at(seen.point_mm, seen.triangle[seen.triangle >= 0])
    known = np.isfinite(deviation)
    colour = np.zeros((len(deviation), 3), dtype=np.uint8)
    colour[known] = colours(deviation[known])
    light = _light(seen.normal, _lights(camera))
    lines = _lines(seen.triangle, seen.depth_mm, seen.normal, _STEP_SHARE * camera.extent_mm, _CREASE_COSINE)
    pixels = np.full((height, width, 3), 255, dtype=np.uint8)
    _paint(seen.triangle, known, colour, light, lines, _UNCOVERED, _LINE, pixels)
    return pixels


def visible(surface: Surface, camera: Camera, width: int, height: int) -> Visible:
    """The nearest triangle, point and normal under the centre of every sample."""
    vertices, triangles = surface.mesh.vertices_mm, surface.mesh.triangles
    triangle, depth = _z_buffer(camera.to_screen(vertices, width, height), triangles, width, height)
    rows, columns = np.nonzero(triangle >= 0)
    point = camera.to_part(rows, columns, depth[rows, columns], width, height)
    fans = (surface.face_normal, surface.face_area, surface.fan_start, surface.fan)
    normal = _normals(vertices, triangles, *fans, triangle[rows, columns], point, _SMOOTH_COSINE)
    return Visible(triangle, depth, point, normal)


def warm_up() -> None:
    """Compile and cache the kernels with the types that production uses."""
    vertices = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    mesh = TriangleMesh(vertices, np.array([[0, 1, 2]], dtype=np.int32), np.zeros(1, dtype=np.int32))
    camera = Camera.around(vertices, (0.3, 0.2, 1.0), 1.0)
    render(Surface.of(mesh), camera, lambda p, _: p[:, 0], lambda d: np.zeros((len(d), 3), np.uint8), 8, 8)


def _lights(camera: Camera) -> Float64:
    """Towards the viewer, a soft light from above the left shoulder, a weaker one from the right: (3, 3)."""
    right, up, towards = camera.right, camera.up, -camera.forward
    key = -0.36 * right + 0.41 * up + 0.84 * towards
    fill = 0.70 * right - 0.20 * up + 0.69 * towards
    return np.stack((towards, key, fill))


@kernel
def _light(normal: Float64, lights: Float64) -> Float64:
    """How bright surfaces with ``normal`` (k, 3) are: (k,), 0.64 to 1."""
    light = np.empty(len(normal))
    facing = np.empty(3)
    for i in range(len(normal)):
        for way in range(3):
            facing[way] = 0.0
            for axis in range(3):
                facing[way] += normal[i, axis] * lights[way, axis]
        sign = -1.0 if facing[0] < 0.0 else 1.0
        key, fill = min(max(sign * facing[1], 0.0), 1.0), min(max(sign * facing[2], 0.0), 1.0)
        light[i] = min(0.64 + 0.32 * key + 0.10 * fill, 1.0)
    return light


@kernel
def _lines(
    triangle: Int32, depth: Float64, normal: Float64, step_mm: float, crease_cosine: float
) -> npt.NDArray[np.bool_]:
    """Samples (h, w) of the part at an outline, a step in depth or a crease; ``normal`` as in ``Visible``."""
    height, width = triangle.shape
    lines = np.zeros((height, width), dtype=np.bool_)
    above = np.zeros(width, dtype=np.int64)
    k = 0
    for row in range(height):
        left = 0
        for column in range(width):
            here = triangle[row, column] >= 0
            for way in range(2):
                i, j = (row - 1, column) if way == 0 else (row, column - 1)
                if i < 0 or j < 0:
                    continue
                there = triangle[i, j] >= 0
                if here != there:
                    lines[row, column], lines[i, j] = lines[row, column] or here, lines[i, j] or there
                elif here:
                    other = above[column] if way == 0 else left
                    dot = 0.0
                    for axis in range(3):
                        dot += normal[k, axis] * normal[other, axis]
                    if dot < crease_cosine or abs(depth[row, column] - depth[i, j]) > step_mm:
                        lines[row, column] = lines[i, j] = True
            if here:
                above[column] = left = k
                k += 1
    return lines


@kernel
def _paint(
    triangle: Int32, known: npt.NDArray[np.bool_], colour: UInt8, light: Float64, lines: npt.NDArray[np.bool_],
    uncovered: Float64, line: Float64, pixels: UInt8,
) -> None:  # fmt: skip
    """Fill ``pixels`` (h, w, 3) with the mean of their samples; the background stays as it is."""
    height, width, _ = pixels.shape
    sums = np.empty((width, 3))
    share = 1.0 / (_SAMPLES * _SAMPLES)
    k = 0
    for row in range(height):
        sums[:] = 0.0
        for i in range(_SAMPLES * row, _SAMPLES * (row + 1)):
            for j in range(_SAMPLES * width):
                at = j // _SAMPLES
                for channel in range(3):
                    value = 255.0
                    if triangle[i, j] >= 0:
                        if known[k]:
                            value = colour[k, channel] * light[k]
                        else:
                            value = uncovered[((i + j) // _STRIPE_SAMPLES) % 2, channel] * light[k]
                        if lines[i, j]:
                            value = value * (1.0 - _LINE_WEIGHT) + line[channel] * _LINE_WEIGHT
                    sums[at, channel] += value
                k += triangle[i, j] >= 0
        for at in range(width):
            for channel in range(3):
                pixels[row, at, channel] = np.uint8(min(max(np.rint(sums[at, channel] * share), 0.0), 255.0))


@kernel
def _z_buffer(screen: Float64, triangles: Int32, width: int, height: int) -> tuple[Int32, Float64]:
    """Nearest triangle and depth per sample; on a tie the lower triangle number wins."""
    seen = np.full((height, width), -1, dtype=np.int32)
    depth = np.full((height, width), np.inf)
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, bx, by, cx, cy = screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1], screen[c, 0], screen[c, 1]
        doubled = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if doubled == 0.0:
            continue
        first_column = max(0, int(np.ceil(min(ax, bx, cx) - 0.5)))
        last_column = min(width - 1, int(np.floor(max(ax, bx, cx) - 0.5)))
        first_row = max(0, int(np.ceil(min(ay, by, cy) - 0.5)))
        last_row = min(height - 1, int(np.floor(max(ay, by, cy) - 0.5)))
        for row in range(first_row, last_row + 1):
            y = row + 0.5
            for column in range(first_column, last_column + 1):
                x = column + 0.5
                wa = ((bx - x) * (cy - y) - (by - y) * (cx - x)) / doubled
                wb = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) / doubled
                wc = 1.0 - wa - wb
                if wa < 0.0 or wb < 0.0 or wc < -1e-12:
                    continue
                z = wa * screen[a, 2] + wb * screen[b, 2] + wc * screen[c, 2]
                if z < depth[row, column]:
                    depth[row, column] = z
                    seen[row, column] = t
    return seen, depth


@inline_kernel
def _weights(vertices: Float64, a: int, b: int, c: int, point: Float64) -> tuple[float, float]:
    """Barycentric weights of ``b`` and ``c`` at a point of the triangle, 0 and 0 where it has no area."""
    uu = uv = vv = pu = pv = 0.0
    for axis in range(3):
        origin = vertices[a, axis]
        u, v, p = vertices[b, axis] - origin, vertices[c, axis] - origin, point[axis] - origin
        uu += u * u
        uv += u * v
        vv += v * v
        pu += p * u
        pv += p * v
    determinant = uu * vv - uv * uv
    if determinant <= 0.0:
        return 0.0, 0.0
    return (vv * pu - uv * pv) / determinant, (uu * pv - uv * pu) / determinant


@inline_kernel
def _corner_normal(
    vertex: int,
    triangle: int,
    face_normal: Float64,
    face_area: Float64,
    fan_start: npt.NDArray[np.int64],
    fan: Int32,
    smooth_cosine: float,
    out: Float64,
) -> None:
    """Mean normal of the faces around ``vertex`` that continue ``triangle`` smoothly, by area, into ``out``."""
    nx, ny, nz = face_normal[triangle, 0], face_normal[triangle, 1], face_normal[triangle, 2]
    x = y = z = 0.0
    for position in range(fan_start[vertex], fan_start[vertex + 1]):
        other = fan[position]
        ox, oy, oz = face_normal[other, 0], face_normal[other, 1], face_normal[other, 2]
        if nx * ox + ny * oy + nz * oz > smooth_cosine:
            x += face_area[other] * ox
            y += face_area[other] * oy
            z += face_area[other] * oz
    size = np.sqrt(x * x + y * y + z * z)
    if size > 0.0:
        out[0], out[1], out[2] = x / size, y / size, z / size
    else:
        out[0], out[1], out[2] = nx, ny, nz


@kernel
def _normals(
    vertices: Float64,
    triangles: Int32,
    face_normal: Float64,
    face_area: Float64,
    fan_start: npt.NDArray[np.int64],
    fan: Int32,
    seen: Int32,
    points: Float64,
    smooth_cosine: float,
) -> Float64:
    """Normals at surface points, smooth across edges that are not creases: float64 (k, 3)."""
    corner = np.zeros((3, 3))
    known = -1
    normals = np.empty((seen.shape[0], 3))
    for i in range(seen.shape[0]):
        t = seen[i]
        if t != known:
            known = t
            for k in range(3):
                _corner_normal(triangles[t, k], t, face_normal, face_area, fan_start, fan, smooth_cosine, corner[k])
        wb, wc = _weights(vertices, triangles[t, 0], triangles[t, 1], triangles[t, 2], points[i])
        x = (1.0 - wb - wc) * corner[0, 0] + wb * corner[1, 0] + wc * corner[2, 0]
        y = (1.0 - wb - wc) * corner[0, 1] + wb * corner[1, 1] + wc * corner[2, 1]
        z = (1.0 - wb - wc) * corner[0, 2] + wb * corner[1, 2] + wc * corner[2, 2]
        size = np.sqrt(x * x + y * y + z * z)
        if size > 0.0:
            normals[i, 0], normals[i, 1], normals[i, 2] = x / size, y / size, z / size
        else:
            normals[i, 0], normals[i, 1], normals[i, 2] = face_normal[t, 0], face_normal[t, 1], face_normal[t, 2]
    return normals
