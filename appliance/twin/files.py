"""How fields and skins lie in the object store: plain little-endian arrays, so that a comparison reads them at once.

A field is a head of 24 bytes (format, number of cells), the means (int32, nm) and the uncertainties (float32, mm).  A
skin is a head of JSON, which says where each array begins, and the arrays; those that a summary needs stand first.
Encode and decode stand together, and their content hash is the same for equal content.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.errors import Modified
from appliance.twin.records import Skin, TwinField

_FIELD: Final = b"d2r-twin-field/1"
_HEAD: Final = struct.Struct("<16sQ")
_SKIN: Final = "d2r-twin-skin/1"
_LENGTH: Final = struct.Struct("<I")
#: Arrays of a skin in the order of the file, and how they are stored.
_ARRAYS: Final = {
    "area_mm2": "<f4", "zones": "<u1", "anchor_mm": "<f4", "normal": "<f4", "vertices_mm": "<f4", "triangles": "<i4",
    "cell_of_facet": "<i4",
}  # fmt: skip

#: Reads ``length`` bytes from ``start`` on of an object; to its end where the length is None.
ReadRange = Callable[[int, int | None], bytes]


def encode_field(field: TwinField) -> bytes:
    """The bytes of a field."""
    head = _HEAD.pack(_FIELD, len(field))
    return head + field.mean_nm.astype("<i4").tobytes() + field.u_mm.astype("<f4").tobytes()


def decode_field(data: bytes) -> TwinField:
    """The field whose bytes these are.

    Raises
    ------
    Modified : they are none
    """
    cells = _cells(data)
    if len(data) != _HEAD.size + 8 * cells:
        raise _broken()
    mean = np.frombuffer(data, "<i4", cells, _HEAD.size)
    return TwinField(mean, np.frombuffer(data, "<f4", cells, _HEAD.size + 4 * cells))


def read_means(read: ReadRange, cells: int) -> npt.NDArray[np.int32]:
    """The means of a field of that many cells alone, int32 (c,), nm: half of its bytes."""
    data = read(0, _HEAD.size + 4 * cells)
    if _cells(data) != cells or len(data) != _HEAD.size + 4 * cells:
        raise _broken()
    return np.frombuffer(data, "<i4", cells, _HEAD.size)


def encode_skin(skin: Skin) -> bytes:
    """The bytes of a skin."""
    names = sorted(skin.zones)
    zones = np.packbits(np.array([skin.zones[name] for name in names]).reshape(len(names), len(skin.area_mm2)), axis=1)
    arrays = {name: zones if name == "zones" else getattr(skin, name) for name in _ARRAYS}
    shapes = {name: list(array.shape) for name, array in arrays.items()}
    head = canonical_bytes({"format": _SKIN, "cell_mm": repr(skin.cell_mm), "zones": names, "shapes": shapes})
    return b"".join(
        [_LENGTH.pack(len(head)), head, *(array.astype(_ARRAYS[name]).tobytes() for name, array in arrays.items())]
    )


def decode_skin(read: ReadRange, *, whole: bool = True) -> Skin:
    """The skin that ``read`` reads; without ``whole`` areas and zones alone, the other arrays are empty.

    Raises
    ------
    Modified : it is none
    """
    first = read(0, 4096)
    length = _LENGTH.unpack_from(first)[0] if len(first) >= _LENGTH.size else 0
    start = _LENGTH.size + length
    head = first[_LENGTH.size : start] if len(first) >= start else read(_LENGTH.size, length)
    known = loads_strict(head) if head else {}
    if known.get("format") != _SKIN:
        raise _broken()
    wanted = list(_ARRAYS) if whole else ["area_mm2", "zones"]
    arrays = _arrays(read(start, None if whole else _bytes_of(known, wanted)), known, wanted)
    cells = known["shapes"]["area_mm2"][0]
    bits = np.unpackbits(arrays.pop("zones"), axis=1, count=cells).astype(np.bool_)
    missing = {name: np.zeros(0, _ARRAYS[name]) for name in _ARRAYS if name not in wanted}
    return Skin(float(known["cell_mm"]), zones=dict(zip(known["zones"], bits, strict=True)), **arrays, **missing)


def _arrays(data: bytes, head: dict[str, Any], wanted: list[str]) -> dict[str, npt.NDArray[Any]]:
    if len(data) != _bytes_of(head, wanted):
        raise _broken()
    arrays, place = {}, 0
    for name in wanted:
        shape = head["shapes"][name]
        arrays[name] = np.frombuffer(data, _ARRAYS[name], int(np.prod(shape)), place).reshape(shape)
        place += arrays[name].nbytes
    return arrays


def _bytes_of(head: dict[str, Any], names: list[str]) -> int:
    return sum(int(np.prod(head["shapes"][name])) * np.dtype(_ARRAYS[name]).itemsize for name in names)


def _cells(data: bytes) -> int:
    if len(data) < _HEAD.size:
        raise _broken()
    name, cells = _HEAD.unpack_from(data)
    if name != _FIELD:
        raise _broken()
    return int(cells)


def _broken() -> Modified:
    return Modified("twin.object", "A stored field or skin of the twin is none.")
