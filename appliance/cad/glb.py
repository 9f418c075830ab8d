"""Binary glTF as the STEP converter writes it: triangles, their B-rep faces and exact surfaces."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from appliance.core.canonical import loads_strict
from appliance.errors import InvalidInput

Float64 = npt.NDArray[np.float64]

_MM_PER_METRE: Final = 1000.0
_TRIANGLES: Final = 4
_COMPONENTS: Final = {5121: "<u1", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS: Final = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}


@dataclass(frozen=True)
class Body:
    """One body of a STEP file, placed.

    ``vertices_mm`` float64 (v, 3); ``triangles`` int32 (t, 3); ``face`` int32 (t,), index into ``surfaces``;
    ``surfaces`` holds the exact surface of each face in metres and in the body's own frame, or None;
    ``placement`` float64 (4, 4) takes that frame, in metres, to the part frame.
    """

    vertices_mm: Float64
    triangles: npt.NDArray[np.int32]
    face: npt.NDArray[np.int32]
    surfaces: list[dict[str, Any] | None]
    placement: Float64


def read_bodies(data: bytes) -> list[Body]:
    """All bodies of a converted file, each with the placement of its assembly applied.

    Raises
    ------
    InvalidInput : the converter produced nothing that can be read
    """
    try:
        document, binary = _chunks(data)
        return [
            _body(document, binary, primitive, placement)
            for mesh, placement in _placed_meshes(document)
            for primitive in document["meshes"][mesh]["primitives"]
            if primitive.get("mode", _TRIANGLES) == _TRIANGLES and "indices" in primitive
        ]
    except (KeyError, IndexError, ValueError, TypeError, struct.error, RecursionError) as error:
        raise InvalidInput("cad.step.converted", "The STEP file could not be turned into triangles.") from error


def _chunks(data: bytes) -> tuple[dict[str, Any], bytes]:
    magic, _, _, length, kind = struct.unpack_from("<4sIII4s", data)
    if magic != b"glTF" or kind != b"JSON":
        raise ValueError("not a binary glTF")
    document = loads_strict(data[20 : 20 + length])
    return document, data[20 + length + 8 :]


def _placed_meshes(document: dict[str, Any]) -> Iterator[tuple[int, Float64]]:
    nodes = document.get("nodes", [])
    scenes = document.get("scenes", [])
    stack = [(node, np.eye(4)) for scene in scenes for node in reversed(scene.get("nodes", []))]
    while stack:
        index, above = stack.pop()
        node = nodes[index]
        placement = above @ _local(node)
        if "mesh" in node:
            yield node["mesh"], placement
        stack.extend((child, placement) for child in reversed(node.get("children", [])))


def _local(node: dict[str, Any]) -> Float64:
    if "matrix" in node:
        return np.array(node["matrix"], dtype=np.float64).reshape(4, 4).T
    matrix = np.eye(4)
    scale = np.array(node.get("scale", (1.0, 1.0, 1.0)))
    matrix[:3, :3] = _rotation(node.get("rotation", (0.0, 0.0, 0.0, 1.0))) * scale
    matrix[:3, 3] = node.get("translation", (0.0, 0.0, 0.0))
    return matrix


def _rotation(quaternion: tuple[float, float, float, float]) -> Float64:
    x, y, z, w = np.array(quaternion, dtype=np.float64) / np.linalg.norm(quaternion)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def _body(document: dict[str, Any], binary: bytes, primitive: dict[str, Any], placement: Float64) -> Body:
    positions = _accessor(document, binary, primitive["attributes"]["POSITION"]).astype(np.float64)
    triangles = _accessor(document, binary, primitive["indices"]).reshape(-1, 3).astype(np.int32)
    brep = primitive.get("extensions", {}).get("TM_brep_faces", {})
    face = np.full(len(triangles), -1, dtype=np.int32)
    if "faceIndices" in brep:
        face = _accessor(document, binary, brep["faceIndices"]).astype(np.int32)
    if len(face) != len(triangles) or triangles.max(initial=0) >= max(len(positions), 1):
        raise ValueError("indices and arrays disagree")
    placed = positions if np.array_equal(placement, np.eye(4)) else positions @ placement[:3, :3].T + placement[:3, 3]
    return Body(placed * _MM_PER_METRE, triangles, face, list(brep.get("faces", [])), placement)


def _accessor(document: dict[str, Any], binary: bytes, index: int) -> npt.NDArray[Any]:
    accessor = document["accessors"][index]
    view = document["bufferViews"][accessor["bufferView"]]
    width = _WIDTHS[accessor["type"]]
    kind = np.dtype(_COMPONENTS[accessor["componentType"]])
    if view.get("byteStride", width * kind.itemsize) != width * kind.itemsize:
        raise ValueError("interleaved arrays")
    start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    values = np.frombuffer(binary, dtype=kind, count=accessor["count"] * width, offset=start)
    return values.reshape(-1, width) if width > 1 else values
