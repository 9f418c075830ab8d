"""Extra material is found, counted, placed and given to its zones; dust is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from appliance.cad.records import Box, Zone
from appliance.deviation.clusters import clusters_beyond_cap
from appliance.deviation.compare import compare
from appliance.deviation.neighbourhood import examine
from appliance.errors import InvalidInput
from appliance.mesh.surface import Surface


@pytest.fixture(scope="module")
def found(shapes: Any) -> Any:
    rng = np.random.default_rng(0)
    surface = Surface.build(shapes.box((20, 20, 20)))
    part, _ = shapes.points_on(surface.mesh, 20_000)
    spatter = rng.uniform(-0.4, 0.4, (300, 3)) + [5.0, 6.0, 23.0]
    clamp = rng.uniform(-0.4, 0.4, (200, 3)) + [-4.0, 10.0, 10.0]
    dust = np.array([[10.0, 10.0, 40.0], [50.0, 0.0, 0.0]])
    points = np.vstack([part, spatter, clamp, dust])
    around = examine(points, isolation_mm=1.0)
    zones = {
        "top": Zone("top", np.array([10, 11], dtype=np.int32)),
        "far half of top": Zone("far half", np.array([10, 11], dtype=np.int32), Box((10, 0, 0), (20, 20, 20))),
        "left": Zone("left", np.array([0, 1], dtype=np.int32)),
        "bottom": Zone("bottom", np.array([8, 9], dtype=np.int32)),
    }
    deviations = compare(surface, points, around, cap_mm=2.0)
    return clusters_beyond_cap(surface, points, deviations, around, zones, link_mm=1.0), surface, deviations, around


def test_two_clusters_are_found_the_larger_first(found: Any) -> None:
    clusters = found[0]
    assert [c.points for c in clusters] == [300, 200]
    assert clusters[0].centre_mm == pytest.approx((5.0, 6.0, 23.0), abs=0.1)
    assert clusters[0].deviation_mm == pytest.approx(3.4, abs=0.05)


def test_clusters_belong_to_the_zones_of_their_feet_within_the_box(found: Any) -> None:
    assert [c.zones for c in found[0]] == [("top",), ("left",)]


def test_a_clean_part_has_no_cluster(shapes: Any) -> None:
    surface = Surface.build(shapes.box((20, 20, 20)))
    points, _ = shapes.points_on(surface.mesh, 5_000)
    around = examine(points, isolation_mm=1.0)
    deviations = compare(surface, points, around, cap_mm=2.0)
    assert clusters_beyond_cap(surface, points, deviations, around, {}, link_mm=1.0) == ()


def test_a_link_that_is_no_length_is_refused(found: Any) -> None:
    with pytest.raises(InvalidInput):
        clusters_beyond_cap(found[1], np.zeros((0, 3)), found[2], found[3], {}, link_mm=0.0)
