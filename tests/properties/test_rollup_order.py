"""Roll-ups agree to the last bit whatever the order: arrival, merges in any tree, deletions in between."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.spc.exact import NANO_LIMIT, ExactSums, grouped_limbs, negated_limbs
from appliance.spc.sketch import QuantileSketch

WHOLE = st.integers(-NANO_LIMIT, NANO_LIMIT) | st.integers(-1000, 1000)
VALUES = st.lists(WHOLE, max_size=60)

Record = tuple[ExactSums, QuantileSketch]


def of(values: Sequence[int]) -> Record:
    array = np.array(values, dtype=np.int64)
    return ExactSums.of(array), QuantileSketch.of(array)


def bits(record: Record) -> tuple[tuple[int, ...], bytes]:
    return record[0].limbs(), record[1].to_bytes()


def merged(first: Record, second: Record) -> Record:
    return first[0] + second[0], first[1] + second[1]


def by_random_tree(values: list[int], data: st.DataObject) -> Record:
    """Split at a random place, merge what both halves make."""
    if len(values) <= 1:
        return of(values)
    at = data.draw(st.integers(1, len(values) - 1))
    return merged(by_random_tree(values[:at], data), by_random_tree(values[at:], data))


@settings(max_examples=150, deadline=None)
@given(VALUES, st.data())
def test_any_order_and_any_tree_of_merges_give_the_same_bits(values: list[int], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(values))
    assert bits(by_random_tree(list(shuffled), data)) == bits(of(values))


@settings(max_examples=150, deadline=None)
@given(VALUES, VALUES, st.data())
def test_what_is_taken_out_leaves_no_trace(kept: list[int], gone: list[int], data: st.DataObject) -> None:
    """Insertions and deletions one by one, each deletion at some time after its insertion."""
    record = of([])
    waiting = data.draw(st.permutations([*((value, False) for value in kept), *((value, True) for value in gone)]))
    leaving: list[int] = []
    for value, goes in waiting:
        record = merged(record, of([value]))
        leaving += [value] if goes else []
        if leaving and data.draw(st.booleans()):
            out = of([leaving.pop()])
            record = record[0] - out[0], record[1] - out[1]
    for value in leaving:
        record = record[0] - of([value])[0], record[1] - of([value])[1]
    assert bits(record) == bits(of(kept))


@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_limbs_of_arrays_are_those_of_records_with_either_sign(values: list[int]) -> None:
    group = [n % 3 for n in range(len(values))]
    count, total, squares = grouped_limbs(np.array(values, dtype=np.int64), group, 3)
    for g in range(3):
        own = of(values[g::3])[0]
        assert (count[g], *total[g], *squares[g]) == own.limbs()
        minus = negated_limbs(total)[g], negated_limbs(squares)[g]
        assert (*minus[0], *minus[1]) == ExactSums(0, -own.total, -own.squares).limbs()[1:]


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_stored_records_come_back_as_they_were(values: list[int]) -> None:
    sums, sketch = of(values)
    assert ExactSums.from_limbs(*sums.limbs()) == sums
    assert QuantileSketch.from_bytes(sketch.to_bytes()) == sketch


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=40))
def test_bytes_either_are_the_one_spelling_of_a_sketch_or_are_refused(data: bytes) -> None:
    from appliance.errors import InvalidInput

    try:
        sketch = QuantileSketch.from_bytes(data)
    except InvalidInput:
        return
    assert sketch.to_bytes() == data
