"""Pictures as files that any viewer opens: PLY, and binary glTF (GLB 2.0).

Every facet has three corners of its own, so that each cell has one colour and no blend with its neighbours.  PLY is in
millimetres, with the value as CloudCompare's scalar field; its comments hold the legend.  glTF is in metres and with y
upwards, as that format demands: the node turns and scales the part frame.  Colours there are linear, values stand in
the attribute ``_VALUE``, the legend in ``asset.extras``.

Memory: about 120 bytes a facet.

Source: Khronos, glTF 2.0 specification, 3.7.2 (attributes) and 4 (GLB); KHR_materials_unlit.
"""

from __future__ import annotations

import json
import struct
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from appliance.twin.facets import corners_of_skin
from appliance.twin.pictures import Picture

_FLOAT: Final = 5126
_USHORT: Final = 5123
_ARRAY_BUFFER: Final = 34962
#: Part frame (mm, z upwards) to the frame of glTF (m, y upwards), column by column.
_TURNED: Final = [0.001, 0, 0, 0, 0, 0, -0.001, 0, 0, 0.001, 0, 0, 0, 0, 0, 1]


def ply_of(picture: Picture) -> bytes:
    """A picture as binary PLY: triangles with colours and values."""
    corners = corners_of_skin(picture.skin).astype("<f4").reshape(-1, 3)
    place = [(axis, "<f4") for axis in "xyz"] + [(colour, "u1") for colour in ("red", "green", "blue")]
    vertices = np.empty(len(corners), np.dtype([*place, ("value", "<f4")]))
    colours = np.repeat(picture.facet_colours, 3, axis=0)
    for number, axis in enumerate("xyz"):
        vertices[axis] = corners[:, number]
    for number, colour in enumerate(("red", "green", "blue")):
        vertices[colour] = colours[:, number]
    vertices["value"] = np.repeat(picture.facet_values, 3)
    faces = np.empty(len(corners) // 3, np.dtype([("count", "u1"), ("corner", "<i4", (3,))]))
    faces["count"], faces["corner"] = 3, np.arange(len(corners)).reshape(-1, 3)
    return _ply_head(picture, len(vertices), len(faces)) + vertices.tobytes() + faces.tobytes()


def glb_of(picture: Picture) -> bytes:
    """A picture as binary glTF."""
    corners = corners_of_skin(picture.skin).astype("<f4").reshape(-1, 3)
    values = np.repeat(picture.facet_values, 3).astype("<f4")
    # glTF has no NaN: a cell without a value keeps its grey, and the value 0 with the flag 0 beside it
    known = ~np.isnan(values)
    arrays: dict[str, npt.NDArray[Any]] = {
        "POSITION": corners, "COLOR_0": np.repeat(_linear(picture.facet_colours), 3, axis=0),
        "_VALUE": np.where(known, values, 0).astype("<f4"), "_KNOWN": known.astype("<f4"),
    }  # fmt: skip
    binary = b"".join(array.tobytes() for array in arrays.values())
    text = json.dumps(_document(picture, arrays, len(binary)), separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    size = 12 + 8 + len(text) + 8 + len(binary)
    head = struct.pack("<4sII", b"glTF", 2, size) + struct.pack("<I4s", len(text), b"JSON")
    return head + text + struct.pack("<I4s", len(binary), b"BIN\0") + binary


def _document(picture: Picture, arrays: dict[str, npt.NDArray[Any]], size: int) -> dict[str, Any]:
    views: list[dict[str, Any]] = []
    accessors: list[dict[str, Any]] = []
    place = 0
    for array in arrays.values():
        views.append({"buffer": 0, "byteOffset": place, "byteLength": array.nbytes, "target": _ARRAY_BUFFER})
        accessors.append(_accessor(array, len(accessors)))
        place += array.nbytes
    corners = arrays["POSITION"]
    accessors[0] |= {"min": corners.min(axis=0).tolist(), "max": corners.max(axis=0).tolist()}
    attributes = {name: number for number, name in enumerate(arrays)}
    return {
        "asset": {"version": "2.0", "generator": "D2R Appliance", "extras": picture.legend},
        "extensionsUsed": ["KHR_materials_unlit"], "scene": 0, "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "matrix": _TURNED, "name": picture.title}],
        "meshes": [{"primitives": [{"attributes": attributes, "material": 0}], "name": picture.title}],
        "materials": [{
            "extensions": {"KHR_materials_unlit": {}}, "doubleSided": True,
            "pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 1.0},
        }],
        "buffers": [{"byteLength": size}], "bufferViews": views, "accessors": accessors,
    }  # fmt: skip


def _accessor(array: npt.NDArray[Any], view: int) -> dict[str, Any]:
    kind = {1: "SCALAR", 3: "VEC3", 4: "VEC4"}[array.shape[1] if array.ndim == 2 else 1]
    colour = array.dtype == np.uint16
    known = {"bufferView": view, "componentType": _USHORT if colour else _FLOAT, "count": len(array), "type": kind}
    return known | {"normalized": True} if colour else known


def _linear(srgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint16]:
    """sRGB bytes (f, 3) to linear RGBA, uint16 (f, 4) (IEC 61966-2-1)."""
    share = np.arange(256) / 255.0
    table = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    linear = np.full((len(srgb), 4), 65535, "<u2")
    linear[:, :3] = np.rint(table * 65535).astype("<u2")[srgb]
    return linear


def _ply_head(picture: Picture, vertices: int, faces: int) -> bytes:
    said = [f"comment {name}: {json.dumps(value)}" for name, value in picture.legend.items()]
    lines = ["ply", "format binary_little_endian 1.0", "comment lengths in mm, part frame", *said]
    lines += [f"element vertex {vertices}", *(f"property float {axis}" for axis in "xyz")]
    lines += [f"property uchar {colour}" for colour in ("red", "green", "blue")]
    lines += [f"property float scalar_{picture.unit.replace('/', '_per_')}"]
    lines += [f"element face {faces}", "property list uchar int vertex_indices", "end_header", ""]
    return "\n".join(lines).encode("ascii")
