"""Orders of a few hundred numbers against a plain sort and pairs counted one by one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from appliance.spc.orders import KEPT, order_of, sort_all, sort_by_insertion, tied_pairs

RNG = np.random.default_rng(19)
KINDS: dict[str, Callable[[int], np.ndarray]] = {
    "noise": lambda n: RNG.normal(size=n),
    "few values": lambda n: RNG.integers(0, 4, n).astype(float),
    "all alike": lambda n: np.full(n, 2.5),
    "neighbouring numbers": lambda n: 1.0 + RNG.permutation(n) * np.finfo(float).eps,
    "one far away": lambda n: np.where(np.arange(n) == n // 2, 1e90, RNG.normal(size=n)),
    "falling": lambda n: np.arange(n, 0, -1.0),
}


def pairs(x: np.ndarray) -> tuple[int, int]:
    """Pairs in reverse, and pairs alike, one by one."""
    i, j = np.triu_indices(len(x), 1)
    return int((x[j] < x[i]).sum()), int((x[j] == x[i]).sum())


@pytest.mark.parametrize("n", [1, 2, 31, 63, 64, 65, 100, 128, 129, 300])
@pytest.mark.parametrize("kind", KINDS)
def test_numbers_are_sorted_by_value_and_those_alike_by_place(kind: str, n: int) -> None:
    x, order = KINDS[kind](n), order_of(n + 5)
    for _ in range(2):  # room that was used before
        reverse = sort_all(x, n, order)
        assert order.place[:n].tolist() == np.argsort(x, kind="stable").tolist()
        np.testing.assert_array_equal(order.level[:n], np.sort(x))
        assert (reverse, tied_pairs(n, order)) == pairs(x)


def test_each_exchange_of_an_insertion_is_a_pair_that_stood_in_reverse() -> None:
    x = np.array([1.0, 4.0, 3.0, 2.0, 5.0])
    order = order_of(5)
    sort_all(np.arange(5.0), 5, order)
    order.level[:] = x
    assert sort_by_insertion(5, order) == 3
    kept = {frozenset((int(order.one[k]), int(order.other[k]))) for k in range(3)}
    assert kept == {frozenset(pair) for pair in ((1, 2), (1, 3), (2, 3))}
    assert order.place.tolist() == [0, 3, 2, 1, 4]


def test_of_a_long_way_only_the_number_of_exchanges_is_known() -> None:
    order = order_of(40)
    sort_all(np.arange(40.0), 40, order)
    order.level[:] = np.arange(40.0)[::-1]
    assert sort_by_insertion(40, order) == 40 * 39 // 2 > KEPT
    assert order.place.tolist() == list(range(39, -1, -1))
