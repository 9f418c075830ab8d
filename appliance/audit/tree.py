"""The Merkle tree of the log (RFC 6962): roots, and proofs of inclusion and of consistency.

    leaf hash = SHA256(0x00 || entry)      node hash = SHA256(0x01 || left || right)

A tree of n > 1 leaves splits at the largest power of two below n; the empty tree is SHA256("").  The two
prefixes keep an entry from posing as a node.  Hashes are 32 bytes.  Nothing here reads files or clocks.

Source: RFC 6962, 2.1; verification as in RFC 9162, 2.1.3.2 and 2.1.4.2.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

from appliance.errors import Modified

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()

_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one entry."""
    return sha256(_LEAF + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash over two subtrees."""
    return sha256(_NODE + left + right).digest()


class MerkleTree(ABC):
    """Roots and proofs over whatever holds the hashes of complete subtrees."""

    @property
    @abstractmethod
    def size(self) -> int:
        """The number of leaves."""

    @abstractmethod
    def _node(self, level: int, position: int) -> bytes:
        """The hash over the complete subtree of 2^level leaves that begins at leaf ``position`` 2^level."""

    def root(self, size: int | None = None) -> bytes:
        """The root over the first ``size`` leaves; over all of them by default."""
        size = self.size if size is None else size
        self._require(0 <= size <= self.size, "size")
        return self._range(0, size) if size else EMPTY_ROOT

    def leaf(self, index: int) -> bytes:
        """The hash of one leaf."""
        self._require(0 <= index < self.size, "index")
        return self._node(0, index)

    def inclusion(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        """The audit path of a leaf in the tree of the first ``size`` leaves, from the leaf upwards."""
        size = self.size if size is None else size
        self._require(0 <= index < size <= self.size, "index")
        start, stop, path = 0, size, []
        while stop - start > 1:
            middle = start + _split(stop - start)
            if index < middle:
                path.append(self._range(middle, stop))
                stop = middle
            else:
                path.append(self._range(start, middle))
                start = middle
        return tuple(reversed(path))

    def consistency(self, old: int, new: int | None = None) -> tuple[bytes, ...]:
        """The proof that the first ``old`` leaves are a beginning of the first ``new`` ones.

        Empty where ``old`` is 0 or equals ``new``: there is nothing to prove.
        """
        new = self.size if new is None else new
        self._require(0 <= old <= new <= self.size, "size")
        if old in (0, new):
            return ()
        start, stop, whole, path = 0, new, True, []
        while old != stop:
            middle = start + _split(stop - start)
            if old <= middle:
                path.append(self._range(middle, stop))
                stop = middle
            else:
                path.append(self._range(start, middle))
                start, whole = middle, False
        if not whole:
            path.append(self._range(start, stop))
        return tuple(reversed(path))

    def _range(self, start: int, stop: int) -> bytes:
        """The hash over leaves ``start`` to ``stop``, where ``start`` is where RFC 6962 would split."""
        level = (stop - start).bit_length() - 1
        peak = self._node(level, start >> level)
        rest = start + (1 << level)
        return peak if rest == stop else node_hash(peak, self._range(rest, stop))

    @staticmethod
    def _require(holds: bool, what: str) -> None:
        if not holds:
            raise IndexError(f"there is no such {what} in this tree")


class HashTree(MerkleTree):
    """A tree in memory that grows at the right: every append costs O(log n), every proof too.

    Level k holds the hashes of all complete subtrees of 2^k leaves, 32 bytes each: 64 bytes of memory
    for each leaf in all.
    """

    def __init__(self, leaf_hashes: Iterable[bytes] = ()) -> None:
        self._levels: list[bytearray] = [bytearray()]
        for one in leaf_hashes:
            self.append(one)

    @property
    def size(self) -> int:
        """The number of leaves."""
        return len(self._levels[0]) // HASH_BYTES

    def append(self, leaf: bytes) -> None:
        """Add the hash of one more leaf, and of every subtree that it completes."""
        node, level = leaf, 0
        while True:
            row = self._level(level)
            row += node
            if len(row) % (2 * HASH_BYTES):
                return
            node = sha256(_NODE + row[-2 * HASH_BYTES :]).digest()
            level += 1

    def complete_subtrees(self, level: int, start: int, stop: int) -> bytes:
        """The hashes of complete subtrees of 2^level leaves, joined; empty if there are not that many."""
        row = self._levels[level] if level < len(self._levels) else b""
        return bytes(row[start * HASH_BYTES : stop * HASH_BYTES]) if stop * HASH_BYTES <= len(row) else b""

    def _level(self, level: int) -> bytearray:
        if level == len(self._levels):
            self._levels.append(bytearray())
        return self._levels[level]

    def _node(self, level: int, position: int) -> bytes:
        return bytes(self._levels[level][position * HASH_BYTES : (position + 1) * HASH_BYTES])


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """The root over ``leaf_hashes``: level by level, an odd last node moves up as it is."""
    row = list(leaf_hashes)
    if not row:
        return EMPTY_ROOT
    while len(row) > 1:
        odd = row[-1:] if len(row) % 2 else []
        pairs = zip(row[::2], row[1::2], strict=False)
        row = [sha256(_NODE + left + right).digest() for left, right in pairs] + odd
    return row[0]


def root_from_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes:
    """The root that ``path`` leads to from ``leaf``.

    Raises
    ------
    Modified : there is no such leaf, or the path has another length than this tree gives it
    """
    if not 0 <= index < size:
        raise Modified("proof.index", f"A tree of {size} entries has no entry {index}.")
    position, last, node = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise Modified("proof.length", "The inclusion proof is too long for its tree.")
        if position & 1 or position == last:
            node = node_hash(sibling, node)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        position, last = position >> 1, last >> 1
    if last:
        raise Modified("proof.length", "The inclusion proof is too short for its tree.")
    return node


def verify_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes) -> None:
    """Return if ``leaf`` stands at ``index`` in the tree of ``size`` leaves with this ``root``.

    Raises
    ------
    Modified : it does not, or the proof is not one for this place
    """
    _require_hashes((leaf, root, *path))
    if root_from_inclusion(index, size, leaf, path) != root:
        raise Modified("proof.inclusion", f"Entry {index} is not what the tree of {size} entries holds there.")


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> None:
    """Return if the tree of ``new`` leaves begins with the tree of ``old`` leaves.

    1. Sizes that need no proof carry none.
    2. The path rebuilds the old root.
    3. The same path rebuilds the new root, and nothing is left over.

    Raises
    ------
    Modified : history was rewritten, or the proof is not one for these sizes
    """
    _require_hashes((old_root, new_root, *path))
    # 1. Nothing to prove.
    if not 0 <= old <= new:
        raise Modified("proof.sizes", f"A log of {new} entries cannot follow one of {old}.")
    if old in (0, new):
        if path or (old == new and old_root != new_root) or (old == 0 and old_root != EMPTY_ROOT):
            raise Modified("proof.consistency", f"Two different trees claim to hold {old} entries.")
        return
    if not path:
        raise Modified("proof.length", "The consistency proof is empty.")
    # 2. and 3. Both roots from one path.
    rebuilt_old, rebuilt_new = _roots_from_consistency(old, new, old_root, path)
    if rebuilt_old != old_root:
        raise Modified("proof.consistency", f"The log no longer holds the first {old} entries as they were.")
    if rebuilt_new != new_root:
        raise Modified("proof.consistency", f"The log of {new} entries does not continue the one of {old}.")


def _roots_from_consistency(old: int, new: int, old_root: bytes, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    nodes = list(path) if old & (old - 1) else [old_root, *path]
    position, last = old - 1, new - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    first = second = nodes[0]
    for node in nodes[1:]:
        if last == 0:
            raise Modified("proof.length", "The consistency proof is too long.")
        if position & 1 or position == last:
            first, second = node_hash(node, first), node_hash(node, second)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            second = node_hash(second, node)
        position, last = position >> 1, last >> 1
    if last:
        raise Modified("proof.length", "The consistency proof is too short.")
    return first, second


def _require_hashes(hashes: Iterable[bytes]) -> None:
    if any(len(one) != HASH_BYTES for one in hashes):
        raise Modified("proof.hash", "A hash in the proof is not 32 bytes long.")


def _split(size: int) -> int:
    """The largest power of two below ``size``."""
    return 1 << ((size - 1).bit_length() - 1)
