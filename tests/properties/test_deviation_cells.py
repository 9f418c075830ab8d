"""Whatever the mesh, its place and the step: cells share out the area exactly, and every foot has its cell."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull
from scipy.spatial.transform import Rotation

from appliance.cad.records import Box, TriangleMesh, Zone
from appliance.deviation.cells import SurfaceCells
from appliance.mesh.surface import Surface

SEEDS = st.integers(0, 10_000)
STEPS = st.floats(0.3, 30.0)


def hull(seed: int) -> TriangleMesh:
    """A convex body of random corners, randomly turned and moved, wound outwards."""
    rng = np.random.default_rng(seed)
    corners = rng.uniform(-5, 5, (rng.integers(4, 40), 3)) * rng.uniform(0.05, 2.0, 3)
    corners = corners @ Rotation.random(random_state=seed).as_matrix().T + rng.uniform(-50, 50, 3)
    body = ConvexHull(corners)
    triangles = body.simplices.copy()
    a, b, c = corners[triangles].transpose(1, 0, 2)
    inwards = np.einsum("td,td->t", np.cross(b - a, c - a), body.equations[:, :3]) < 0
    triangles[inwards] = triangles[inwards][:, ::-1]
    return TriangleMesh(corners, triangles.astype(np.int32), np.zeros(len(triangles), dtype=np.int32))


def areas(mesh: TriangleMesh) -> np.ndarray:
    a, b, c = mesh.vertices_mm[mesh.triangles].transpose(1, 0, 2)
    return np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2


@settings(max_examples=60, deadline=None)
@given(SEEDS, STEPS)
def test_the_areas_of_the_cells_add_up_to_the_area_of_the_zone(seed: int, step: float) -> None:
    mesh = hull(seed)
    zone = Zone("some", np.arange(0, len(mesh.triangles), 2, dtype=np.int32))
    cells = SurfaceCells.build(Surface.build(mesh), zone, cell_mm=step)
    np.testing.assert_allclose(cells.total_area_mm2, areas(mesh)[zone.triangles].sum(), rtol=1e-10)


@settings(max_examples=60, deadline=None)
@given(SEEDS, STEPS)
def test_two_halves_of_a_box_share_out_the_area_and_the_feet(seed: int, step: float) -> None:
    mesh = hull(seed)
    surface = Surface.build(mesh)
    every = np.arange(len(mesh.triangles), dtype=np.int32)
    low, high = mesh.vertices_mm.min(axis=0) - 1, mesh.vertices_mm.max(axis=0) + 1
    middle = (low + high) / 2
    left = Box(tuple(low), (middle[0], high[1], high[2]))
    right = Box((middle[0], low[1], low[2]), tuple(high))
    halves = [SurfaceCells.build(surface, Zone("half", every, box), cell_mm=step) for box in (left, right)]
    np.testing.assert_allclose(sum(h.total_area_mm2 for h in halves), areas(mesh).sum(), rtol=1e-10)
    rng = np.random.default_rng(seed)
    triangle = rng.integers(0, len(every), 500).astype(np.int32)
    share = rng.dirichlet([1, 1, 1], 500)
    feet = np.einsum("nk,nkd->nd", share, mesh.vertices_mm[mesh.triangles[triangle]])
    cell = [h.lookup(feet, triangle) for h in halves]
    np.testing.assert_array_equal((cell[0] >= 0).astype(int) + (cell[1] >= 0), 1)
    for half, found in zip(halves, cell, strict=True):
        own = found >= 0
        away = np.linalg.norm(feet[own] - half.centre_mm[found[own]], axis=1)
        assert (away <= half.reach_mm[found[own]] + 1e-9).all()


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_corners_and_edges_of_triangles_find_a_cell_too(seed: int) -> None:
    mesh = hull(seed)
    every = np.arange(len(mesh.triangles), dtype=np.int32)
    cells = SurfaceCells.build(Surface.build(mesh), Zone("all", every), cell_mm=0.9)
    for share in ([1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0.5, 0], [0, 0.3, 0.7]):
        feet = np.einsum("k,tkd->td", np.array(share, dtype=np.float64), mesh.vertices_mm[mesh.triangles])
        found = cells.lookup(feet, every)
        assert (found >= 0).all()
        away = np.linalg.norm(feet - cells.centre_mm[found], axis=1)
        assert (away <= cells.reach_mm[found] + 1e-9).all()
