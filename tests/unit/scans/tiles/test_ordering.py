"""The sort of Morton keys, against numpy's stable sort."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from appliance.scans.tiles.ordering import sort_keys


def crowded(count: int) -> npt.NDArray[np.uint64]:
    """Keys of 40 bits in crowds of very different sizes, many of them equal, in no order."""
    rng = np.random.default_rng(count)
    crowd = np.array([0, 1, 2, 4095, 17, 18])[rng.choice(6, count, p=[0.6, 0.2, 0.1, 0.0999, 0.00005, 0.00005])]
    low = rng.integers(0, 1 << 28, count) >> rng.integers(0, 28, count)
    return ((crowd.astype(np.int64) << 28) | low).astype(np.uint64)


@pytest.mark.parametrize("count", [0, 1, 2, 47, 48, 5000, 1_200_000])
@pytest.mark.parametrize("threads", ["1", "2"])
def test_keys_are_sorted_and_equal_ones_keep_their_order(
    count: int, threads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("D2R_THREADS", threads)
    given = crowded(count)
    keys, index = given.copy(), np.arange(count, dtype=np.uint32)
    sort_keys(keys, index, 40, np.empty_like(keys), np.empty_like(index))
    wanted = np.argsort(given, kind="stable")
    assert np.array_equal(index, wanted)
    assert np.array_equal(keys, given[wanted])


@pytest.mark.parametrize("bits", [3, 12, 13, 63])
def test_every_width_of_key_is_sorted(bits: int) -> None:
    given = np.random.default_rng(bits).integers(0, 1 << bits, 600_000, dtype=np.uint64)
    keys, index = given.copy(), np.arange(600_000, dtype=np.uint32)
    spare: Any = (np.empty_like(keys), np.empty_like(index))
    sort_keys(keys, index, bits, *spare)
    assert np.array_equal(index, np.argsort(given, kind="stable"))
