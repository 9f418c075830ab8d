"""The nominal as a body: its centre, its axes, its size, and probes on each zone that tell two poses apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.cad.records import TriangleMesh, Zone
from appliance.core.kernels import kernel

Float64 = npt.NDArray[np.float64]

#: Triangles of a zone at whose corners two poses are compared.
PROBED_TRIANGLES: Final = 700


@dataclass(frozen=True)
class Shape:
    """Area-weighted ``centre_mm`` (3,), ``axes`` (3, 3) as columns (a rotation), ``radius_mm`` RMS, ``area_mm2``;
    ``extent_mm`` (3,), the length of the part along each axis."""

    centre_mm: Float64
    axes: Float64
    radius_mm: float
    area_mm2: float
    extent_mm: Float64


def shape_of(mesh: TriangleMesh) -> Shape:
    """Moments of the surface, each triangle taken exactly.

    Source: for a triangle with corners a, b, c and centroid g, the mean of x x' is (aa' + bb' + cc' + 9 gg') / 12.
    """
    corners = mesh.vertices_mm[mesh.triangles]
    area = 0.5 * np.sqrt(np.square(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])).sum(axis=1))
    total = float(area.sum())
    middle = corners.mean(axis=1)
    centre = (area[:, None] * middle).sum(axis=0) / total
    corners = corners - centre
    middle = middle - centre
    second = np.einsum("t,tka,tkb->ab", area, corners, corners) + 9.0 * np.einsum("t,ta,tb->ab", area, middle, middle)
    values, axes = np.linalg.eigh(second / (12.0 * total))
    if np.linalg.det(axes) < 0.0:
        axes[:, 0] = -axes[:, 0]
    along = mesh.vertices_mm @ axes
    extent = along.max(axis=0) - along.min(axis=0)
    return Shape(centre, axes, float(np.sqrt(values.sum())), total, extent)


@dataclass(frozen=True)
class Probes:
    """Points on the zones where poses are compared: ``points`` and ``normals`` float64 (p, 3), part frame."""

    points: Float64
    normals: Float64


def probes_of(mesh: TriangleMesh, face_normals: Float64, zones: Mapping[str, Zone]) -> Probes:
    """Corners of an even choice of each zone's triangles, drawn into the zone's box where it has one."""
    everything = Zone("all", np.arange(len(mesh.triangles), dtype=np.int32))
    points, normals = [], []
    for zone in (everything, *(zones[name] for name in sorted(zones))):
        count = len(zone.triangles)
        if count == 0:
            continue
        chosen = zone.triangles[np.unique(np.linspace(0, count - 1, min(count, PROBED_TRIANGLES)).astype(np.int64))]
        corners = mesh.vertices_mm[mesh.triangles[chosen]].reshape(-1, 3)
        if zone.box is not None:
            corners = np.clip(corners, zone.box.lower_mm, zone.box.upper_mm)
        points.append(corners)
        normals.append(np.repeat(face_normals[chosen], 3, axis=0))
    return Probes(np.concatenate(points), np.concatenate(normals))


def shifts_mm(probes: Probes, motion: Float64) -> tuple[float, float]:
    """Largest shift along the normals and along the surface, mm, under a motion (4, 4) of the part frame."""
    return _largest_shifts(probes.points, probes.normals, np.ascontiguousarray(motion), np.inf, np.inf)


def is_beyond(probes: Probes, motion: Float64, normal_mm: float, tangential_mm: float) -> bool:
    """Does any probe shift by more than ``normal_mm`` along its normal, or ``tangential_mm`` along the surface?"""
    along, across = _largest_shifts(
        probes.points, probes.normals, np.ascontiguousarray(motion), normal_mm, tangential_mm
    )
    return along > normal_mm or across > tangential_mm


@kernel
def _largest_shifts(
    points: Float64, normals: Float64, motion: Float64, enough_along: float, enough_across: float
) -> tuple[float, float]:
    """The largest shifts, or the first ones that are beyond what is enough."""
    along_most = across_most = 0.0
    moved = np.empty(3)
    for p in range(len(points)):
        along = total = 0.0
        for k in range(3):
            moved[k] = motion[k, 3] - points[p, k]
            for j in range(3):
                moved[k] += motion[k, j] * points[p, j]
            along += moved[k] * normals[p, k]
            total += moved[k] * moved[k]
        along_most = max(along_most, abs(along))
        across_most = max(across_most, total - along * along)
        if along_most > enough_along or across_most > enough_across * enough_across:
            break
    return along_most, np.sqrt(across_most)
