"""A supplied alignment as users write it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from appliance.errors import InvalidInput
from appliance.inspections.alignment_file import as_replicates, read_supplied

MATRIX = [[1, 0, 0, 2.5], [0, 1, 0, 0], [0, 0, 1, -1], [0, 0, 0, 1]]


def test_a_matrix_may_stand_alone_flat_or_named() -> None:
    for content in (
        MATRIX,
        [number for row in MATRIX for number in row],
        {"part_from_scanner": MATRIX},
        {"alignment": {"part_from_scanner": MATRIX}},
    ):
        assert np.array_equal(read_supplied(json.dumps(content).encode()).part_from_scanner, MATRIX)


def test_its_lengths_are_in_its_unit() -> None:
    found = read_supplied(json.dumps({"part_from_scanner": MATRIX, "unit": "m"}).encode()).part_from_scanner
    assert found[:3, 3].tolist() == [2500.0, 0.0, -1000.0]
    assert found[0, 0] == 1.0


def test_stated_uncertainties_come_back_from_the_jackknife() -> None:
    content = {"part_from_scanner": MATRIX, "translation_u_mm": 0.02, "rotation_u_rad": 1e-4}
    found = read_supplied(json.dumps(content).encode())
    replicates = as_replicates(found.translation_u_mm, found.rotation_u_rad)
    g = len(replicates)
    variance = (g - 1) / g * np.square(replicates - replicates.mean(axis=0)).sum(axis=0)
    assert np.sqrt(variance) == pytest.approx([1e-4] * 3 + [0.02] * 3)


@pytest.mark.parametrize(
    "content",
    ["{", "{}", "[]", "[[1,2],[3,4]]", '{"part_from_scanner": "no"}', '{"part_from_scanner": [[1,"a",0,0]]}', "null",
     '{"part_from_scanner": 1, "part_from_scanner": 2}', '{"alignment": 3}', "[NaN]"],
)  # fmt: skip
def test_what_is_no_matrix_is_refused(content: str) -> None:
    with pytest.raises(InvalidInput):
        read_supplied(content.encode())


def test_a_negative_uncertainty_is_refused() -> None:
    with pytest.raises(InvalidInput, match="translation_u_mm"):
        read_supplied(json.dumps({"part_from_scanner": MATRIX, "translation_u_mm": -1}).encode())
