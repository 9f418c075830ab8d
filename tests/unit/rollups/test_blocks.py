"""Blocks added together: groups of any size, as if one after the other."""

from __future__ import annotations

from functools import reduce

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.rollups.blocks import SLOTS, WIDTH, added, encoded, gathered
from appliance.spc.checks import Int64
from appliance.spc.exact import LIMB_BITS


def block(seed: int, slots: int = SLOTS) -> Int64:
    """A block with empty slots among others, and low limbs that carry."""
    rng = np.random.default_rng(seed)
    made = rng.integers(0, 1 << LIMB_BITS, (slots, WIDTH))
    made[:, :7] = rng.integers(0, 3, (slots, 7))
    made[:, [7, 9]] = rng.integers(-100, 100, (slots, 2))
    made[:, 11:13] = np.sort(rng.integers(-(10**12), 10**12, (slots, 2)), axis=1)
    made[:, 13] = rng.integers(-(1 << 63), (1 << 63) - 1, slots)
    made[made[:, 0] == 0, 7:] = 0
    return made


@settings(deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(0, 2**32))
def test_groups_are_what_adding_one_after_the_other_makes(sizes: list[int], seed: int) -> None:
    groups = [[block(seed + 100 * number + one) for one in range(size)] for number, size in enumerate(sizes)]
    found = gathered([encoded(np.stack(group)) for group in groups])
    np.testing.assert_array_equal(found, [reduce(added, group) for group in groups])


def test_slots_are_gathered_as_blocks_are() -> None:
    slots = [block(n, 1) for n in range(5)]
    found = gathered([[slot.astype("<i8").tobytes() for slot in slots[:2]], [slots[2].astype("<i8").tobytes()]])
    np.testing.assert_array_equal(found, [added(slots[0], slots[1]), slots[2]])
