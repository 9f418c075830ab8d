"""Writing a simulated part: binary STL with a zone file beside it, as a CAD department would hand it over."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from appliance.core.files import write_whole
from appliance.simulate.part import SimulatedPart

_RECORD: Final = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


def write_part(folder: Path, name: str, part: SimulatedPart) -> Path:
    """Write ``name.stl`` (mm) and ``name.zones.toml`` into ``folder``; returns the path of the STL."""
    corners = part.mesh.vertices_mm[part.mesh.triangles]
    records = np.zeros(len(corners), _RECORD)
    records["corners"] = corners
    header = f"{name}, millimetres".encode().ljust(80, b" ")
    path = folder / f"{name}.stl"
    write_whole(path, header + np.uint32(len(records)).tobytes() + records.tobytes())
    write_whole(folder / f"{name}.zones.toml", _zone_file(part).encode())
    return path


def _zone_file(part: SimulatedPart) -> str:
    """Zones as ranges of triangles; those of a simulated part follow one another."""
    lines = ["version = 1", ""]
    for name, triangles in part.zones.items():
        first, last = int(triangles[0]), int(triangles[-1])
        assert last - first + 1 == len(triangles), "the triangles of a zone follow one another"
        lines += [f"[zones.{name}]", f"triangles = [[{first}, {last}]]", ""]
    return "\n".join(lines)
