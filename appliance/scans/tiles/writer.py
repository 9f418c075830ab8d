"""Points in memory to a file of tiles: whole or absent, the same bytes for the same points.

Memory beside the caller's arrays (contiguous ones; others are copied): 24 bytes a point while keys
are sorted, and the bytes of the tiles in flight.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from appliance.core.files import whole_file
from appliance.core.kernels import over_chunks
from appliance.errors import InvalidInput
from appliance.scans.tiles import codec, container
from appliance.scans.tiles.attributes import ATTRIBUTES, checked_attributes
from appliance.scans.tiles.container import HEAD, Index
from appliance.scans.tiles.lattice import (
    KEY_BITS,
    Float64,
    Frame,
    UInt32,
    UInt64,
    box_of_keys,
    frame_of_points,
    keys_of_points,
    rests_of_points,
)
from appliance.scans.tiles.levels import cut_tiles, split_levels
from appliance.scans.tiles.ordering import sort_keys
from appliance.scans.tiles.records import TileSummary
from appliance.scans.tiles.summary import summary_of

#: Tiles that are encoded before they are written: bounds the bytes in flight to some 60 MB.
_BATCH_TILES: Final = 64
#: Shares of the progress: ordering the points, encoding the tiles.
_ORDERED: Final = 0.3


@dataclass(frozen=True)
class _Plan:
    """Which point is stored where: tiles are ranges of ``keys`` and ``index``."""

    frame: Frame
    keys: UInt64
    index: UInt32
    cell_steps: tuple[int, ...]
    tiles: list[tuple[int, int, int]]


def write_tiles(
    path: Path,
    xyz_mm: Float64,
    attributes: Mapping[str, npt.NDArray[Any]],
    *,
    progress: Callable[[float], None] | None = None,
) -> TileSummary:
    """Write the working set of a scan to ``path``.

    Parameters
    ----------
    xyz_mm : float64 (n, 3), mm, file frame; kept to 5 um on each axis
    attributes : any of ``deviation_mm``, ``intensity``, ``rgb``, ``station`` (attributes.py)
    progress : receives the fraction done

    Raises
    ------
    InvalidInput : a coordinate that is not finite, an extent beyond 21.4 km, an attribute of
        another type or length, 2^32 points or more
    Unavailable : the disk is full or the folder is not writable
    """
    tell = progress or (lambda _: None)
    _check_points(xyz_mm)
    chosen = checked_attributes(attributes, len(xyz_mm))
    points = np.ascontiguousarray(xyz_mm)
    plan = _plan(points)
    tell(_ORDERED)
    names = tuple(chosen)
    table = np.zeros(len(plan.tiles), container.table_dtype(container.column_count(plan.frame.shift, names)))
    offset = len(HEAD)
    with whole_file(path) as file:
        file.write(HEAD)
        for first in range(0, len(plan.tiles), _BATCH_TILES):
            batch = plan.tiles[first : first + _BATCH_TILES]
            encoded = over_chunks(
                len(batch),
                lambda a, _, first=first: _encode(points, chosen, plan, first + a, table),  # type: ignore[misc]
                chunk=1,
            )
            for number, columns in enumerate(encoded, first):
                table[number]["offset"] = offset
                offset += file.write(b"".join(columns))
            tell(1 - (1 - _ORDERED) * (1 - (first + len(batch)) / len(plan.tiles)))
        index = Index(plan.frame.origin_steps, plan.frame.shift, plan.cell_steps, names, table)
        size = offset + file.write(container.index_and_foot(index, offset))
    tell(1.0)
    return summary_of(index, size)


def _check_points(xyz_mm: Float64) -> None:
    if xyz_mm.dtype != np.float64 or xyz_mm.ndim != 2 or xyz_mm.shape[1] != 3:
        raise InvalidInput("tiles.points", f"Points are {xyz_mm.dtype} {xyz_mm.shape}, not float64 (n, 3).")
    if len(xyz_mm) >= 2**32:
        raise InvalidInput("tiles.points", "A working set holds fewer than 2^32 points.", "Split the scan.")


def _plan(xyz_mm: Float64) -> _Plan:
    """Sort the points along the Morton curve, deal them into levels and cut these into tiles."""
    frame = frame_of_points(xyz_mm)
    depths = min(frame.bits, KEY_BITS)
    keys = keys_of_points(xyz_mm, frame)
    index = np.arange(len(keys), dtype=np.uint32)
    spare_keys, spare_index = np.empty_like(keys), np.empty_like(index)
    sort_keys(keys, index, 3 * depths, spare_keys, spare_index)
    cells, edges = split_levels(keys, index, depths, spare_keys, spare_index)
    tiles = [
        (level, int(edges[level]) + start, int(edges[level]) + stop)
        for level in range(len(cells))
        for start, stop in cut_tiles(spare_keys[edges[level] : edges[level + 1]], depths)
    ]
    steps = tuple(0 if depth < 0 else 1 << (frame.bits - depth) for depth in cells)
    return _Plan(frame, spare_keys, spare_index, steps, tiles)


def _encode(
    xyz_mm: Float64, attributes: Mapping[str, npt.NDArray[Any]], plan: _Plan, number: int, table: npt.NDArray[np.void]
) -> list[bytes]:
    """The columns of one tile; its row of the table, but for the offset, is filled in."""
    level, start, stop = plan.tiles[number]
    keys, index = plan.keys[start:stop], plan.index[start:stop]
    rests = rests_of_points(xyz_mm, index, plan.frame)
    columns = [codec.encode_gaps(np.diff(keys, prepend=keys[:1]))]
    if plan.frame.shift:
        columns.append(codec.encode_values(rests))
    for name, values in attributes.items():
        columns += [codec.encode_values(column) for column in ATTRIBUTES[name].split(values, index)]
    digest = sha256()
    for column in columns:
        digest.update(column)
    row = table[number]
    row["level"], row["count"], row["first_key"] = level, stop - start, keys[0]
    row["lower"], row["upper"] = box_of_keys(keys, rests, plan.frame)
    row["sha256"] = np.frombuffer(digest.digest(), np.uint8)
    row["sizes"] = [len(column) for column in columns]
    return columns
