"""Writing simulated scans as E57: one data set a station, each in its scanner's frame with its pose.

Coordinates are scaled integers of one micrometre, as metrological scanners write them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from appliance.simulate.scan import StationPoints

Float64 = npt.NDArray[np.float64]

#: Step of a coordinate in the file, metres.
STEP_M: Final = 1e-6
_BLOCK_POINTS: Final = 1 << 18


def write_e57(path: Path, stations: Sequence[StationPoints], file_from_part: Float64) -> None:
    """Write the stations into one E57.

    Parameters
    ----------
    file_from_part : 4x4, mm: where the part lay in the room while it was scanned
    """
    import pye57

    path.unlink(missing_ok=True)
    file = pye57.E57(str(path), mode="w")
    try:
        for station in stations:
            _write_station(file, station, file_from_part)
    finally:
        file.close()


def _write_station(file: Any, station: StationPoints, file_from_part: Float64) -> None:
    from pye57 import libe57

    image = file.image_file
    room_mm = station.points_mm @ file_from_part[:3, :3].T + file_from_part[:3, 3]
    position_mm = file_from_part[:3, :3] @ np.asarray(station.setup.position_mm) + file_from_part[:3, 3]
    room_from_scanner = _facing(room_mm.mean(axis=0) - position_mm)
    own_m = (room_mm - position_mm) @ room_from_scanner / 1000.0
    node = libe57.StructureNode(image)
    node.set("guid", libe57.StringNode(image, f"{{{station.setup.name}-{len(own_m)}}}"))
    node.set("name", libe57.StringNode(image, station.setup.name))
    node.set("pose", _pose(image, room_from_scanner, position_mm / 1000.0))
    prototype = libe57.StructureNode(image)
    for axis, name in enumerate(("cartesianX", "cartesianY", "cartesianZ")):
        low, high = np.round(np.array([own_m[:, axis].min(), own_m[:, axis].max()]) / STEP_M).astype(int)
        prototype.set(name, libe57.ScaledIntegerNode(image, int(low), int(low), int(high), STEP_M, 0.0))
    prototype.set("intensity", libe57.FloatNode(image, 0.0, libe57.E57_SINGLE, 0.0, 1.0))
    points = libe57.CompressedVectorNode(image, prototype, libe57.VectorNode(image, True))
    node.set("points", points)
    file.data3d.append(node)
    _write_points(image, points, own_m, station.incidence_cosine)


def _write_points(image: Any, points: Any, own_m: Float64, intensity: npt.NDArray[np.float32]) -> None:
    from pye57 import libe57

    size = min(_BLOCK_POINTS, len(own_m))
    columns = {name: np.zeros(size) for name in ("cartesianX", "cartesianY", "cartesianZ", "intensity")}
    buffers = libe57.VectorSourceDestBuffer()
    for name, column in columns.items():
        buffers.append(libe57.SourceDestBuffer(image, name, column, size, True, True))
    writer = points.writer(buffers)
    for start in range(0, len(own_m), size):
        block = own_m[start : start + size]
        for axis, name in enumerate(("cartesianX", "cartesianY", "cartesianZ")):
            columns[name][: len(block)] = np.round(block[:, axis] / STEP_M) * STEP_M
        columns["intensity"][: len(block)] = intensity[start : start + size]
        writer.write(len(block))
    writer.close()


def _pose(image: Any, rotation: Float64, translation_m: Float64) -> Any:
    from pye57 import libe57

    x, y, z, w = Rotation.from_matrix(rotation).as_quat()
    pose = libe57.StructureNode(image)
    turn, shift = libe57.StructureNode(image), libe57.StructureNode(image)
    for name, value in zip("wxyz", (w, x, y, z), strict=True):
        turn.set(name, libe57.FloatNode(image, float(value)))
    for name, value in zip("xyz", translation_m, strict=True):
        shift.set(name, libe57.FloatNode(image, float(value)))
    pose.set("rotation", turn)
    pose.set("translation", shift)
    return pose


def _facing(direction: Float64) -> Float64:
    """A rotation (3, 3) whose x axis points along ``direction``: a scanner looks at its part."""
    x = direction / np.linalg.norm(direction)
    y = np.cross([0.0, 0.0, 1.0] if abs(x[2]) < 0.9 else [0.0, 1.0, 0.0], x)
    y /= np.linalg.norm(y)
    return np.stack([x, y, np.cross(x, y)], axis=1)
