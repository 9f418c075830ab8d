"""Facets: they tile their triangles, look the same way, and are no longer than asked."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.twin.facets import MAX_CUTS, cuts_of, facets_of

VERTICES = np.array([[0.0, 0, 0], [6, 0, 0], [0, 3, 0], [0, 0, 0.5]])
TRIANGLES = np.array([[0, 1, 2], [0, 3, 1], [2, 3, 0]], np.int32)


def area_vectors(corners: np.ndarray) -> np.ndarray:
    return np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) / 2


@pytest.mark.parametrize("step", [10.0, 1.0, 0.37])
def test_facets_tile_their_triangles_and_look_the_same_way(step: float) -> None:
    cuts = cuts_of(VERTICES, TRIANGLES, step)
    corners, owner = facets_of(VERTICES, TRIANGLES, cuts)
    assert len(corners) == (cuts**2).sum()
    whole, parts = area_vectors(VERTICES[TRIANGLES]), area_vectors(corners)
    for triangle in range(3):
        own = parts[owner == triangle]
        np.testing.assert_allclose(own.sum(axis=0), whole[triangle], atol=1e-12)
        np.testing.assert_allclose(own, np.broadcast_to(whole[triangle] / cuts[triangle] ** 2, own.shape), atol=1e-12)
    middles = np.round(corners.mean(axis=1), 9)
    assert len(np.unique(middles, axis=0)) == len(corners)
    edges = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)
    assert edges.max() <= step * (1 + 1e-12)


def test_no_triangle_falls_into_more_facets_than_a_picture_shows() -> None:
    assert cuts_of(VERTICES, TRIANGLES, 1e-9).tolist() == [MAX_CUTS] * 3
