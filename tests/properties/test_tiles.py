"""Properties of the working set: nothing lost, nothing moved, exact boxes, even levels."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from appliance.scans.tiles import levels
from appliance.scans.tiles.reader import TileFile
from appliance.scans.tiles.writer import write_tiles

Array = npt.NDArray[Any]

#: Offsets of whole scenes: at the origin, 100 m away, geo-referenced.
PLACES_MM = st.sampled_from([0.0, 1e5, -1e5, 5e8, -4.123456e9])
SPANS_MM = st.sampled_from([0.0, 0.02, 5.0, 3000.0, 20_971.51, 20_971.53, 150_000.0, 2e7])


@st.composite
def clouds(draw: st.DrawFn) -> Array:
    count = draw(st.integers(0, 200))
    unit = draw(hnp.arrays(np.float64, (count, 3), elements=st.floats(0, 1, width=32)))
    return unit * draw(SPANS_MM) + draw(st.tuples(PLACES_MM, PLACES_MM, PLACES_MM))


def sorted_rows(points: Array) -> Array:
    return points[np.lexsort(points.T[::-1])]


def written(xyz: Array, attributes: dict[str, Array] | None = None, **query: Any) -> dict[str, Array]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "points.d2rt"
        write_tiles(path, xyz, attributes or {})
        with TileFile.open(path) as tiles:
            return tiles.points(**query)


def lattice(xyz: Array) -> Array:
    return np.rint(xyz * 100) / 100


@given(clouds())
@settings(max_examples=150, deadline=None)
def test_every_point_returns_once_at_its_place_on_the_lattice(xyz: Array) -> None:
    number = np.arange(len(xyz), dtype=np.float64) / 10
    back = written(xyz, {"deviation_mm": number})
    order = np.argsort(back["deviation_mm"])
    assert np.array_equal(np.rint(back["deviation_mm"][order] * 10), np.arange(len(xyz)))
    assert np.array_equal(back["xyz_mm"][order], lattice(xyz))
    if len(xyz):
        assert np.abs(back["xyz_mm"][order] - xyz).max() <= 0.005 + 2 * np.spacing(np.abs(xyz).max())


@given(clouds(), st.data())
@settings(max_examples=150, deadline=None)
def test_a_box_returns_what_a_filter_of_all_points_returns(xyz: Array, data: st.DataObject) -> None:
    places = lattice(xyz)
    corners = np.sort(data.draw(hnp.arrays(np.float64, (2, 3), elements=st.floats(-0.2, 1.2))), axis=0)
    least = places.min(axis=0) if len(places) else np.zeros(3)
    span = np.ptp(places, axis=0) if len(places) else np.ones(3)
    lower, upper = least + corners * span
    expected = places[((places >= lower) & (places <= upper)).all(axis=1)]
    found = written(xyz, box=(lower, upper))["xyz_mm"]
    assert np.array_equal(sorted_rows(found), sorted_rows(expected))


@given(st.integers(0, 2**31), st.integers(1, 400), st.sampled_from([0.0, 1e5, 5e8]))
@settings(max_examples=60, deadline=None)
def test_each_level_holds_exactly_one_point_of_each_occupied_cell(seed: int, span_mm: int, place_mm: float) -> None:
    rng = np.random.default_rng(seed)
    xyz = rng.random((3000, 3)) * [span_mm, span_mm, 0.5] + place_mm
    coarsest, tile = levels.COARSEST_POINTS, levels.TILE_POINTS
    levels.COARSEST_POINTS, levels.TILE_POINTS = 20, 64  # type: ignore[misc]
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "points.d2rt"
            write_tiles(path, xyz, {})
            with TileFile.open(path) as tiles:
                steps = np.rint(tiles.points()["xyz_mm"] * 100).astype(np.int64)
                origin = steps.min(axis=0)
                assert len(steps) == 3000
                assert len(tiles.levels) > 1
                for number, level in enumerate(tiles.levels[:-1]):
                    cell = round(level.spacing_mm * 100)
                    held = np.rint(tiles.points(max_level=number)["xyz_mm"] * 100).astype(np.int64)
                    occupied = np.unique((steps - origin) // cell, axis=0)
                    assert np.array_equal(sorted_rows((held - origin) // cell), sorted_rows(occupied))
                    spaced = tiles.points(spacing_mm=level.spacing_mm)["xyz_mm"]
                    assert len(spaced) == len(held)
    finally:
        levels.COARSEST_POINTS, levels.TILE_POINTS = coarsest, tile  # type: ignore[misc]
