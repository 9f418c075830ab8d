"""A surface and its points moved together: distances and signs stay."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from appliance.mesh.surface import Surface
from tests.unit.mesh import shapes

MESH = shapes.bumpy_ball(12)
POINTS = np.random.default_rng(8).uniform(-16, 16, (400, 3))
EXPECTED = Surface.build(MESH).closest(POINTS).distance_mm
TURNS = st.tuples(*[st.floats(-3.2, 3.2)] * 3)
SHIFTS = st.tuples(*[st.floats(-1e5, 1e5)] * 3)


@settings(max_examples=60, deadline=None)
@given(turn=TURNS, shift=SHIFTS)
def test_a_rigid_motion_changes_no_distance(turn: tuple[float, ...], shift: tuple[float, ...]) -> None:
    rotation = Rotation.from_rotvec(turn).as_matrix()
    moved = shapes.mesh_of(MESH.vertices_mm @ rotation.T + shift, MESH.triangles)
    found = Surface.build(moved).closest(POINTS @ rotation.T + shift).distance_mm
    np.testing.assert_allclose(found, EXPECTED, rtol=0, atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(turn=TURNS)
def test_a_mirrored_orientation_turns_every_sign(turn: tuple[float, ...]) -> None:
    rotation = Rotation.from_rotvec(turn).as_matrix()
    inverted = shapes.mesh_of(MESH.vertices_mm @ rotation.T, MESH.triangles[:, ::-1])
    found = Surface.build(inverted).closest(POINTS @ rotation.T).distance_mm
    np.testing.assert_allclose(found, -EXPECTED, rtol=0, atol=1e-9)
