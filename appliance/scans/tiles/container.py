"""The container of a working set: bytes of the head, the index and the foot.

::

    head   magic 8 | version u16 | zeros 6
    tiles  columns of tile 0 | columns of tile 1 | ...            (no gaps)
    index  length of the description u32 | description (canonical JSON) | table of tiles
    foot   place of the index u64 | its length u64 | SHA-256 over head, index, place and length | magic 8

All numbers are little-endian.  The table holds the SHA-256 of each tile, so the foot's hash
vouches for every byte of the file, and a reader of one tile checks that tile alone.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.errors import InvalidInput
from appliance.scans.tiles.attributes import ATTRIBUTES
from appliance.scans.tiles.lattice import KEY_BITS, MAX_BITS, MAX_STEPS

MAGIC: Final = b"D2RT\r\n\x1a\n"
VERSION: Final = 1
HEAD: Final = struct.pack("<8sH6x", MAGIC, VERSION)
_FOOT: Final = struct.Struct("<QQ32s8s")
FOOT_BYTES: Final = _FOOT.size
_LENGTH: Final = struct.Struct("<I")


@dataclass(frozen=True)
class Index:
    """Where everything is.

    Attributes
    ----------
    origin_steps : the file's origin on the lattice of 10 um
    shift : bits of each axis that the keys leave to the rests
    cell_steps : edge of the cells of each level in steps, 0 for the last
    attributes : names, in the order of their columns
    tiles : one row of ``table_dtype`` a tile, by level, then Morton order
    """

    origin_steps: tuple[int, int, int]
    shift: int
    cell_steps: tuple[int, ...]
    attributes: tuple[str, ...]
    tiles: npt.NDArray[np.void]


def table_dtype(columns: int) -> np.dtype[np.void]:
    """A row of the table: ``lower`` and ``upper`` are steps from the origin, both inclusive."""
    return np.dtype(
        [
            ("level", "<u4"),
            ("count", "<u4"),
            ("offset", "<u8"),
            ("first_key", "<u8"),
            ("lower", "<u4", (3,)),
            ("upper", "<u4", (3,)),
            ("sha256", "u1", (32,)),
            ("sizes", "<u4", (columns,)),
        ]
    )


def column_count(shift: int, attributes: tuple[str, ...]) -> int:
    """Columns of a tile: gaps, rests where there are any, attributes."""
    return 1 + (shift > 0) + sum(ATTRIBUTES[name].columns for name in attributes)


def index_and_foot(index: Index, offset: int) -> bytes:
    """The end of a file whose tiles end at ``offset``."""
    description = canonical_bytes(
        {
            "attributes": list(index.attributes),
            "cell_steps": list(index.cell_steps),
            "origin_steps": list(index.origin_steps),
            "shift": index.shift,
            "tiles": len(index.tiles),
        }
    )
    body = _LENGTH.pack(len(description)) + description + index.tiles.tobytes()
    return body + _FOOT.pack(offset, len(body), _seal(body, offset), MAGIC)


def place_of_index(head: bytes, foot: bytes, size: int) -> tuple[int, int]:
    """Offset and length of the index in a file of ``size`` bytes.

    Raises
    ------
    InvalidInput : not a file of tiles, another version, or a file that was cut
    """
    if head[:8] != MAGIC:
        raise InvalidInput("tiles.format", "This is not a file of tiles.")
    if head != HEAD:
        raise InvalidInput("tiles.version", "This file of tiles has a version that is not known.", "Make it anew.")
    if len(foot) != FOOT_BYTES:
        raise _damaged("it ends too early")
    offset, length, _, magic = _FOOT.unpack(foot)
    if magic != MAGIC or offset < len(HEAD) or offset + length + FOOT_BYTES != size or length < _LENGTH.size:
        raise _damaged("its foot does not fit its length")
    return offset, length


def read_index(body: bytes, foot: bytes) -> Index:
    """The index, checked in this order.

    1. its hash is the one in the foot;
    2. its description has the fields of this version, within their ranges;
    3. the tiles lie in the file without gaps, and none is empty.

    Raises
    ------
    InvalidInput : one of these fails
    """
    # 1. hash
    offset, _, digest, _ = _FOOT.unpack(foot)
    if _seal(body, offset) != digest:
        raise _damaged("the hash of its index differs")
    # 2. description
    (length,) = _LENGTH.unpack_from(body)
    index = _described(loads_strict(body[_LENGTH.size : _LENGTH.size + length]), body[_LENGTH.size + length :])
    # 3. tiles
    sizes = index.tiles["sizes"].astype(np.uint64).sum(axis=1)
    ends = len(HEAD) + np.cumsum(sizes, dtype=np.uint64)
    starts = np.concatenate(([len(HEAD)], ends)).astype(np.uint64)
    if not np.array_equal(np.append(index.tiles["offset"], np.uint64(offset)), starts):
        raise _damaged("its tiles do not follow each other")
    if (index.tiles["count"] == 0).any() or (index.tiles["level"] >= max(len(index.cell_steps), 1)).any():
        raise _damaged("its table of tiles contradicts itself")
    return index


def _described(fields: Mapping[str, Any], table: bytes) -> Index:
    try:
        attributes = tuple(str(name) for name in fields["attributes"])
        x, y, z = (_whole(step, -int(MAX_STEPS), int(MAX_STEPS)) for step in fields["origin_steps"])
        shift = _whole(fields["shift"], 0, MAX_BITS - KEY_BITS)
        cells = tuple(_whole(cell, 0, 1 << MAX_BITS) for cell in fields["cell_steps"])
        dtype = table_dtype(column_count(shift, attributes))
        tiles = np.frombuffer(table, dtype)
        _whole(fields["tiles"], len(tiles), len(tiles))
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged("the description of its tiles is not valid") from error
    return Index((x, y, z), shift, cells, attributes, tiles)


def _whole(value: object, least: int, most: int) -> int:
    if not isinstance(value, int) or not least <= value <= most:
        raise ValueError(value)
    return value


def _seal(body: bytes, offset: int) -> bytes:
    return sha256(HEAD + body + struct.pack("<QQ", offset, len(body))).digest()


def _damaged(reason: str) -> InvalidInput:
    return InvalidInput("tiles.damaged", f"This file of tiles is damaged: {reason}.", "Make it anew from its scan.")
