"""Exact sums against Python's own integers and rationals, and the certified figures of NIST's hardest sets."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from appliance.errors import InvalidInput
from appliance.spc.exact import LIMB_BITS, NANO_LIMIT, ExactSums, grouped_sums, nano

EXTREMES = [0, 1, -1, NANO_LIMIT, -NANO_LIMIT, (1 << 32) - 1, 1 << 32, -(1 << 32), 12_345_678_901_234]


def test_sums_are_those_of_unbounded_integers() -> None:
    values = EXTREMES * 300
    found = ExactSums.of(np.array(values))
    assert (found.count, found.total, found.squares) == (len(values), sum(values), sum(v * v for v in values))


def test_squares_of_ten_millimetres_do_not_overflow() -> None:
    found = ExactSums.of(np.full(200_000, 10_000_000))
    assert found.squares == 200_000 * 10**14 > 1 << 63


def test_groups_are_summed_apart() -> None:
    rng = np.random.default_rng(0)
    values, group = rng.integers(-NANO_LIMIT, NANO_LIMIT, 5000), rng.integers(0, 7, 5000)
    found = grouped_sums(values, group, 8)
    assert found[7] == ExactSums()
    for g in range(7):
        own = [int(v) for v in values[group == g]]
        assert found[g] == ExactSums(len(own), sum(own), sum(v * v for v in own))


def test_variance_is_the_rational_one_correctly_rounded() -> None:
    values = [1_000_000_007, 1_000_000_009, 1_000_000_014, 999_999_999]
    mean = Fraction(sum(values), 4)
    expected = sum((v - mean) ** 2 for v in values) / 3
    assert ExactSums.of(np.array(values)).variance() == float(expected)


def test_limbs_bring_the_record_back_also_when_a_database_added_them() -> None:
    parts = [ExactSums.of(np.array(EXTREMES)), ExactSums.of(np.array([-NANO_LIMIT] * 50)), ExactSums()]
    for part in parts:
        assert ExactSums.from_limbs(*part.limbs()) == part
        assert all(0 <= low < 1 << LIMB_BITS for low in (part.limbs()[2], part.limbs()[4]))
    added = [sum(limb) for limb in zip(*(part.limbs() for part in parts), strict=True)]
    assert ExactSums.from_limbs(*added) == parts[0] + parts[1] + parts[2]


def test_what_was_never_in_cannot_be_taken_out() -> None:
    with pytest.raises(InvalidInput, match="taken out"):
        ExactSums.of(np.array([1, 2])) - ExactSums.of(np.array([5]))
    with pytest.raises(InvalidInput, match="taken out"):
        ExactSums.of(np.array([1, 2])) - ExactSums.of(np.array([2, 2]))


def test_millimetres_become_nanometres_rounded_half_to_even() -> None:
    assert nano([0.1, -0.000_000_5, 0.000_001_5, 12.345_678_9]).tolist() == [100_000, 0, 2, 12_345_679]


@pytest.mark.parametrize("bad", [[np.nan], [np.inf], [1e10]])
def test_what_is_no_length_is_refused(bad: list[float]) -> None:
    with pytest.raises(InvalidInput):
        nano(bad)


def test_floats_are_not_summed_as_if_they_were_whole() -> None:
    with pytest.raises(InvalidInput, match="whole"):
        ExactSums.of(np.array([1.5]))


@pytest.mark.parametrize("name", ["NUMACC1", "NUMACC2", "NUMACC3", "LEW", "MICHELSO"])
def test_certified_means_and_deviations_are_reproduced_to_every_digit(shared_data: Path, name: str) -> None:
    folder = shared_data / "spc/nist_strd"
    certified = json.loads((folder / "certified.json").read_text())[name]
    lines = (folder / f"{name}.DAT").read_text().splitlines()[certified["skip_lines"] :]
    words = [word for line in lines for word in line.split()[: 1 if certified["column"] == 1 else None]]
    # the decimals as they are printed, in ten-thousandths: floats would lose the digits that these sets are about
    sums = ExactSums.of(np.array([int(Fraction(word) * 10_000) for word in words]))
    assert sums.count == certified["n"]
    assert sums.mean() / 10_000 == pytest.approx(float(certified["mean"]), rel=2e-15)
    assert sums.deviation() / 10_000 == pytest.approx(float(certified["sd"]), rel=2e-15)
