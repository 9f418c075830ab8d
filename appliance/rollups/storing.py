"""Blocks of tallies and of sketches, read, changed and written back inside the transaction of a writer.

Writers of one workspace follow one another (``Engine.transaction``), so that nobody writes in between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, TypeAlias

import numpy as np

from appliance.db.engine import Engine
from appliance.rollups import statements
from appliance.rollups.blocks import SLOTS, WIDTH, Place, added, decoded, encoded, present, without
from appliance.spc.checks import Bool, Int64

_SET_TALLIES: Final = statements.setting(statements.TALLIES)
_SET_QUANTILES: Final = statements.setting(statements.QUANTILES)
#: A code (slot and bucket of a sketch) and how many values are there.
_PAIR: Final = np.dtype([("code", "<u4"), ("tally", "<u4")])
#: A code is shorter than this: slots have 4 bits, buckets of sketches 16.
_CODE_BITS: Final = 20

#: Puts right the extremes of blocks where one has left: places, blocks (b, 16, 13), and where, (b, 16).
Mend: TypeAlias = Callable[[list[Place], Int64, Bool], None]


def add_tallies(database: Engine, places: list[Place], gained: Int64) -> None:
    """Add to the blocks at ``places``, (b, 16, 13)."""
    _write(database, places, added(_known(database, places), gained))


def take_tallies(database: Engine, places: list[Place], lost: Int64, mend: Mend) -> None:
    """Take out of the blocks at ``places``; those that are left without measurements are gone.

    Raises
    ------
    RuntimeError : more leaves than was there
    """
    left, is_open = without(_known(database, places), lost)
    mend(places, left, is_open)
    _write(database, places, left)


def change_sketches(database: Engine, changes: Mapping[Place, tuple[Int64, Int64]], sign: int) -> None:
    """Add (take out, where ``sign`` is -1) the values of codes; raises as ``take_tallies``."""
    if not changes:
        return
    places = list(changes)
    known = statements.known(database, "rollup_quantile", places, "counts")
    before = [np.frombuffer(known.get(place, b""), _PAIR) for place in places]
    data = _merged(before, [(codes, sign * tally) for codes, tally in changes.values()])
    rows = [(*place, pairs) for place, pairs in zip(places, data, strict=True) if pairs]
    database.write_rows("rollup_quantile", statements.QUANTILES, rows, _SET_QUANTILES)
    empty = [place for place, pairs in zip(places, data, strict=True) if not pairs]
    statements.forget(database, "rollup_quantile", empty)


def counts_of(data: bytes, slot: int) -> dict[int, int]:
    """The sketch of one slot of blocks, one behind the other: its buckets and how many values are in each."""
    pairs = np.frombuffer(data, _PAIR)
    own = pairs[(pairs["code"] >> 16) == slot]
    codes, place = np.unique(own["code"], return_inverse=True)
    tally = np.zeros(len(codes), dtype=np.int64)
    np.add.at(tally, place, own["tally"])
    places = (codes & 0xFFFF).astype(np.int64) - (1 << 15)
    return dict(zip(places.tolist(), tally.tolist(), strict=True))


def _known(database: Engine, places: list[Place]) -> Int64:
    """The blocks at ``places``, of zeros where there are none yet."""
    found = statements.known(database, "rollup", places, "tallies")
    blocks = np.zeros((len(places), SLOTS, WIDTH), dtype=np.int64)
    for number, place in enumerate(places):
        if place in found:
            blocks[number] = decoded(found[place])
    return blocks


def _write(database: Engine, places: list[Place], blocks: Int64) -> None:
    bits = present(blocks).tolist()
    rows = [
        (*place, held, data) for place, held, data in zip(places, bits, encoded(blocks), strict=True) if held
    ]  # fmt: skip
    database.write_rows("rollup", statements.TALLIES, rows, _SET_TALLIES)
    statements.forget(database, "rollup", [place for place, held in zip(places, bits, strict=True) if not held])


def _merged(before: Sequence[Any], changes: Sequence[tuple[Int64, Int64]]) -> list[bytes]:
    """The pairs of blocks after a change, in the order of their codes; all blocks in one go."""
    sizes = [len(pairs) for pairs in before] + [len(codes) for codes, _ in changes]
    block = np.repeat(np.tile(np.arange(len(before)), 2), sizes)
    codes = np.concatenate([*(pairs["code"] for pairs in before), *(codes for codes, _ in changes)], dtype=np.int64)
    tally = np.concatenate([*(pairs["tally"] for pairs in before), *(tally for _, tally in changes)], dtype=np.int64)
    every, place = np.unique((block << _CODE_BITS) | codes, return_inverse=True)
    whole = np.zeros(len(every), dtype=np.int64)
    np.add.at(whole, place, tally)
    if (whole < 0).any():
        raise RuntimeError("a sketch lost more values than it had")
    pairs = np.zeros(int((whole > 0).sum()), dtype=_PAIR)
    kept = every[whole > 0]
    pairs["code"], pairs["tally"] = kept & ((1 << _CODE_BITS) - 1), whole[whole > 0]
    ends = np.searchsorted(kept >> _CODE_BITS, np.arange(len(before) + 1))
    return [pairs[first:last].tobytes() for first, last in pairwise(ends.tolist())]
