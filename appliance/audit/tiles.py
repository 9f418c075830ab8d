"""Tiles of a log (C2SP tlog-tiles): the tree cut into immutable files of 256 hashes, for static hosting.

    checkpoint
    tile/<L>/<N>[.p/<W>]            W hashes of the tree's level 8 L, from number 256 N on
    tile/entries/<N>[.p/<W>]        the entries below tile 0/N, each with its length in 16 bits in front

N is written in groups of three digits, all but the last with an ``x``: 1234067 is ``x001/x234/067``.  A
tile without ``.p`` is full and never changes.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from appliance.audit.tree import HashTree
from appliance.errors import InvalidInput, NotFound

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << TILE_HEIGHT
ENTRIES: Final = "entries"

_PATH: Final = re.compile(r"tile/(entries|[0-9]|[1-5][0-9]|6[0-3])/((?:x\d{3}/)*\d{3})(?:\.p/([1-9]\d{0,2}))?")
_LENGTH: Final = struct.Struct(">H")


@dataclass(frozen=True)
class Tile:
    """One tile: its level (none: a bundle of entries), its number and its width, 1 to 256."""

    level: int | None
    number: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Where the tile is found."""
        level = ENTRIES if self.level is None else str(self.level)
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{_grouped(self.number)}{partial}"


def parse_tile(path: str) -> Tile:
    """The inverse of ``Tile.path``, and of nothing else.

    Raises
    ------
    InvalidInput : another form
    """
    found = _PATH.fullmatch(path)
    if found:
        number = int(found[2].replace("/", "").replace("x", ""))
        tile = Tile(None if found[1] == ENTRIES else int(found[1]), number, int(found[3] or TILE_WIDTH))
        if tile.path == path:
            return tile
    raise InvalidInput("tile.path", f"'{path[:80]}' is not the path of a tile.")


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile of a log with ``size`` entries: of the levels from the leaves upwards, then the bundles."""
    level, count = 0, size
    while count:
        yield from _row(level, count)
        level, count = level + 1, count >> TILE_HEIGHT
    yield from _row(None, size)


def tile_hashes(tree: HashTree, tile: Tile) -> bytes:
    """The bytes of a tile of hashes.

    Raises
    ------
    NotFound : the tree has not grown that far
    """
    if tile.level is None:
        raise InvalidInput("tile.level", "A bundle of entries holds no hashes.")
    start = tile.number * TILE_WIDTH
    hashes = tree.complete_subtrees(tile.level * TILE_HEIGHT, start, start + tile.width)
    if not hashes:
        raise NotFound("tile.missing", f"The log has not grown to {tile.path} yet.")
    return hashes


def bundle_entries(entries: Sequence[bytes]) -> bytes:
    """The bytes of a bundle of up to 256 entries."""
    return b"".join(_LENGTH.pack(len(entry)) + entry for entry in entries)


def unbundle_entries(data: bytes) -> tuple[bytes, ...]:
    """The inverse of ``bundle_entries``.

    Raises
    ------
    InvalidInput : the bundle ends inside an entry
    """
    entries, position = [], 0
    while position < len(data):
        body = position + _LENGTH.size
        end = body + _LENGTH.unpack_from(data, position)[0] if body <= len(data) else len(data) + 1
        if end > len(data):
            raise InvalidInput("tile.bundle", "The bundle ends inside an entry.")
        entries.append(data[body:end])
        position = end
    return tuple(entries)


def _row(level: int | None, count: int) -> Iterator[Tile]:
    for number in range(-(-count // TILE_WIDTH)):
        yield Tile(level, number, min(TILE_WIDTH, count - number * TILE_WIDTH))


def _grouped(number: int) -> str:
    digits = str(number)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[start : start + 3] for start in range(0, len(digits), 3)]
    return "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
