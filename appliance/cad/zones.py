"""Zones."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from appliance.cad.records import CadModel, Zone
from appliance.cad.topology import Topology

ALL = "all"


def all_zones(
    model: CadModel, zone_faces: dict[str, list[int]], edges: Topology, zone_file: Path | None
) -> dict[str, Zone]:
    """``all``, and the zones that the names in the CAD file make."""
    zones = {ALL: Zone(ALL, np.arange(len(model.mesh.triangles), dtype=np.int32))}
    for name, faces in zone_faces.items():
        if name not in zones:
            zones[name] = Zone(name, np.flatnonzero(np.isin(model.mesh.face_of_triangle, faces)).astype(np.int32))
    return zones
