"""A change from above: x to the right, y up, the highest on top, in the colours of the scale, grey where not known."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from appliance.inspections.change_arrays import ChangeArrays
from appliance.reports.change_view import UNCHANGED, UNKNOWN, png_of_change, seen_from_above, span_of
from appliance.scans.export.colours import ABOVE, HIGH_END, LOW_END


def grid(nx: int = 40, ny: int = 20, height_mm: float = 0.0) -> np.ndarray:
    """Core points (nx * ny, 3), 2 mm apart."""
    x, y = np.meshgrid(2.0 * np.arange(nx), 2.0 * np.arange(ny))
    return np.stack((x.ravel(), y.ravel(), np.full(nx * ny, height_mm)), axis=1)


def found(cores: np.ndarray, distance: np.ndarray) -> ChangeArrays:
    """NaN is not known; beyond 0.1 mm is significant."""
    known = ~np.isnan(distance)
    return ChangeArrays(cores, distance, known, known & (np.abs(np.nan_to_num(distance)) > 0.1))


def picture(arrays: ChangeArrays, span_mm: float = 1.0) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(png_of_change(arrays, span_mm))).convert("RGB"))


def test_every_core_point_is_seen_where_it_lies_and_leaves_no_gaps() -> None:
    seen = seen_from_above(grid())
    height, width = seen.shape
    assert width == 1440
    assert height == pytest.approx(width / 2, abs=60)
    assert set(np.unique(seen)) - {-1} == set(range(800))
    inside = seen[30:-30, 30:-30]
    assert (inside >= 0).all()
    assert seen[-14, 14] == 0, "the least x and y: left, below"
    assert seen[14, -14] == 799


@pytest.mark.parametrize("aside_mm", [0.0, 1.0])
def test_the_highest_of_those_above_each_other_is_seen(aside_mm: float) -> None:
    low, high = grid(height_mm=-5.0)[:-42] + (aside_mm, aside_mm, 0.0), grid(height_mm=5.0)
    for cores in (np.vstack([low, high]), np.vstack([high, low])):
        seen = seen_from_above(cores)
        assert (cores[seen[seen >= 0], 2] == 5.0).all()


def test_what_is_only_a_little_lower_is_no_surface_below() -> None:
    slope = grid()
    slope[:, 2] = slope[:, 0]  # 45 degrees
    assert set(np.unique(seen_from_above(slope))) - {-1} == set(range(800))


def test_a_hole_that_is_wider_than_the_points_are_apart_stays_white() -> None:
    cores = grid()
    hole = (np.abs(cores[:, 0] - 40.0) < 9.0) & (np.abs(cores[:, 1] - 20.0) < 9.0)
    seen = seen_from_above(cores[~hole])
    assert seen[seen.shape[0] // 2, 720] == -1


def test_colours_are_those_of_the_scale_and_greys_tell_what_is_not_known() -> None:
    cores = grid()
    column = np.arange(len(cores)) % 40
    distance = np.select([column < 8, column < 16, column < 24, column < 32], [-1.0, 1.0, 1.5, 0.05], np.nan)
    pixels = picture(found(cores, distance))[300, [130, 430, 720, 1000, 1300]]
    assert pixels.tolist() == [list(one) for one in (LOW_END, HIGH_END, ABOVE, UNCHANGED, UNKNOWN)]


def test_the_scale_stands_below_from_minus_to_plus() -> None:
    scale = picture(found(grid(), np.zeros(800)))[-1]
    assert scale[41].tolist() == list(LOW_END)
    assert scale[-42].tolist() == list(HIGH_END)
    assert scale[-1].tolist() == list(ABOVE)


@pytest.mark.parametrize("cores", [np.zeros((1, 3)), np.zeros((7, 3)), grid(1, 50), grid(50, 1)], ids=len)
def test_a_point_or_a_line_is_drawn_too(cores: np.ndarray) -> None:
    seen = seen_from_above(cores)
    assert (seen >= 0).any()
    assert seen.shape[0] <= 1080
    assert picture(found(cores, np.ones(len(cores)))).shape[1] == 1440


@pytest.mark.parametrize(
    ("p1", "p99", "span"), [(-0.31, 0.1, 0.4), (-0.02, 0.9, 1.0), (0.0, 2.0, 2.0), (0.0, 0.0, 0.001)]
)
def test_the_scale_holds_nearly_all_that_is_significant(p1: float, p99: float, span: float) -> None:
    every = {"p1": -9.0, "p99": 9.0}
    assert span_of({"distance_mm": every, "significant_distance_mm": {"p1": p1, "p99": p99}}) == pytest.approx(span)
    nothing = {"p1": None, "p99": None}
    assert span_of({"distance_mm": every, "significant_distance_mm": nothing}) == 0.001
