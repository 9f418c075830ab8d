"""The nominal as the fit knows it: exact surface, light sketch, body, and the probes by which poses are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from appliance.alignment.shape import Probes, Shape, probes_of, shape_of
from appliance.alignment.sketch import Sketch, sketch_of
from appliance.cad.records import Zone
from appliance.mesh.surface import Surface


@dataclass(frozen=True)
class Part:
    """All that a fit asks of its nominal."""

    surface: Surface
    sketch: Sketch
    shape: Shape
    probes: Probes


def part_of(surface: Surface, zones: Mapping[str, Zone]) -> Part:
    """Everything that is derived from the surface and its zones, once."""
    mesh = surface.mesh
    return Part(surface, sketch_of(surface), shape_of(mesh), probes_of(mesh, surface.face_normals, zones))
