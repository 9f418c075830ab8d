"""Facets: they tile their triangles, look the same way, are no longer than asked, and few for thin triangles."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.errors import Modified
from appliance.twin import facets
from appliance.twin.facets import corners_of_skin, facets_of
from tests.unit.twin.conftest import plate

VERTICES = np.array([[0.0, 0, 0], [6, 0, 0], [0, 3, 0], [0, 0, 0.5]], np.float32)
TRIANGLES = np.array([[0, 1, 2], [0, 3, 1], [2, 3, 0]], np.int32)


def area_vectors(corners: np.ndarray) -> np.ndarray:
    return np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) / 2


@pytest.mark.parametrize("step", [10.0, 1.0, 0.37])
def test_facets_tile_their_triangles_and_look_the_same_way(step: float) -> None:
    corners, owner = facets_of(VERTICES, TRIANGLES, step)
    whole, parts = area_vectors(VERTICES[TRIANGLES].astype(float)), area_vectors(corners)
    for triangle in range(3):
        own = parts[owner == triangle]
        np.testing.assert_allclose(own.sum(axis=0), whole[triangle], atol=1e-12)
        assert (own @ whole[triangle] > 0).all()
    edges = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)
    assert edges.max() <= step
    assert len(np.unique(np.round(corners.mean(axis=1), 9), axis=0)) == len(corners)


def test_a_long_thin_triangle_falls_into_fewer_facets_than_the_square_of_its_length() -> None:
    thin = np.array([[0, 0, 0], [256, 0, 0], [256, 0.5, 0]], np.float32)
    corners, _ = facets_of(thin, np.array([[0, 1, 2]], np.int32), 1.0)
    assert 256 <= len(corners) <= 256**2 / 3


def test_there_are_never_more_facets_than_memory_is_granted_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facets, "MAX_FACETS", 100)
    corners, owner = facets_of(VERTICES, TRIANGLES, 1e-6)
    assert 50 < len(corners) <= 100
    np.testing.assert_allclose(area_vectors(corners)[owner == 0].sum(axis=0), [0, 0, 9], atol=1e-9)


def test_a_skin_whose_facets_are_others_is_refused() -> None:
    skin = plate()
    assert len(corners_of_skin(skin)) == len(skin.cell_of_facet)
    skin.vertices_mm[0] = (-100, 0, 0)
    with pytest.raises(Modified):
        corners_of_skin(skin)
