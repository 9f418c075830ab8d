"""The simulated part is closed, oriented and as large as its drawing says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from appliance.simulate.part import machined_housing
from appliance.simulate.scan import StationSetup, sample_surface, simulate_scan

PART = machined_housing(edge_mm=2.5)


def corners() -> np.ndarray:
    return PART.mesh.vertices_mm[PART.mesh.triangles]


def area_of(zone: str) -> float:
    a, b, c = corners()[PART.zones[zone]].transpose(1, 0, 2)
    return float(0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1).sum())


def test_every_edge_joins_two_triangles_that_run_it_both_ways() -> None:
    t = PART.mesh.triangles
    edges = {tuple(edge) for edge in np.concatenate([t[:, [0, 1]], t[:, [1, 2]], t[:, [2, 0]]]).tolist()}
    assert len(edges) == 3 * len(t)
    assert all((b, a) in edges for a, b in edges)


def test_the_volume_is_that_of_the_drawing() -> None:
    a, b, c = corners().transpose(1, 0, 2)
    volume = float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum()) / 6
    drawing = 160 * 100 * 24 + math.pi * (18**2 * 18 + 11**2 * 9 - 15**2 * 14 - 10**2 * 24)
    assert volume == pytest.approx(drawing, rel=1e-4)


def test_zones_have_the_areas_of_the_drawing() -> None:
    assert area_of("pad") == pytest.approx(50 * 50)
    assert area_of("front") == pytest.approx(160 * 24)
    assert area_of("base") == pytest.approx(160 * 100 - math.pi * 100, rel=1e-3)
    assert area_of("bore_wall") == pytest.approx(2 * math.pi * 15 * 14, rel=2e-3)
    assert sum(len(triangles) for triangles in PART.zones.values()) == len(PART.mesh.triangles)


def test_points_spread_evenly_and_lie_on_their_triangle() -> None:
    points, triangle = sample_surface(PART.mesh, 40_000, np.random.default_rng(1))
    top = np.isin(triangle, PART.zones["pad"])
    total = sum(area_of(zone) for zone in PART.zones)
    assert top.mean() == pytest.approx(2500 / total, rel=0.05)
    assert np.abs(points[top][:, 2] - 24.0).max() < 1e-9


def test_a_scan_sees_what_faces_it_and_nothing_behind() -> None:
    above = StationSetup("above", (80.0, 50.0, 600.0))
    (station,) = simulate_scan(PART.mesh, [above], 30_000, noise_mm=0.0, seed=3)
    assert len(station.points_mm) > 20_000
    assert station.points_mm[:, 2].min() > -1e-9
    assert (station.points_mm[:, 2] < 1e-6).sum() == 0


def test_noise_lies_along_the_ray_and_the_seed_decides_it() -> None:
    above = StationSetup("above", (80.0, 50.0, 5000.0))
    first, second = (simulate_scan(PART.mesh, [above], 20_000, noise_mm=0.05, seed=7)[0].points_mm for _ in range(2))
    assert np.array_equal(first, second)
    on_pad = (first[:, 0] > 112) & (first[:, 1] < 48) & (first[:, 2] > 23)
    assert np.std(first[on_pad][:, 2]) == pytest.approx(0.05, rel=0.1)


def test_wear_lowers_the_zone_that_wears() -> None:
    above = StationSetup("above", (80.0, 50.0, 5000.0))

    def worn(points: np.ndarray, triangle: np.ndarray) -> np.ndarray:
        return np.where(np.isin(triangle, PART.zones["pad"]), -0.4, 0.0)

    (station,) = simulate_scan(PART.mesh, [above], 20_000, noise_mm=0.0, seed=7, displacement=worn)
    on_pad = (station.points_mm[:, 0] > 112) & (station.points_mm[:, 1] < 48) & (station.points_mm[:, 2] > 23)
    assert np.allclose(station.points_mm[on_pad][:, 2], 23.6)
