"""Measurements into parts of roll-ups: pure, vectorised, whole numbers only.

What is folded and what is taken out again are the same parts with the other sign, so that a roll-up is a function of
the measurements that count, and of nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np

from appliance.qc.records import FAIL, INCONCLUSIVE, NOT_MEASURED, PASS
from appliance.rollups.records import KEPT, LIFE, QUANTILES, Counted, Dimension
from appliance.spc.checks import Bool, Int64
from appliance.spc.exact import grouped_limbs, nano, negated_limbs
from appliance.spc.sketch import buckets_of

#: (characteristic, dimension, member)
SeriesKey: TypeAlias = tuple[str, Dimension, str]
#: (series, grain, bucket)
Place: TypeAlias = tuple[int, int, int]
#: A place, and the smallest and largest value of what leaves it.
Leaving: TypeAlias = tuple[Place, int | None, int | None]
#: One list a column.
Columns: TypeAlias = tuple[list[Any], ...]

_DECISIONS: Final = (PASS, FAIL, INCONCLUSIVE, NOT_MEASURED)


@dataclass(frozen=True)
class Batch:
    """Measurements (n,) as columns: ``buckets`` int64 (n,) by grain, LIFE among them; ``nano`` int64 (n,), 0 where
    there is no value; ``seconds`` int64 (n,) since 1970."""

    rows: Sequence[Counted]
    buckets: Mapping[int, Int64]
    seconds: Int64
    nano: Int64
    has_value: Bool
    counts: Int64

    @classmethod
    def of(cls, rows: Sequence[Counted], buckets: Mapping[int, Int64], seconds: Int64) -> Batch:
        """The columns of ``rows``.

        Raises
        ------
        InvalidInput : a value is too large to be counted in nano-units
        """
        value = np.array([np.nan if row.value is None else row.value for row in rows], dtype=np.float64)
        has_value = ~np.isnan(value)
        below = [row.value is not None and row.lower is not None and row.value < row.lower for row in rows]
        above = [row.value is not None and row.upper is not None and row.value > row.upper for row in rows]
        decided = [[row.decision == one for row in rows] for one in _DECISIONS]
        counts = np.array([has_value, *decided, below, above], dtype=np.int64).reshape(7, len(rows))
        return cls(rows, buckets, seconds, nano(np.where(has_value, value, 0.0)), has_value, counts)


def series_of(rows: Sequence[Counted]) -> set[SeriesKey]:
    """The series that measurements belong to."""
    return {
        (row.characteristic_id, dimension, member)
        for dimension in KEPT
        for row in rows
        if (member := row.member(dimension)) is not None
    }


def tallies(
    batch: Batch, series: Mapping[SeriesKey, int], sign: int, kept: Mapping[Dimension, tuple[int, ...]] = KEPT
) -> Columns:
    """Columns of ``rollup``, a row a place, counts and sums times ``sign``; extremes are null where it is negative."""
    places, member = _gathered(batch, series, kept)
    order, group, firsts = _grouped(places)
    if not len(order):
        return ()
    member = member[order]
    there, value = batch.has_value[member], batch.nano[member]
    counts = np.add.reduceat(batch.counts[:, member], firsts, axis=1) * sign
    measured, total, squares = grouped_limbs(value[there], group[there], len(firsts))
    if sign < 0:
        total, squares = negated_limbs(total), negated_limbs(squares)
    lowest = np.minimum.reduceat(np.where(there, value, np.iinfo(np.int64).max), firsts)
    highest = np.maximum.reduceat(np.where(there, value, np.iinfo(np.int64).min), firsts)
    is_told = (measured > 0) & (sign > 0)
    whole = [*places[:, order[firsts]], *counts, *total.T, *squares.T]
    return (*(one.tolist() for one in whole), _told(lowest, is_told), _told(highest, is_told))


def extremes(batch: Batch, series: Mapping[SeriesKey, int]) -> Iterator[Leaving]:
    """Each place with the smallest and the largest of the values that belong to it, None where there are none."""
    for one, grain, bucket, *_, lowest, highest in zip(*tallies(batch, series, 1), strict=True):
        yield (one, grain, bucket), lowest, highest


def quantiles(batch: Batch, series: Mapping[SeriesKey, int], sign: int) -> Columns:
    """Columns of ``rollup_quantile``: how many values are in each bucket of the sketch, times ``sign``."""
    places, member = _gathered(batch, series, {name: (grain,) for name, grain in QUANTILES.items()})
    there = batch.has_value[member]
    keys = np.vstack([places[:, there], buckets_of(batch.nano)[member[there]]])
    order, _, firsts = _grouped(keys)
    tally = np.diff(np.append(firsts, len(order))) * sign
    return (*(one.tolist() for one in keys[:, order[firsts]]), tally.tolist())


def lines(batch: Batch, series: Mapping[SeriesKey, int], sign: int) -> dict[tuple[int, int], tuple[int, ...]]:
    """Of each (series, life): values, and sums of seconds, their squares, and their products with nano-values."""
    moments: dict[tuple[int, int], list[int]] = {}
    life, seconds, value = batch.buckets[LIFE].tolist(), batch.seconds.tolist(), batch.nano.tolist()
    for number in np.flatnonzero(batch.has_value).tolist():
        row, t = batch.rows[number], seconds[number]
        place = series[row.characteristic_id, "asset", row.asset_id], life[number]
        known = moments.setdefault(place, [0, 0, 0, 0])
        for at, more in enumerate((1, t, t * t, t * value[number])):
            known[at] += more
    return {place: tuple(sign * one for one in known) for place, known in moments.items()}


def _told(values: Int64, is_told: Bool) -> list[int | None]:
    return [value if told else None for value, told in zip(values.tolist(), is_told.tolist(), strict=True)]


def _gathered(
    batch: Batch, series: Mapping[SeriesKey, int], kept: Mapping[Dimension, tuple[int, ...]]
) -> tuple[Int64, Int64]:
    """(series, grain, bucket) int64 (3, m) of each measurement in each grain, and which measurement it is, (m,)."""
    parts: list[Int64] = []
    members: list[Int64] = []
    for dimension, grains in kept.items():
        own = [
            (number, series[row.characteristic_id, dimension, member])
            for number, row in enumerate(batch.rows)
            if (member := row.member(dimension)) is not None
        ]
        number, one = np.array(own, dtype=np.int64).reshape(len(own), 2).T
        for grain in grains:
            parts.append(np.vstack([one, np.full(len(own), grain), batch.buckets[grain][number]]))
            members.append(number)
    return np.hstack(parts), np.hstack(members)


def _grouped(keys: Int64) -> tuple[Int64, Int64, Int64]:
    """An order of columns (k, m) in which alike ones stand together, the group of each, and where each begins."""
    order = np.lexsort(keys[::-1])
    ordered = keys[:, order]
    is_first = np.ones(len(order), dtype=np.bool_)
    is_first[1:] = (ordered[:, 1:] != ordered[:, :-1]).any(axis=0)
    return order, np.cumsum(is_first) - 1, np.flatnonzero(is_first)
