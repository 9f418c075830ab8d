"""Measurements into parts of roll-ups: pure, vectorised, whole numbers only.

What is folded and what is taken out again are the same parts, so that a roll-up is a function of the measurements that
count, and of nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np

from appliance.qc.records import FAIL, INCONCLUSIVE, NOT_MEASURED, PASS
from appliance.rollups.blocks import COUNTS, FINGERPRINT, HIGHEST, LOWEST, SLOTS, SQUARES, TOTAL, WIDTH, Place
from appliance.rollups.numbers import Numbers
from appliance.rollups.records import KEPT, LIFE, QUANTILES, Counted, Dimension
from appliance.spc.checks import Bool, Int64
from appliance.spc.exact import grouped_limbs, nano
from appliance.spc.fingerprint import shares
from appliance.spc.sketch import buckets_of

#: What one slot gains in a line: values, sums of seconds, of their squares, of their products with nano-values.
Moments: TypeAlias = list[int]

_DECISIONS: Final = (PASS, FAIL, INCONCLUSIVE, NOT_MEASURED)
_NOBODY: Final = -1


@dataclass(frozen=True)
class Batch:
    """Measurements (n,) as columns, int64 (n,) each.

    ``buckets`` by grain, LIFE among them; ``owners`` by dimension, -1 where there is none; ``nano`` is 0 where there is
    no value, and so is ``shares``, of the fingerprint; ``seconds`` since 1970; ``counts`` (7, n) in the order of
    ``blocks.COUNTS``.
    """

    slots: Int64
    owners: Mapping[Dimension, Int64]
    buckets: Mapping[int, Int64]
    seconds: Int64
    nano: Int64
    has_value: Bool
    shares: Int64
    counts: Int64

    @classmethod
    def of(cls, rows: Sequence[Counted], numbers: Numbers, buckets: Mapping[int, Int64], seconds: Int64) -> Batch:
        """The columns of ``rows``.

        Raises
        ------
        InvalidInput : a value is too large to be counted in nano-units
        """
        columns = columns_of(rows)
        value, lower, upper = (np.array(columns[name], dtype=np.float64) for name in ("value", "lower", "upper"))
        has_value = ~np.isnan(value)
        decision = np.array(columns["decision"], dtype=object)
        decided = [decision == one for one in _DECISIONS]
        counts = np.array([has_value, *decided, value < lower, value > upper], dtype=np.int64)
        owners = {one: np.array(numbers.owners_of(columns, one), dtype=np.int64) for one in KEPT}
        slots = np.array([numbers.slots[one] for one in columns["characteristic_id"]], dtype=np.int64)
        return cls(
            slots, owners, buckets, seconds, nano(np.where(has_value, value, 0.0)), has_value,
            np.where(has_value, shares(value), 0), counts.reshape(7, len(rows)),
        )  # fmt: skip


def columns_of(rows: Sequence[Counted]) -> dict[str, tuple[Any, ...]]:
    """Measurements by the names of their columns."""
    columns = zip(*rows, strict=True) if rows else (() for _ in Counted._fields)
    return dict(zip(Counted._fields, columns, strict=True))


def tallies(batch: Batch, kept: Mapping[Dimension, tuple[int, ...]] = KEPT) -> tuple[list[Place], Int64]:
    """The blocks that measurements are to be added to, and what each gains, (b, 16, 14)."""
    keys, member = _gathered(batch, kept)
    order, group, firsts = _grouped(keys)
    member = member[order]
    there, value = batch.has_value[member], batch.nano[member]
    cells = np.zeros((len(firsts), WIDTH), dtype=np.int64)
    if len(firsts):
        cells[:, COUNTS] = np.add.reduceat(batch.counts[:, member], firsts, axis=1).T
        measured, total, squares = grouped_limbs(value[there], group[there], len(firsts))
        cells[:, TOTAL], cells[:, SQUARES] = total, squares
        least = np.minimum.reduceat(np.where(there, value, np.iinfo(np.int64).max), firsts)
        most = np.maximum.reduceat(np.where(there, value, np.iinfo(np.int64).min), firsts)
        cells[:, LOWEST], cells[:, HIGHEST] = np.where(measured, least, 0), np.where(measured, most, 0)
        cells[:, FINGERPRINT] = np.add.reduceat(batch.shares[member], firsts)
    heads = keys[:, order[firsts]]
    places, block = _blocks(heads)
    blocks = np.zeros((len(places), SLOTS, WIDTH), dtype=np.int64)
    blocks[block, heads[-1]] = cells
    return places, blocks


def quantiles(batch: Batch) -> dict[Place, tuple[Int64, Int64]]:
    """Of each block, codes of (slot, place in the sketch) in order, and how many values each gains."""
    keys, member = _gathered(batch, {name: (grain,) for name, grain in QUANTILES.items()})
    there = batch.has_value[member]
    keys = keys[:, there]
    keys[-1] = code_of(keys[-1], buckets_of(batch.nano)[member[there]])
    order, _, firsts = _grouped(keys)
    tally = np.diff(np.append(firsts, len(order)))
    heads = keys[:, order[firsts]]
    places, block = _blocks(heads)
    ends = np.searchsorted(block, np.arange(len(places) + 1))
    parts = (slice(*ends[n : n + 2]) for n in range(len(places)))
    return {place: (heads[-1, part], tally[part]) for place, part in zip(places, parts, strict=True)}


def lines(batch: Batch, sign: int) -> dict[Place, dict[int, Moments]]:
    """Of each block of lives of an asset, what each slot gains (loses, where ``sign`` is -1)."""
    found: dict[Place, dict[int, Moments]] = {}
    columns = batch.owners["asset"], batch.buckets[LIFE], batch.slots, batch.seconds, batch.nano
    for owner, life, slot, t, value in zip(*(column[batch.has_value].tolist() for column in columns), strict=True):
        cells = found.setdefault((owner, LIFE, slot // SLOTS, life), {})
        moments = cells.setdefault(slot % SLOTS, [0, 0, 0, 0])
        for at, more in enumerate((1, t, t * t, t * value)):
            moments[at] += sign * more
    return found


def code_of(slot: Int64, place: Int64) -> Int64:
    """One number of a slot and a bucket of its sketch, which has fewer than 2^15 either side of zero."""
    return (slot << 16) | (place + (1 << 15))


def _gathered(batch: Batch, kept: Mapping[Dimension, tuple[int, ...]]) -> tuple[Int64, Int64]:
    """(owner, grain, chunk, bucket, slot of the chunk) int64 (5, m) of each measurement in each grain, and which
    measurement it is, (m,)."""
    parts: list[Int64] = []
    members: list[Int64] = []
    for dimension, grains in kept.items():
        own = np.flatnonzero(batch.owners[dimension] != _NOBODY)
        owner, (chunk, cell) = batch.owners[dimension][own], np.divmod(batch.slots[own], SLOTS)
        for grain in grains:
            parts.append(np.vstack([owner, np.full(len(own), grain), chunk, batch.buckets[grain][own], cell]))
            members.append(own)
    return np.hstack(parts), np.hstack(members)


def _grouped(keys: Int64) -> tuple[Int64, Int64, Int64]:
    """An order of columns (k, m) in which alike ones stand together, the group of each, and where each begins."""
    order = np.lexsort(keys[::-1])
    is_first = _changes(keys[:, order])
    return order, np.cumsum(is_first) - 1, np.flatnonzero(is_first)


def _blocks(heads: Int64) -> tuple[list[Place], Int64]:
    """The places of blocks among columns (5, p) that are in order, and the block of each, (p,)."""
    is_first = _changes(heads[:4])
    owner, grain, chunk, bucket = heads[:4, is_first].tolist()
    return list(zip(owner, grain, chunk, bucket, strict=True)), np.cumsum(is_first) - 1


def _changes(ordered: Int64) -> Bool:
    """Where a column differs from the one before, (m,); the first does."""
    is_first = np.ones(ordered.shape[1], dtype=np.bool_)
    is_first[1:] = (ordered[:, 1:] != ordered[:, :-1]).any(axis=0)
    return is_first
