"""Registration of two scans: a known motion found again, changes left out, what is not resisted left alone."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.alignment import rigid
from appliance.change.cores import spacing_mm, suited_scales, thinned_cores
from appliance.change.grid import grid_of
from appliance.change.normals import normals_of
from appliance.change.records import Scales
from appliance.change.registration import Registration, register
from appliance.errors import InvalidInput
from tests.unit.change.surfaces import UP, lattice

MOTION = np.array([0.002, -0.001, 0.003, 0.3, -0.2, 0.25])


def hills(seed: int, count: int = 60_000) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-100.0, 100.0, (2, count))
    return np.stack((x, y, 8.0 * np.sin(x / 20.0) * np.cos(y / 15.0) + rng.normal(0.0, 0.02, count)), axis=1)


def registered(first: np.ndarray, second: np.ndarray, scales: Scales | None = None) -> Registration:
    scales = scales or suited_scales(spacing_mm(first))
    cores = first[thinned_cores(first, scales.radius_mm)]
    towards = np.ascontiguousarray(np.broadcast_to(UP, cores.shape))
    normals, _ = normals_of(grid_of(first, scales.radius_mm), cores, towards, scales.normal_mm)
    return register(first, second, cores, normals, scales)


def test_a_known_motion_is_found_again_though_a_quarter_of_the_surface_sank() -> None:
    first, second = hills(1), hills(2)
    second[(second[:, 0] > 0.0) & (second[:, 1] > 0.0), 2] -= 0.5
    pose = rigid.from_small_motion(MOTION, np.zeros(3))
    found = registered(first, rigid.apply(rigid.inverse(pose), second))
    error = rigid.compose(rigid.inverse(pose), found.first_from_second)
    corners = np.array([[x, y, 0.0] for x in (-100.0, 100.0) for y in (-100.0, 100.0)])
    assert np.abs(rigid.apply(error, corners) - corners).max() < 0.02
    assert np.abs((rigid.apply(error, corners) - corners)[:, 2]).max() < 0.004
    assert found.at_rest
    assert found.open_freedoms == 0
    assert found.residual_mm < 0.02


def test_what_a_plane_does_not_resist_is_left_as_it_was() -> None:
    flat = lattice(20.0, 0.25)
    noise = np.random.default_rng(3).normal(0.0, (0.0, 0.0, 0.01), flat.shape)
    found = registered(flat, flat + noise + (0.0, 0.0, 0.4), Scales((3.0,), 1.0, 5.0))
    assert found.open_freedoms == 3
    assert found.first_from_second[:3, 3] == pytest.approx([0.0, 0.0, -0.4], abs=0.003)


def test_scans_further_apart_than_the_depth_are_refused() -> None:
    flat = lattice(20.0, 0.25)
    with pytest.raises(InvalidInput, match="core points only"):
        registered(flat, flat + (0.0, 0.0, 9.0), Scales((3.0,), 1.0, 5.0))
