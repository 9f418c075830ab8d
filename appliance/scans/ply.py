"""Points of a PLY file: the vertices of a cloud or of a mesh; faces are not read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from appliance.core.files import unreadable
from appliance.core.units import mm_per_unit
from appliance.foreign.ply import read_header, vertex_blocks, vertex_element
from appliance.foreign.sink import Sink
from appliance.scans.collector import Collector
from appliance.scans.fields import Columns


def parse(path: Path, options: Mapping[str, Any], sink: Sink) -> dict[str, Any]:
    """Read all vertices with their colours, normals and intensity.

    Raises
    ------
    InvalidInput : header or rows are broken, or there is no finite vertex
    """
    unit = options.get("unit") or "mm"
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            header = read_header(file)
            count = vertex_element(header).count
            points = Collector(sink, mm_per_unit(unit), min(count, size))
            columns = Columns(points)
            points.begin_station(path.stem)
            for block in vertex_blocks(file, header, size):
                columns.add(block)
                sink.progress(points.record_count / count)
    except OSError as error:
        raise unreadable(path, error) from error
    return points.summary("PLY", {"unit": unit})
