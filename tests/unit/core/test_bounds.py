"""The box around points, against a plain reduction."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.core.bounds import bounds_of


def test_the_box_is_that_of_a_plain_reduction() -> None:
    xyz = np.random.default_rng(1).normal(0, 50, (200_000, 3))
    lower, upper = bounds_of(xyz)
    assert np.array_equal(lower, xyz.min(axis=0))
    assert np.array_equal(upper, xyz.max(axis=0))


def test_other_layouts_are_taken_too() -> None:
    xyz = np.asfortranarray(np.arange(12.0).reshape(4, 3))
    assert bounds_of(xyz)[1].tolist() == [9.0, 10.0, 11.0]


def test_a_missing_coordinate_spoils_its_axis_and_no_other() -> None:
    lower, upper = bounds_of(np.array([[1.0, np.nan, 0.0], [2.0, 5.0, np.nan], [0.0, 1.0, 1.0]]))
    assert (lower[0], upper[0]) == (0.0, 2.0)
    assert np.isnan(lower[1:]).all()
    assert np.isnan(upper[1:]).all()


def test_no_points_have_no_bounds() -> None:
    with pytest.raises(ValueError, match="no points"):
        bounds_of(np.empty((0, 3)))
