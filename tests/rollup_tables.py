"""Whatever the tables of roll-ups hold, a row a characteristic and bucket, by names rather than by numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from appliance.rollups.blocks import BLOCK_BYTES, DECIDED, MEASURED, SLOTS, decoded
from appliance.rollups.scores import moments_of, scores_of
from appliance.rollups.storing import counts_of
from appliance.tenancy.scope import WorkspaceScope

_OWNED = "SELECT o.part_id, o.dimension, o.member, r.* FROM rollup_owner o JOIN {} r ON r.owner = o.id"


def tables(scope: WorkspaceScope) -> dict[str, list[tuple[Any, ...]]]:
    """Rows in order: characteristic, dimension, member, grain, bucket, and what is known of it."""
    with scope:
        fetch = scope.database.fetch
        named = {(part, slot): one for one, part, slot in fetch("SELECT * FROM rollup_slot")}

        def of(table: str) -> Iterator[tuple[tuple[Any, ...], int, list[Any]]]:
            for part, dimension, member, _, grain, chunk, bucket, *data in fetch(_OWNED.format(table)):
                for cell in range(SLOTS):
                    characteristic = named.get((part, chunk * SLOTS + cell), "")
                    yield (characteristic, dimension, member, grain, bucket), cell, data

        found = {
            "rollup": [row for place, cell, data in of("rollup") for row in _tallies(place, cell, *data)],
            "quantile": [
                (*place, *pair)
                for place, cell, data in of("rollup_quantile")
                for pair in counts_of(data[0], cell).items()
            ],
            "line": [row for place, cell, data in of("rollup_line") for row in _lines(place, cell, *data)],
            "condition": fetch("SELECT * FROM rollup_condition"),
        }
    return {name: sorted(rows) for name, rows in found.items()}


def _tallies(place: tuple[Any, ...], cell: int, present: int, data: bytes) -> Iterator[tuple[Any, ...]]:
    assert present, "a block of nothing"
    assert len(data) == BLOCK_BYTES
    slot = decoded(data)[cell]
    assert bool(present >> cell & 1) == bool(slot[DECIDED].any())
    if present >> cell & 1:
        *counts, lowest, highest, fingerprint = slot.tolist()
        yield (*place, *counts, *((lowest, highest) if slot[MEASURED] else (None, None)), fingerprint)
    else:
        assert not slot.any()


def _lines(
    place: tuple[Any, ...], cell: int, moments: bytes, scores: bytes, best: float | None, screened: int
) -> Iterator[tuple[Any, ...]]:
    measured, score = moments_of(moments), scores_of(scores)
    there = np.flatnonzero(measured[:, 0])
    assert len(there)
    assert (best, screened) == (score[there].max(), len(there)) or (best is None and not screened and not score.any())
    if measured[cell].any():
        yield (*place, *measured[cell].tolist(), score[cell] if screened else None)
