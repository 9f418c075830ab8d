"""The fit: truth recovered, wear shared out as the modes promise, the same bits on one thread and on two."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from appliance.alignment.fit import align
from appliance.errors import InvalidInput
from appliance.mesh.surface import Surface


def off(found: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """How far a found pose lies from the inverse of the true motion: mm at the part's origin, and rad."""
    rest = found @ truth
    return float(np.linalg.norm(rest[:3, 3])), float(Rotation.from_matrix(rest[:3, :3]).magnitude())


def fit(mesh: Any, points: np.ndarray, parts: ModuleType, **given: Any) -> Any:
    given = {"mode": "best_fit_all", "zones": parts.zones_by_face(mesh), "tolerance_mm": 0.2, "cell_mm": 1.0} | given
    return align(Surface.build(mesh), points, **given)


@pytest.fixture(scope="module")
def bracket(parts: ModuleType) -> Any:
    return parts.plate_with_studs((30, 10), (-45, -20))


def test_the_truth_is_found_from_a_rough_start_and_from_none(parts: ModuleType, bracket: Any) -> None:
    points, _ = parts.scan_of(bracket, 20_000, 0.02, seed=3)
    truth = parts.motion((15, -70, 33), (300.0, -20.0, 55.0))
    start = np.linalg.inv(truth @ parts.motion((0.3, 0.3, 0.2), (3.0, -3.0, 2.0)))
    rough = fit(bracket, parts.moved(truth, points), parts, start=start)
    blind = fit(bracket, parts.moved(truth, points), parts)
    for found in (rough, blind):
        shift, turn = off(found.part_from_scanner, truth)
        assert shift < 0.002
        assert turn < 1e-4
        assert not found.ambiguous
        assert found.points_used == 20_000
        assert found.residual_rms_mm == pytest.approx(0.02, rel=0.03)
    np.testing.assert_allclose(rough.part_from_scanner, blind.part_from_scanner, atol=1e-6)


def test_a_part_100_m_from_the_scanner_loses_nothing(parts: ModuleType, bracket: Any) -> None:
    points, _ = parts.scan_of(bracket, 5_000, 0.0, seed=3)
    truth = parts.motion((0, 0, 30), (1e5, -5e4, 2e4))
    found = fit(bracket, parts.moved(truth, points), parts, start=np.linalg.inv(truth))
    np.testing.assert_allclose(parts.moved(found.part_from_scanner, parts.moved(truth, points)), points, atol=1e-8)


def worn_cube(parts: ModuleType) -> tuple[Any, np.ndarray, np.ndarray]:
    """A cube of 50 mm whose whole top is worn by 0.4, scanned without noise on a grid of each face."""
    mesh, h, g = parts.box((50.0, 50.0, 50.0)), 25.0, np.linspace(-24.0, 24.0, 30)
    a, b = (axis.ravel() for axis in np.meshgrid(g, g))
    flat = np.full_like(a, h)
    faces = [
        np.stack([a, b, -flat], axis=1), np.stack([a, b, flat - 0.4], axis=1), np.stack([a, -flat, b], axis=1),
        np.stack([flat, a, b], axis=1), np.stack([a, flat, b], axis=1), np.stack([-flat, a, b], axis=1),
    ]  # fmt: skip
    side = np.repeat(np.arange(6), len(a))
    points = np.concatenate(faces)
    # What lies above the worn top was worn away with it.
    kept = (side == 1) | (points[:, 2] < h - 0.4)
    return mesh, points[kept], side[kept]


@pytest.mark.parametrize(
    ("given", "bottom", "top"),
    [
        ({"mode": "best_fit_all"}, -0.2, -0.2),
        ({"mode": "datum", "datums": ("bottom", "front", "right")}, 0.0, -0.4),
        ({"mode": "reference_zones", "reference_zones": ("bottom", "front", "left")}, 0.0, -0.4),
    ],
)
def test_a_worn_top_is_shared_out_by_a_best_fit_and_kept_whole_by_datums(
    parts: ModuleType, given: dict[str, Any], bottom: float, top: float
) -> None:
    mesh, points, side = worn_cube(parts)
    truth = parts.motion((1.0, 0.5, -0.7), (2.0, -1.0, 3.0))
    start = np.linalg.inv(truth) @ parts.motion((0.2, 0.1, 0.1), (0.5, 0.5, -0.5))
    found = fit(mesh, parts.moved(truth, points), parts, start=start, **given)
    at = parts.moved(found.part_from_scanner, parts.moved(truth, points))
    assert (-25.0 - at[side == 0, 2]).mean() == pytest.approx(bottom, abs=1e-6)
    assert (at[side == 1, 2] - 25.0).mean() == pytest.approx(top, abs=1e-6)


def test_datums_take_three_two_and_one_freedom(parts: ModuleType) -> None:
    mesh, points, _ = worn_cube(parts)
    found = fit(mesh, points, parts, mode="datum", datums=("bottom", "front", "right"), start=np.eye(4))
    assert [stage["freedoms"] for stage in found.details["stages"]] == [3, 2, 1, 0]


def test_a_later_datum_never_moves_an_earlier_one(parts: ModuleType) -> None:
    """The front leans by 0.5 mm over its height: a primary bottom stays flat, the lean stays in the front."""
    mesh, points, side = worn_cube(parts)
    leaning = points.copy()
    leaning[side == 2, 1] += 0.01 * leaning[side == 2, 2]
    found = fit(mesh, leaning, parts, mode="datum", datums=("bottom", "front", "right"), start=np.eye(4))
    at = parts.moved(found.part_from_scanner, leaning)
    np.testing.assert_allclose(at[side == 0, 2], -25.0, atol=1e-6)
    front = at[side == 2]
    assert np.polyfit(front[:, 2], front[:, 1], 1)[0] == pytest.approx(0.01, abs=1e-6)
    assert front[:, 1].mean() == pytest.approx(-25.0, abs=1e-6)


