"""How far triangles are from the exact surfaces that they stand for, measured where those are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from appliance.cad.glb import Body

Float64 = npt.NDArray[np.float64]


def largest_chord_mm(bodies: list[Body]) -> tuple[float, int]:
    """The largest distance from centroids and edge midpoints of triangles to their exact surface.

    Returns
    -------
    that distance in mm, and the number of faces whose surface is not one of plane, cylinder, cone,
    sphere and torus, which were not measured
    """
    largest, free = 0.0, 0
    for body in bodies:
        order = np.argsort(body.face, kind="stable")
        bounds = np.searchsorted(body.face[order], np.arange(len(body.surfaces) + 1))
        for index, surface in enumerate(body.surfaces):
            if surface is None or surface.get("type") not in _DISTANCES:
                free += 1
                continue
            rows = order[bounds[index] : bounds[index + 1]]
            if len(rows):
                distances = _DISTANCES[surface["type"]](_samples(body, rows), surface)
                largest = max(largest, float(np.abs(distances).max()) * 1000.0)
    return largest, free


def _samples(body: Body, rows: npt.NDArray[np.intp]) -> Float64:
    """Centroids and edge midpoints, in metres and in the body's own frame."""
    a, b, c = (body.vertices_mm[body.triangles[rows, corner]] / 1000.0 for corner in range(3))
    points = np.concatenate([(a + b) / 2.0, (b + c) / 2.0, (c + a) / 2.0, (a + b + c) / 3.0])
    inverse = np.linalg.inv(body.placement)
    return np.asarray(points @ inverse[:3, :3].T + inverse[:3, 3])


def _along_and_off(points: Float64, origin: list[float], axis: list[float]) -> tuple[Float64, Float64]:
    """Coordinate along an axis through ``origin``, and distance from that axis."""
    relative = points - np.array(origin)
    direction = np.array(axis) / np.linalg.norm(axis)
    along = relative @ direction
    return along, np.asarray(np.linalg.norm(relative - along[:, None] * direction, axis=1))


def _plane(points: Float64, surface: dict[str, Any]) -> Float64:
    return _along_and_off(points, surface["origin"], surface["normal"])[0]


def _cylinder(points: Float64, surface: dict[str, Any]) -> Float64:
    return _along_and_off(points, surface["origin"], surface["axis"])[1] - float(surface["radius"])


def _cone(points: Float64, surface: dict[str, Any]) -> Float64:
    along, off = _along_and_off(points, surface["apex"], surface["axis"])
    angle = surface["semi_angle"]
    return np.asarray(off * np.cos(angle) - np.abs(along) * np.abs(np.sin(angle)))


def _sphere(points: Float64, surface: dict[str, Any]) -> Float64:
    return np.asarray(np.linalg.norm(points - np.array(surface["center"]), axis=1) - surface["radius"])


def _torus(points: Float64, surface: dict[str, Any]) -> Float64:
    along, off = _along_and_off(points, surface["center"], surface["axis"])
    return np.asarray(np.hypot(off - surface["major_radius"], along) - surface["minor_radius"])


_DISTANCES = {"plane": _plane, "cylinder": _cylinder, "cone": _cone, "sphere": _sphere, "torus": _torus}
