"""What the sandbox calls, one function a format: ``function(path, options, sink) -> summary``.

These run in the child, on files of strangers.  They hand arrays to the sink and the rest as JSON;
``appliance.cad.formats`` puts both together again, and believes neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from appliance.cad.obj import parse_obj
from appliance.cad.ply import parse_ply
from appliance.cad.raw import RawMesh
from appliance.cad.stl import parse_stl
from appliance.foreign.sink import Sink


def stl(path: Path, options: Mapping[str, Any], sink: Sink) -> dict[str, Any]:
    """Parse STL."""
    return _deliver(parse_stl(path), sink)


def ply(path: Path, options: Mapping[str, Any], sink: Sink) -> dict[str, Any]:
    """Parse PLY."""
    return _deliver(parse_ply(path), sink)


def obj(path: Path, options: Mapping[str, Any], sink: Sink) -> dict[str, Any]:
    """Parse OBJ."""
    return _deliver(parse_obj(path), sink)


def step(path: Path, options: Mapping[str, Any], sink: Sink) -> dict[str, Any]:
    """Parse STEP; option ``chord_mm`` (0.02 where not given)."""
    from appliance.cad.step import parse_step

    return _deliver(parse_step(path, float(options.get("chord_mm", 0.02))), sink)


def _deliver(raw: RawMesh, sink: Sink) -> dict[str, Any]:
    sink.append("vertices", np.ascontiguousarray(raw.vertices, dtype=np.float64))
    sink.append("triangles", np.ascontiguousarray(raw.triangles, dtype=np.int32))
    sink.append("faces", np.ascontiguousarray(raw.face_of_triangle, dtype=np.int32))
    sink.progress(1.0)
    return {
        "face_names": sorted(raw.face_names.items()),
        "zone_faces": list(raw.zone_faces.items()),
        "unit": raw.unit,
        "resolution": raw.resolution if np.isfinite(raw.resolution) else 0.0,
        "chord_mm": raw.chord_mm,
        "notes": list(raw.notes),
        "gaps": list(raw.gaps),
    }
