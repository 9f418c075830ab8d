"""Fingerprints of collections of values: whatever the order, and of nothing else."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from appliance.spc.fingerprint import MODULUS, fingerprint, shares

reals = st.lists(st.floats(allow_nan=False), max_size=20)


def test_a_share_is_the_published_mixing_of_the_bits() -> None:
    """The first number that SplitMix64 makes of the seed 1234567."""
    value = np.array([1234567], dtype=np.uint64).view(np.float64)
    assert int(shares(value)[0]) % MODULUS == 6457827717110365317


@given(reals, reals, st.randoms())
def test_it_is_that_of_the_collection_whatever_the_order(one: list[float], two: list[float], random: object) -> None:
    both = sorted(one + two)
    assert fingerprint(both) == fingerprint(both[::-1]) == (fingerprint(one) + fingerprint(two)) % MODULUS


def test_zero_is_zero_whatever_its_sign_and_nothing_else_is_alike() -> None:
    assert fingerprint([0.0]) == fingerprint([-0.0])
    assert fingerprint([]) == 0
    assert fingerprint([0.01, 0.05, 0.06]) != fingerprint([0.02, 0.03, 0.07]), "which have the same sum and squares"
    assert fingerprint([0.1, 0.1]) != fingerprint([0.1])
