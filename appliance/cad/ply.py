"""PLY as CAD: its vertices and polygons; further elements and properties are passed over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from appliance.cad.ply_elements import PlyBlock, element_blocks
from appliance.cad.polygons import split_polygons
from appliance.cad.raw import RawMesh, float32_resolution, no_faces
from appliance.core.files import unreadable
from appliance.errors import InvalidInput
from appliance.foreign.ply import read_header

#: Names that writers give to the list of a polygon's corners.
_CORNER_LISTS = ("vertex_indices", "vertex_index")


def parse_ply(path: Path) -> RawMesh:
    """Read the mesh of a PLY file.

    Raises
    ------
    InvalidInput : a broken file, vertices without x, y, z, or polygons over vertices that do not exist
    """
    try:
        with path.open("rb") as file:
            header = read_header(file)
            vertices, polygons = np.empty((0, 3)), (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
            single = False
            for element in header.elements:
                blocks = element_blocks(file, header, element)
                if element.name == "vertex":
                    vertices = np.concatenate([np.empty((0, 3)), *map(_points, blocks)])
                    single = bool(header.order) and element.kind_of("x") == "f4"
                elif element.name == "face":
                    polygons = _polygons(list(blocks))
                else:
                    for _ in blocks:
                        continue
    except OSError as error:
        raise unreadable(path, error) from error
    return _mesh(vertices, *polygons, single)


def _mesh(
    vertices: npt.NDArray[np.float64], corners: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64], single: bool
) -> RawMesh:
    if np.any(sizes < 3):
        raise InvalidInput("cad.ply.polygon", "A polygon of the PLY file has fewer than three corners.")
    if np.any((corners < 0) | (corners >= len(vertices))):
        message = f"A polygon names a vertex outside the {len(vertices)} of the file."
        raise InvalidInput("cad.ply.index", message)
    triangles, polygon, notes = split_polygons(vertices, corners, sizes)
    resolution = float32_resolution(vertices) if single else 0.0
    return RawMesh(vertices, triangles, no_faces(len(polygon)), resolution=resolution, notes=notes)


def _points(block: PlyBlock) -> npt.NDArray[np.float64]:
    try:
        return np.stack([block.columns[axis].astype(np.float64) for axis in "xyz"], axis=1)
    except KeyError as error:
        raise InvalidInput("cad.ply.coordinates", f"The vertices of the PLY file have no {error}.") from error


def _polygons(blocks: list[PlyBlock]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Corners of all polygons one after the other, and how many each has."""
    found = [block.lists[name] for block in blocks for name in _CORNER_LISTS if name in block.lists]
    if len(found) != len(blocks):
        raise InvalidInput("cad.ply.polygon", "The faces of the PLY file have no list of vertices.")
    corners = [values.astype(np.int64) for _, values in found]
    empty = np.empty(0, dtype=np.int64)
    return np.concatenate([empty, *corners]), np.concatenate([empty, *(sizes for sizes, _ in found)])
