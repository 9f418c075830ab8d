"""Core points and the scales that are read off a scan."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.change.cores import spacing_mm, suited_scales, thinned_cores
from appliance.errors import InvalidInput
from tests.unit.change.surfaces import lattice


@pytest.mark.parametrize("step", [0.05, 0.2, 0.7])
def test_the_spacing_of_a_lattice_is_its_step(step: float) -> None:
    assert spacing_mm(lattice(25.0, step)) == pytest.approx(step, rel=0.12)


def test_the_spacing_of_a_scan_is_that_of_its_surface_wherever_it_lies() -> None:
    rng = np.random.default_rng(1)
    xy = rng.uniform(0.0, 100.0, (40_000, 2))
    bent = np.stack((xy[:, 0], xy[:, 1], 10.0 * np.sin(xy[:, 0] / 20.0)), axis=1)
    assert spacing_mm(bent) == pytest.approx(0.5, rel=0.15)
    assert spacing_mm(bent + 1e6) == pytest.approx(spacing_mm(bent), rel=1e-3)


def test_strays_do_not_widen_the_spacing() -> None:
    strays = np.random.default_rng(2).uniform(-500.0, 500.0, (50, 3))
    assert spacing_mm(np.vstack((lattice(25.0, 0.2), strays))) == pytest.approx(0.2, rel=0.15)


def test_a_cylinder_of_the_suited_scales_holds_about_fifty_points() -> None:
    scales = suited_scales(0.3)
    assert np.pi * (scales.radius_mm / 0.3) ** 2 == pytest.approx(50, abs=1)


def test_each_place_has_one_core_point_and_it_is_a_point_of_the_scan() -> None:
    flat = lattice(9.99, 0.1)
    chosen = thinned_cores(flat, 2.0)
    assert len(np.unique(chosen)) == len(chosen) == 100
    middle = np.floor((flat[chosen, :2] + 9.99) / 2.0) * 2.0 - 8.99
    assert np.abs(flat[chosen, :2] - middle).max() <= 0.05 + 1e-9


def test_points_in_one_place_and_distances_that_are_none_are_refused() -> None:
    with pytest.raises(InvalidInput, match="one place"):
        spacing_mm(np.ones((5, 3)))
    with pytest.raises(InvalidInput, match="positive"):
        thinned_cores(lattice(1.0, 0.5), 0.0)
