"""Numbers drawn by counting: published words, one stream for each use, and no bias that shows."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.errors import InvalidInput
from appliance.spc.draws import BLOCKS, ORDERS, below, orders, uniforms, words


def test_words_are_those_of_philox_with_key_and_counter() -> None:
    """Philox 4x64-10 by its definition, in Python's integers: counter 1, key (5, BLOCKS)."""
    mask = (1 << 64) - 1
    counter, key = [1, 0, 0, 0], [5, BLOCKS]
    for _ in range(10):
        first, second = counter[0] * 0xD2E7470EE14C6C93, counter[2] * 0xCA5A826395121157
        counter = [
            (second >> 64) ^ counter[1] ^ key[0],
            second & mask,
            (first >> 64) ^ counter[3] ^ key[1],
            first & mask,
        ]
        key = [(key[0] + 0x9E3779B97F4A7C15) & mask, (key[1] + 0xBB67AE8584CAA73B) & mask]
    assert words(5, BLOCKS, 4).tolist() == counter


def test_streams_of_one_seed_share_no_words() -> None:
    assert not set(words(1, BLOCKS, 1000).tolist()) & set(words(1, ORDERS, 1000).tolist())


def test_numbers_below_a_bound_are_even() -> None:
    drawn = below(7, 3, BLOCKS, (70_000,))
    assert (drawn.min(), drawn.max()) == (0, 6)
    assert np.bincount(drawn) == pytest.approx(10_000, abs=400)


def test_orders_are_orders_and_uniforms_lie_inside() -> None:
    assert (np.sort(orders(9, 1, 50), axis=1) == np.arange(9)).all()
    drawn = uniforms(2, BLOCKS, (1000,))
    assert 0.0 < drawn.min() < drawn.max() < 1.0
    assert drawn.mean() == pytest.approx(0.5, abs=0.03)


def test_a_seed_or_bound_out_of_range_is_refused() -> None:
    with pytest.raises(InvalidInput):
        words(-1, BLOCKS, 1)
    with pytest.raises(InvalidInput):
        below(0, 1, BLOCKS, (1,))
