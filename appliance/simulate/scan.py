"""Simulated scans of a part with known truth: stations, occlusion, incidence, range noise, strays.

The true surface is the nominal mesh displaced along its normals by ``displacement``.  Each station
sees what faces it within ``GREATEST_INCIDENCE_DEG`` and what nothing hides (a depth map in the
station's own directions); the range of each point carries Gaussian noise along the ray.  Everything
is drawn from one seed, so a scan is the same wherever it is made.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.cad.records import TriangleMesh

Float64 = npt.NDArray[np.float64]
#: ``displacement(points_mm (n, 3), triangle (n,)) -> (n,)`` mm along the outward normal.
Displacement = Callable[[Float64, npt.NDArray[np.int32]], Float64]

#: Beyond this angle between ray and normal a scanner returns nothing that is worth keeping.
GREATEST_INCIDENCE_DEG: Final = 72.0
#: Candidates drawn per point wanted: surfaces turned away and hidden ones are lost.
_CANDIDATES_PER_POINT: Final = 2.6
#: A stray lies at least this far outside the part's box, mm.
_STRAY_DISTANCE_MM: Final = 5.0
#: Width of a pixel of the depth map in mean candidate spacings: no pixel of a visible surface is empty.
_PIXEL_IN_SPACINGS: Final = 2.5


@dataclass(frozen=True)
class StationSetup:
    """Where a scanner stands, part frame, mm."""

    name: str
    position_mm: tuple[float, float, float]


@dataclass(frozen=True)
class StationPoints:
    """What a station measured: ``points_mm`` float64 (n, 3) and ``normals`` of the truth, part frame."""

    setup: StationSetup
    points_mm: Float64
    incidence_cosine: npt.NDArray[np.float32]


def no_displacement(points_mm: Float64, triangle: npt.NDArray[np.int32]) -> Float64:
    """The nominal part itself."""
    return np.zeros(len(points_mm))


def simulate_scan(
    mesh: TriangleMesh,
    stations: Sequence[StationSetup],
    points: int,
    *,
    noise_mm: float,
    seed: int,
    displacement: Displacement = no_displacement,
    strays: int = 0,
    seen: npt.NDArray[np.bool_] | None = None,
) -> list[StationPoints]:
    """Scan a part from several stations.

    Parameters
    ----------
    points : wanted in total; a station that sees less of the part returns fewer
    strays : isolated false points in total, in the air around the part
    seen : bool (t,), triangles that the scanner returns at all (False: glossy, masked, covered)
    """
    generator = np.random.Generator(np.random.Philox(seed))
    per_station = -(-points // len(stations))
    found = []
    for setup in stations:
        surface, normals, triangle = _candidates(mesh, int(per_station * _CANDIDATES_PER_POINT), generator)
        surface = surface + displacement(surface, triangle)[:, None] * normals
        cosine = _incidence_cosine(surface, normals, setup)
        returned = cosine > math.cos(math.radians(GREATEST_INCIDENCE_DEG))
        spacing_mm = math.sqrt(float(_areas_mm2(mesh).sum()) / len(surface))
        visible = returned & _unhidden(surface, setup, spacing_mm)
        if seen is not None:
            visible &= seen[triangle]
        chosen = _thinned(np.flatnonzero(visible), per_station, generator)
        measured = _with_range_noise(surface[chosen], setup, noise_mm, generator)
        measured = np.concatenate([measured, _strays(mesh, strays // len(stations), generator)])
        brightness = np.concatenate([cosine[chosen], np.full(strays // len(stations), 0.1)])
        found.append(StationPoints(setup, measured, brightness.astype(np.float32)))
    return found


def sample_surface(
    mesh: TriangleMesh, count: int, generator: np.random.Generator
) -> tuple[Float64, npt.NDArray[np.int32]]:
    """Points evenly spread over the surface, in the order of their triangles.

    Returns
    -------
    points_mm (count, 3) and their triangles (count,); each triangle gets its share by area
    """
    areas = _areas_mm2(mesh)
    upto = np.floor(np.cumsum(areas) * (count / areas.sum()) + generator.random()).astype(np.int64)
    upto[-1] = count
    triangle = np.repeat(np.arange(len(areas), dtype=np.int32), np.diff(upto, prepend=0))
    root, share = np.sqrt(generator.random(count)), generator.random(count)
    weights = np.stack([1.0 - root, root * (1.0 - share), root * share], axis=1)
    corners = mesh.vertices_mm[mesh.triangles[triangle]]
    return np.einsum("ij,ijk->ik", weights, corners), triangle


def _thinned(places: npt.NDArray[np.int64], wanted: int, generator: np.random.Generator) -> npt.NDArray[np.int64]:
    if len(places) <= wanted:
        return places
    return places[np.sort(generator.choice(len(places), wanted, replace=False, shuffle=False))]


def _candidates(
    mesh: TriangleMesh, count: int, generator: np.random.Generator
) -> tuple[Float64, Float64, npt.NDArray[np.int32]]:
    points, triangle = sample_surface(mesh, count, generator)
    corners = mesh.vertices_mm[mesh.triangles[triangle]]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-300)
    return points, normals, triangle


def _areas_mm2(mesh: TriangleMesh) -> Float64:
    a, b, c = (mesh.vertices_mm[mesh.triangles[:, k]] for k in range(3))
    areas: Float64 = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)
    return areas


def _incidence_cosine(points: Float64, normals: Float64, setup: StationSetup) -> Float64:
    ray = np.asarray(setup.position_mm) - points
    cosine: Float64 = np.einsum("ij,ij->i", normals, ray) / np.linalg.norm(ray, axis=1)
    return cosine


def _unhidden(points: Float64, setup: StationSetup, spacing_mm: float) -> npt.NDArray[np.bool_]:
    """Points that nothing nearer hides, by a depth map over the station's directions."""
    ray = points - np.asarray(setup.position_mm)
    depth = np.linalg.norm(ray, axis=1)
    axis = ray.mean(axis=0) / np.linalg.norm(ray.mean(axis=0))
    across = np.cross(axis, [0.0, 0.0, 1.0] if abs(axis[2]) < 0.9 else [1.0, 0.0, 0.0])
    across /= np.linalg.norm(across)
    upward = np.cross(across, axis)
    forward = ray @ axis
    pixel = _PIXEL_IN_SPACINGS * spacing_mm / float(forward.mean())
    column = np.floor((ray @ across) / forward / pixel).astype(np.int64)
    row = np.floor((ray @ upward) / forward / pixel).astype(np.int64)
    column -= column.min()
    row -= row.min()
    place = row * (int(column.max()) + 1) + column
    nearest = np.full(int(place.max()) + 1, np.inf)
    np.minimum.at(nearest, place, depth)
    slack = 3.0 * _PIXEL_IN_SPACINGS * spacing_mm
    return np.asarray(depth <= nearest[place] + slack)


def _with_range_noise(points: Float64, setup: StationSetup, noise_mm: float, generator: np.random.Generator) -> Float64:
    ray = points - np.asarray(setup.position_mm)
    ray /= np.linalg.norm(ray, axis=1, keepdims=True)
    return np.asarray(points + ray * generator.normal(0.0, noise_mm, len(points))[:, None])


def _strays(mesh: TriangleMesh, count: int, generator: np.random.Generator) -> Float64:
    """Points in the air: within twice the part's box and at least ``_STRAY_DISTANCE_MM`` outside it."""
    lower, upper = mesh.vertices_mm.min(axis=0), mesh.vertices_mm.max(axis=0)
    middle, half = 0.5 * (lower + upper), 0.5 * (upper - lower)
    away = generator.uniform(-2.0, 2.0, (count * 4 + 64, 3)) * half
    outside = (np.abs(away) > half + _STRAY_DISTANCE_MM).any(axis=1)
    return np.asarray(middle + away[outside][:count])
