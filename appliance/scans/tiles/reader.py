"""Reading a working set: by level of detail, by box, tile by tile; only what is touched is read.

Every tile is checked against its hash before it is decoded.  A ``TileFile`` may be used from
several threads, but not from within work that runs on the kernels' pool (it uses that pool).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from appliance.core.files import unreadable
from appliance.core.kernels import over_chunks
from appliance.errors import InvalidInput
from appliance.scans.tiles import codec, container
from appliance.scans.tiles.attributes import ATTRIBUTES
from appliance.scans.tiles.lattice import KEY_BITS, STEPS_PER_MM, Float64, Frame, UInt32, coordinates_of_keys
from appliance.scans.tiles.records import TileLevel, TileSummary, Triple
from appliance.scans.tiles.summary import summary_of

Array = npt.NDArray[Any]
Columns = dict[str, Array]
Box = tuple[Sequence[float], Sequence[float]]
_NO_RESTS: UInt32 = np.empty(0, np.uint32)


@dataclass(frozen=True)
class _Request:
    """Which tiles are read, which attributes, and the box that points must lie in."""

    tiles: npt.NDArray[np.int64]
    attributes: tuple[str, ...]
    lower: Float64
    upper: Float64
    inside: npt.NDArray[np.bool_]


class TileFile:
    """An open working set."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        size = os.fstat(descriptor).st_size
        head = self._bytes(0, len(container.HEAD))
        foot = self._bytes(max(0, size - container.FOOT_BYTES), container.FOOT_BYTES)
        offset, length = container.place_of_index(head, foot, size)
        self._index = container.read_index(self._bytes(offset, length), foot)
        self._frame = Frame(self._index.origin_steps, KEY_BITS + self._index.shift)
        self.info: TileSummary = summary_of(self._index, size)

    @classmethod
    def open(cls, path: Path) -> TileFile:
        """Open ``path``; head, index and foot are checked, tiles when they are read.

        Raises
        ------
        InvalidInput : unreadable, not a file of tiles, or damaged
        """
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise unreadable(path, error) from error
        try:
            return cls(path, descriptor)
        except BaseException:
            os.close(descriptor)
            raise

    def close(self) -> None:
        """Give the file back; closing twice is allowed."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> TileFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def bounds(self) -> tuple[Triple, Triple] | None:
        """Least and greatest coordinates, mm; None for an empty cloud."""
        return self.info.bounds_mm

    @property
    def levels(self) -> tuple[TileLevel, ...]:
        """The levels of detail, coarsest first."""
        return self.info.levels

    def points(
        self,
        box: Box | None = None,
        *,
        max_level: int | None = None,
        spacing_mm: float | None = None,
        attributes: Sequence[str] | None = None,
    ) -> Columns:
        """The points in a box, down to a level of detail.

        Parameters
        ----------
        box : lower and upper corner, mm, both inclusive; exact on the quantised coordinates
        max_level : the last level that is read (0: the coarsest only); all by default
        spacing_mm : instead of a level: the coarsest level whose cells are no wider than this
        attributes : names to read; all by default, ``()`` for none

        Returns
        -------
        ``xyz_mm`` float64 (m, 3) and one array an attribute, in the order of the file.

        Raises
        ------
        InvalidInput : a tile is damaged (the message names it), or an argument is not valid
        """
        request = self._request(box, self._last_level(max_level, spacing_mm), attributes)
        counts = self._index.tiles["count"][request.tiles].astype(np.int64)
        starts = np.concatenate(([0], np.cumsum(counts)))
        out = _empty(int(starts[-1]), request.attributes)

        def read(position: int, _: int) -> int:
            room = slice(starts[position], starts[position + 1])
            return self._read(request, position, {name: values[room] for name, values in out.items()})

        kept = over_chunks(len(request.tiles), read, chunk=1)
        return _closed_up(out, starts, kept)

    def iter_tiles(
        self, box: Box | None = None, *, max_level: int | None = None, attributes: Sequence[str] | None = None
    ) -> Iterator[Columns]:
        """The same points as ``points``, one tile after the other, in bounded memory."""
        request = self._request(box, self._last_level(max_level, None), attributes)
        for position in range(len(request.tiles)):
            out = _empty(int(self._index.tiles["count"][request.tiles[position]]), request.attributes)
            kept = self._read(request, position, out)
            yield {name: values[:kept] for name, values in out.items()}

    def verify(self) -> None:
        """Check the hash of every tile, without decoding.

        Raises
        ------
        InvalidInput : a tile is damaged; the message names the first
        """
        over_chunks(len(self._index.tiles), lambda number, _: self._payload(number), chunk=1)

    def _last_level(self, max_level: int | None, spacing_mm: float | None) -> int:
        last = len(self.levels) - 1
        if max_level is not None and spacing_mm is not None:
            raise InvalidInput("tiles.query", "Give a level or a spacing, not both.")
        if max_level is not None:
            if max_level < 0:
                raise InvalidInput("tiles.query", f"Level {max_level} does not exist.", "The coarsest is 0.")
            return min(max_level, last)
        if spacing_mm is not None:
            if not spacing_mm >= 0:
                raise InvalidInput("tiles.query", f"{spacing_mm} mm is not a spacing.")
            return next((i for i, level in enumerate(self.levels) if level.spacing_mm <= spacing_mm), last)
        return last

    def _request(self, box: Box | None, last_level: int, attributes: Sequence[str] | None) -> _Request:
        names = self._index.attributes if attributes is None else tuple(attributes)
        for name in names:
            if name not in self._index.attributes:
                raise InvalidInput("tiles.query", f"This file holds no attribute '{name}'.")
        lower, upper = _corners(box)
        table = self._index.tiles
        origin = np.array(self._index.origin_steps, np.int64)
        least, greatest = (origin + table["lower"]) / STEPS_PER_MM, (origin + table["upper"]) / STEPS_PER_MM
        touched = (table["level"] <= last_level) & (least <= upper).all(axis=1) & (greatest >= lower).all(axis=1)
        tiles = np.flatnonzero(touched)
        inside = ((least >= lower).all(axis=1) & (greatest <= upper).all(axis=1))[tiles]
        return _Request(tiles, names, lower, upper, inside)

    def _read(self, request: _Request, position: int, out: Columns) -> int:
        """Fill ``out`` with the wanted columns of one tile, cut to the box; how many points remain."""
        number = int(request.tiles[position])
        try:
            self._decode(number, out)
        except InvalidInput as error:
            if error.code == "tiles.damaged":
                raise
            raise self._damaged(number, error.message) from error
        xyz = out["xyz_mm"]
        if request.inside[position]:
            return len(xyz)
        keep = np.flatnonzero(((xyz >= request.lower) & (xyz <= request.upper)).all(axis=1))
        for values in out.values():
            values[: len(keep)] = values[keep]
        return len(keep)

    def _decode(self, number: int, out: Columns) -> None:
        row = self._index.tiles[number]
        count = int(row["count"])
        parts = _parts(self._payload(number), row["sizes"])
        gaps = codec.decode_column(next(parts), count, "<u8")
        rests = codec.decode_column(next(parts), count, "<u4") if self._frame.shift else _NO_RESTS
        coordinates_of_keys(gaps, int(row["first_key"]), rests, self._frame, out["xyz_mm"])
        for name in self._index.attributes:
            form = ATTRIBUTES[name]
            raw = [next(parts) for _ in range(form.columns)]
            if name in out:
                form.join([codec.decode_column(column, count, *form.stored) for column in raw], out[name])

    def _payload(self, number: int) -> bytes:
        row = self._index.tiles[number]
        data = self._bytes(int(row["offset"]), int(row["sizes"].sum(dtype=np.int64)))
        if sha256(data).digest() != row["sha256"].tobytes():
            raise self._damaged(number, "its hash differs")
        return data

    def _bytes(self, offset: int, length: int) -> bytes:
        try:
            return os.pread(self._descriptor, length, offset)
        except OSError as error:
            raise unreadable(self._path, error) from error

    def _damaged(self, number: int, reason: str) -> InvalidInput:
        return InvalidInput(
            "tiles.damaged", f"{self._path.name}: tile {number} is damaged: {reason}", "Make it anew from its scan."
        )


def _parts(data: bytes, sizes: Array) -> Iterator[bytes]:
    start = 0
    for size in sizes.tolist():
        yield data[start : start + size]
        start += size


def _corners(box: Box | None) -> tuple[Float64, Float64]:
    if box is None:
        return np.full(3, -np.inf), np.full(3, np.inf)
    lower, upper = np.asarray(box[0], np.float64), np.asarray(box[1], np.float64)
    if lower.shape != (3,) or upper.shape != (3,) or not (lower <= upper).all():
        raise InvalidInput("tiles.query", "A box is a lower and an upper corner of three numbers each.")
    return lower, upper


def _empty(count: int, names: Sequence[str]) -> Columns:
    out: Columns = {"xyz_mm": np.empty((count, 3))}
    for name in names:
        form = ATTRIBUTES[name]
        out[name] = np.empty(form.shape(count), form.out_dtype)
    return out


def _closed_up(out: Columns, starts: Array, kept: list[int]) -> Columns:
    """Close the gaps that the box has left behind each tile."""
    total = sum(kept)
    if total == starts[-1]:
        return out
    place = 0
    for start, count in zip(starts[:-1].tolist(), kept, strict=True):
        for values in out.values():
            values[place : place + count] = values[start : start + count]
        place += count
    return {name: values[:total].copy() for name, values in out.items()}
