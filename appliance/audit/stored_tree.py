"""The Merkle tree of a log in a database: from its leaf hashes, and the stored hashes over every 256 of them.

A *tile* is up to 256 hashes of one level, as C2SP tlog-tiles has it: level 0 holds leaf hashes, level k those over
complete subtrees of 256^k entries.  A proof in a tree of n entries reads two tiles of each level.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from appliance.audit.tiles import TILE_HEIGHT
from appliance.audit.tree import EMPTY_ROOT, HASH_BYTES, HashTree, MerkleTree, node_hash
from appliance.errors import Modified

#: Tiles kept while a tree answers: enough for the right edge and the place that is asked for.
_KEPT_TILES: Final = 32

#: (level, number) -> the hashes of that tile, joined.
ReadTile = Callable[[int, int], bytes]


class StoredTree(MerkleTree):
    """The tree over the first ``size`` entries of a log that only grows."""

    def __init__(self, size: int, read_tile: ReadTile) -> None:
        self._size = size
        self._read_tile = read_tile
        self._tiles: dict[tuple[int, int], HashTree] = {}

    @property
    def size(self) -> int:
        """The number of leaves."""
        return self._size

    def tile(self, level: int, number: int, width: int) -> bytes:
        """The first ``width`` hashes of a tile, joined."""
        return self._tile(level, number).complete_subtrees(0, 0, width)

    def stored(self, level: int, position: int) -> bytes:
        """The hash over 256^level entries as it is stored.

        Raises
        ------
        Modified : there is none
        """
        return self._node(level * TILE_HEIGHT, position)

    def peaks(self, size: int) -> Iterator[tuple[int, bytes]]:
        """The largest complete subtrees that make up the first ``size`` leaves: (level, hash), left to right."""
        start = 0
        for level in reversed(range(size.bit_length())):
            if size >> level & 1:
                yield level, self._node(level, start >> level)
                start += 1 << level

    def _node(self, level: int, position: int) -> bytes:
        tile_level, inner = divmod(level, TILE_HEIGHT)
        above = TILE_HEIGHT - inner
        tile = self._tile(tile_level, position >> above)
        at = position & ((1 << above) - 1)
        found = tile.complete_subtrees(inner, at, at + 1)
        if not found:
            raise Modified("log.tree", f"The log's tree lacks the hash of 2^{level} entries, number {position}.")
        return found

    def _tile(self, level: int, number: int) -> HashTree:
        key = (level, number)
        if key not in self._tiles:
            if len(self._tiles) >= _KEPT_TILES:
                self._tiles.clear()
            joined = self._read_tile(level, number)
            self._tiles[key] = HashTree(joined[at : at + HASH_BYTES] for at in range(0, len(joined), HASH_BYTES))
        return self._tiles[key]


class Frontier:
    """The right edge of a tree that is walked from left to right, in O(log n) memory."""

    def __init__(self, peaks: Iterable[tuple[int, bytes]] = ()) -> None:
        self._peaks = list(peaks)

    def add(self, level: int, subtree: bytes) -> None:
        """Add the next complete subtree of 2^level leaves."""
        self._peaks.append((level, subtree))
        while len(self._peaks) > 1 and self._peaks[-1][0] == self._peaks[-2][0]:
            (height, left), (_, right) = self._peaks[-2:]
            self._peaks[-2:] = [(height + 1, node_hash(left, right))]

    def root(self, tail: bytes | None = None) -> bytes:
        """The root over all that was added, and over a smaller tree with the root ``tail`` at its right."""
        peaks = [one for _, one in self._peaks] + ([tail] if tail else [])
        if not peaks:
            return EMPTY_ROOT
        root = peaks.pop()
        while peaks:
            root = node_hash(peaks.pop(), root)
        return root
