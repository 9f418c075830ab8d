"""Validation of a log in a database: the whole of it, or what was added since it signed its last checkpoint.

1. What the log promised (checkpoints, anchors) is signed by a key of this log.  It is read before the entries, so that
   a process that appends meanwhile cannot make a promise look too large.
2. No promise covers more entries than there are.
3. Each entry stands at its place, has the leaf hash that was acknowledged, and continues the chain (``prev``).
4. The stored hashes over 256, 65,536, ... entries are those of the entries, and there is none too many.
5. Every promised root is the one that the entries lead to.

``validate_whole`` does all of it.  ``validate_since`` trusts the last signed checkpoint: the log signs none that it did
not validate, so by induction everything below it was as its root says when it was signed, and the stored hashes must
still lead to that root.  An entry that was changed *below* the checkpoint while its leaf hash was left is found by the
whole validation, and by any proof of that entry.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from itertools import islice
from typing import Final

from appliance.audit.checkpoint import Checkpoint
from appliance.audit.entry import NO_PREVIOUS, read_entry
from appliance.audit.stored_tree import Frontier, StoredTree
from appliance.audit.tables import LogTables, SignedState
from appliance.audit.tiles import TILE_HEIGHT, TILE_WIDTH
from appliance.audit.tree import HASH_BYTES, HashTree, root_of
from appliance.errors import Modified

#: The end of a canonical entry, from ``prev`` on: the fields are in the order of RFC 8785.
_TAIL: Final = re.compile(rb',"prev":"([0-9a-f]{64})","subjects":\{[^{}]*\},"time":"[^"]{20}"\}\Z')
_LEAF: Final = b"\x00"

#: Reads a signed row: the checkpoint in it, after its signature verified.
Opened = Callable[[SignedState], Checkpoint]
#: Called with the number of entries that were validated so far.
Progress = Callable[[int], None]


def validate_whole(tables: LogTables, opened: Opened, progress: Progress | None = None) -> StoredTree:
    """Steps 1 to 5 over every entry; the tree of the log.

    Raises
    ------
    Modified : naming the entry, or the promise that the entries no longer lead to
    """
    # 1. What was promised.
    promised = [opened(state) for state in tables.checkpoints()]
    promised += [opened(state) for state in tables.anchors()]
    # 2. to 5. on all entries.
    size = tables.last().size
    _require_length(size, promised)
    return _walk(tables, Frontier(), range(size), promised, progress)


def validate_since(tables: LogTables, opened: Opened, known: Checkpoint | None = None) -> StoredTree:
    """Steps 1 to 5 over the entries since the last checkpoint, or since ``known``, a state validated just now.

    Raises
    ------
    Modified : as for ``validate_whole``
    """
    # 1. The last promise.
    last = tables.last_checkpoint()
    if last is None and known is None:
        return validate_whole(tables, opened)
    promised = ([opened(last)] if last else []) + ([known] if known else [])
    # 2. to 5. from there on.
    size = tables.last().size
    _require_length(size, promised)
    base = max(promised, key=lambda state: state.size)
    start = base.size - base.size % TILE_WIDTH
    return _walk(tables, Frontier(tables.tree(start).peaks(start)), range(start, size), [base], None)


def _walk(
    tables: LogTables, frontier: Frontier, span: range, promised: Iterable[Checkpoint], progress: Progress | None
) -> StoredTree:
    """Steps 3 to 5 over the entries of ``span``, which begins at a multiple of 256, behind ``frontier``."""
    tree, due = tables.tree(span.stop), _by_block(promised)
    _require_roots(frontier, span.start, b"", due.pop(span.start, []))
    leaves = _chained(tables.entries(span.start, span.stop), span, tree)
    for start in range(span.start, span.stop, TILE_WIDTH):
        # 3. Entry by entry.
        block = list(islice(leaves, TILE_WIDTH))
        # 5. What was promised about this block.
        end = start + TILE_WIDTH
        _require_roots(frontier, start, b"".join(block), due.pop(end, []))
        if len(block) == TILE_WIDTH:
            # 4. The stored hashes.
            subtree = root_of(block)
            _require_stored(tree, 1, start // TILE_WIDTH, subtree)
            frontier.add(TILE_HEIGHT, subtree)
        if progress:
            progress(min(end, span.stop))
    _require_no_more_hashes(tables, span.stop)
    return tree


def _chained(rows: Iterator[tuple[int, bytes, bytes]], span: range, tree: StoredTree) -> Iterator[bytes]:
    """Step 3: the leaf hashes of rows that are what was acknowledged, each after the one before."""
    previous = tree.leaf(span.start - 1).hex().encode() if span.start else NO_PREVIOUS.encode()
    search, index = _TAIL.search, span.start
    for position, entry, leaf in rows:
        if position != index:
            break
        if type(entry) is not bytes or sha256(_LEAF + entry).digest() != leaf:
            raise Modified("log.entry", f"Entry {index} of the log differs from what was acknowledged.")
        found = search(entry)
        if (found[1] if found else read_entry(entry).prev.encode()) != previous:
            raise Modified("log.chain", f"Entry {index} of the log does not follow the entry before it.")
        previous = leaf.hex().encode()
        index += 1
        yield leaf
    if index != span.stop:
        raise Modified("log.missing", f"Entry {index} of the log is missing.")


def _by_block(promised: Iterable[Checkpoint]) -> dict[int, list[Checkpoint]]:
    """The promises under the end of the block of 256 that they end in."""
    due: dict[int, list[Checkpoint]] = {}
    for state in promised:
        due.setdefault(-(-state.size // TILE_WIDTH) * TILE_WIDTH, []).append(state)
    return due


def _require_roots(frontier: Frontier, start: int, block: bytes, promised: Iterable[Checkpoint]) -> None:
    """Step 5 for states that end in one block; ``block`` holds its leaf hashes, joined."""
    if not promised:
        return
    tail = HashTree(block[at : at + HASH_BYTES] for at in range(0, len(block), HASH_BYTES))
    for state in promised:
        inside = state.size - start
        if frontier.root(tail.root(inside) if inside else None) != state.root:
            raise Modified("log.root", f"The first {state.size} entries are not those that the log signed.")


def _require_stored(tree: StoredTree, level: int, position: int, subtree: bytes) -> None:
    """Step 4, for a complete subtree and for those that it completes above."""
    if tree.stored(level, position) != subtree:
        raise Modified("log.tree", f"A stored hash of the log's tree was changed: level {level}, number {position}.")
    if (position + 1) % TILE_WIDTH == 0:
        number = position // TILE_WIDTH
        joined = tree.tile(level, number, TILE_WIDTH)
        above = root_of([joined[at : at + HASH_BYTES] for at in range(0, len(joined), HASH_BYTES)])
        _require_stored(tree, level + 1, number, above)


def _require_no_more_hashes(tables: LogTables, size: int) -> None:
    """Step 4: hashes over entries that are not there tell of a tail that was cut off."""
    for level in range(1, tables.highest_level() + 1):
        covered = tables.node_count(level) * TILE_WIDTH**level
        if covered > max(size, tables.last().size):
            raise Modified("log.truncated", f"The log holds {size} entries, but hashes over {covered} are stored.")


def _require_length(size: int, promised: Iterable[Checkpoint]) -> None:
    """Step 2."""
    longest = max((state.size for state in promised), default=0)
    if longest > size:
        raise Modified("log.truncated", f"The log holds {size} entries, but it signed a state with {longest}.")