def test_what_datums_leave_open_the_whole_scan_sets_and_the_record_says_so(parts: ModuleType) -> None:
    mesh, points, _ = worn_cube(parts)
    found = fit(mesh, points, parts, mode="datum", datums=("bottom",), start=np.eye(4))
    assert [stage["freedoms"] for stage in found.details["stages"]] == [3, 3]
    assert any("leave 3 of 6 freedoms open" in reason for reason in found.reasons)


def test_a_cylinder_as_secondary_datum_takes_two_freedoms(parts: ModuleType) -> None:
    mesh = parts.merged(parts.box((120, 80, 10)), parts.cylinder(15.0, 50.0, 48, (20, 5, 20)))
    zones = parts.zones_by_face(mesh, (*parts.SIDES, "boss"))
    points, _ = parts.scan_of(mesh, 30_000, 0.01, seed=5)
    found = fit(mesh, points, parts, mode="datum", zones=zones, datums=("bottom", "boss", "front"), start=np.eye(4))
    assert [stage["freedoms"] for stage in found.details["stages"]][:3] == [3, 2, 1]
    assert off(found.part_from_scanner, np.eye(4))[0] < 0.005


def test_a_table_under_the_part_and_strays_around_it_do_not_drag_the_fit(parts: ModuleType, bracket: Any) -> None:
    points, _ = parts.scan_of(bracket, 20_000, 0.02, seed=8)
    rng = np.random.default_rng(9)
    table = np.column_stack([rng.uniform(-150, 150, (4_000, 2)), np.full(4_000, -30.0)])
    strays = rng.uniform(-400, 400, (300, 3))
    given = {"start": parts.motion((0.3, 0.2, 0.1), (2.0, 1.0, 1.0))}
    clean = fit(bracket, points, parts, **given)
    dirty = fit(bracket, np.concatenate([table, points, strays]), parts, **given)
    np.testing.assert_allclose(dirty.part_from_scanner, clean.part_from_scanner, atol=2e-4)
    assert dirty.details["strays"] > 200
    assert dirty.details["strays"] + dirty.details["points_beyond_cap"] >= 4_290


def test_one_thread_and_two_give_the_same_bits(
    parts: ModuleType, bracket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    points, _ = parts.scan_of(bracket, 100_000, 0.05, seed=4)
    found = []
    for threads in ("1", "2"):
        monkeypatch.setenv("D2R_THREADS", threads)
        found.append(fit(bracket, points, parts, start=parts.motion((0.2, 0, 0), (1, 0, 0))))
    one, two = found
    assert one.part_from_scanner.tobytes() == two.part_from_scanner.tobytes()
    assert one.replicates.tobytes() == two.replicates.tobytes()
    assert (one.residual_rms_mm, one.best_distinct_ratio) == (two.residual_rms_mm, two.best_distinct_ratio)


@pytest.mark.parametrize(
    ("code", "given"),
    [
        ("alignment.mode", {"mode": "by eye"}),
        ("alignment.zones.none", {"mode": "datum"}),
        ("alignment.zone.unknown", {"mode": "datum", "datums": ("lid",)}),
        ("alignment.datums", {"mode": "datum", "datums": ("top", "bottom", "left", "right")}),
        ("alignment.scale", {"cell_mm": 0.0}),
        ("alignment.scale", {"tolerance_mm": float("nan")}),
        ("alignment.matrix.mirror", {"start": np.diag([1.0, 1.0, -1.0, 1.0])}),
    ],
)
def test_what_cannot_be_fitted_is_refused(parts: ModuleType, code: str, given: dict[str, Any]) -> None:
    mesh, points, _ = worn_cube(parts)
    with pytest.raises(InvalidInput) as refused:
        fit(mesh, points, parts, **given)
    assert refused.value.code == code


def test_points_that_are_too_few_or_not_finite_are_refused(parts: ModuleType) -> None:
    mesh, points, _ = worn_cube(parts)
    with pytest.raises(InvalidInput) as refused:
        fit(mesh, points[:20], parts)
    assert refused.value.code == "alignment.too_few_points"
    points[7, 1] = np.nan
    with pytest.raises(InvalidInput) as refused:
        fit(mesh, points, parts)
    assert refused.value.code == "alignment.points.finite"


def test_a_scan_that_misses_a_datum_is_refused(parts: ModuleType) -> None:
    mesh, points, side = worn_cube(parts)
    with pytest.raises(InvalidInput) as refused:
        fit(mesh, points[side != 0], parts, mode="datum", datums=("bottom", "front", "right"), start=np.eye(4))
    assert refused.value.code == "alignment.no_overlap"


def test_a_scan_of_something_else_is_refused(parts: ModuleType, bracket: Any) -> None:
    far = np.random.default_rng(4).normal(size=(2_000, 3))
    far *= 5_000.0 / np.linalg.norm(far, axis=1, keepdims=True)  # a hollow ball around whatever pose is tried
    with pytest.raises(InvalidInput) as refused:
        fit(bracket, far, parts, cell_mm=500.0, cap_mm=2.0)
    assert refused.value.code == "alignment.no_overlap"
    assert "the part" in refused.value.message
