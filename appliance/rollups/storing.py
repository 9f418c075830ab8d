"""Blocks of tallies and of sketches, read, changed and written back inside the transaction of a writer.

Writers of one workspace follow one another (``Engine.transaction``), so that nobody writes in between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, TypeAlias

import numpy as np

from appliance.db.bulk import Asked
from appliance.db.engine import Engine
from appliance.rollups import statements
from appliance.rollups.blocks import SLOTS, WIDTH, Place, decoded, encoded, present, without
from appliance.spc.checks import Bool, Int64

_SET_TALLIES: Final = statements.setting(statements.TALLIES)
_SET_QUANTILES: Final = statements.setting(statements.QUANTILES)
#: A code (slot and bucket of a sketch) and how many values are there.
_PAIR: Final = np.dtype([("code", "<u4"), ("tally", "<u4")])
#: A code is shorter than this: slots have 4 bits, buckets of sketches 16.
_CODE_BITS: Final = 20

#: Puts right the extremes of blocks where one has left: places, blocks (b, 16, 14), and where, (b, 16).
Mend: TypeAlias = Callable[[Sequence[Place], Int64, Bool], None]


def asked_tallies(places: Sequence[Place]) -> Asked:
    """The question for the blocks at ``places``."""
    return statements.asked("rollup", places, "tallies")


def asked_sketches(places: Sequence[Place]) -> Asked:
    """The question for the sketches at ``places``."""
    return statements.asked("rollup_quantile", places, "counts")


def tallies_of(places: Sequence[Place], found: Mapping[Place, bytes]) -> Int64:
    """The blocks at ``places``, (b, 16, 14), of zeros where there are none yet."""
    blocks = np.zeros((len(places), SLOTS, WIDTH), dtype=np.int64)
    for number, place in enumerate(places):
        if place in found:
            blocks[number] = decoded(found[place])
    return blocks


def write_tallies(database: Engine, places: Sequence[Place], blocks: Int64) -> dict[Place, bytes]:
    """Write blocks, (b, 16, 14), and return them as they are stored; those without measurements are gone."""
    bits = present(blocks).tolist()
    rows = [
        (*place, held, data) for place, held, data in zip(places, bits, encoded(blocks), strict=True) if held
    ]  # fmt: skip
    database.write_rows("rollup", statements.TALLIES, rows, _SET_TALLIES)
    statements.forget(database, "rollup", [place for place, held in zip(places, bits, strict=True) if not held])
    return {row[:4]: row[-1] for row in rows}


def take_tallies(database: Engine, places: Sequence[Place], lost: Int64, mend: Mend) -> dict[Place, bytes]:
    """Take out of the blocks at ``places``, and return what is left as it is stored.

    Raises
    ------
    RuntimeError : more leaves than was there
    """
    [found] = database.read_tables(asked_tallies(places))
    left, is_open = without(tallies_of(places, statements.known(found)), lost)
    mend(places, left, is_open)
    return write_tallies(database, places, left)


def change_sketches(
    database: Engine, changes: Mapping[Place, tuple[Int64, Int64]], known: Mapping[Place, bytes], sign: int
) -> None:
    """Add (take out, where ``sign`` is -1) the values of codes to what is known; raises as ``take_tallies``."""
    if not changes:
        return
    before = [np.frombuffer(known.get(place, b""), _PAIR) for place in changes]
    data = _merged(before, [(codes, sign * tally) for codes, tally in changes.values()])
    rows = [(*place, pairs) for place, pairs in zip(changes, data, strict=True) if pairs]
    database.write_rows("rollup_quantile", statements.QUANTILES, rows, _SET_QUANTILES)
    empty = [place for place, pairs in zip(changes, data, strict=True) if not pairs]
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
