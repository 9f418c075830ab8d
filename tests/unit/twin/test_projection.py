"""History on another CAD revision: the measured surface stays where it is, and nothing is made up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from appliance.errors import InvalidInput
from appliance.plant.assets import create_asset
from appliance.plant.parts import create_part
from appliance.twin import projecting
from appliance.twin.comparing import compare_versions, field_on
from appliance.twin.models import TwinProjection, TwinVersion
from appliance.twin.projection import project, projected
from appliance.twin.records import Skin
from appliance.twin.service import field_of
from tests.unit.twin.conftest import CELLS, Plant, flat_field, plate


def turned(skin: Skin, degrees: float) -> Skin:
    angle = np.radians(degrees)
    return replace(skin, normal=np.tile(np.float32([np.sin(angle), 0, np.cos(angle)]), (CELLS, 1)))


def arc(count: int, radius_mm: float) -> Skin:
    """Anchors and normals on a cylinder about y; the other arrays are those of nothing."""
    angle = np.linspace(0, np.pi / 2, count)
    normal = np.stack([np.sin(angle), 0 * angle, np.cos(angle)], axis=1).astype(np.float32)
    ones = np.ones(count, np.float32)
    return replace(
        plate(), cell_mm=1.0, area_mm2=ones, anchor_mm=(radius_mm * normal).astype(np.float32), normal=normal
    )


def test_on_the_same_surface_every_cell_is_its_own_counterpart() -> None:
    found = project(plate(), plate())
    assert found.source.tolist() == list(range(CELLS))
    assert not found.step_mm.any()


def test_a_face_that_the_new_revision_raised_shows_as_that_much_less_material() -> None:
    found = projected(flat_field(0.1), project(plate(), plate(z_mm=0.3)))
    np.testing.assert_allclose(found.mean_mm, -0.2, atol=1e-6)
    np.testing.assert_allclose(found.u_mm, 0.01)


def test_cells_of_another_size_on_a_cylinder_see_the_same_deviation() -> None:
    # anchors of 300 and 211 cells on one arc: steps along it, up to 0.2 mm, must not leak into the deviation
    found = projected(flat_field(0.05, cells=300), project(arc(300, 40.0), arc(211, 40.0)))
    np.testing.assert_allclose(found.mean_mm, 0.05, atol=5e-6)


def test_what_is_too_far_or_looks_elsewhere_has_no_counterpart() -> None:
    assert (project(plate(), plate(z_mm=3.5)).source == -1).all()
    assert (project(plate(), turned(plate(), 31)).source == -1).all()
    assert (project(plate(), turned(plate(), 29)).source >= 0).all()
    assert not projected(flat_field(0.1), project(plate(), plate(z_mm=3.5))).seen.any()


def test_a_cell_that_was_not_seen_is_not_seen_on_the_new_surface_either() -> None:
    blind = np.where(np.arange(CELLS) == 6, np.nan, 0.0)
    found = projected(flat_field(blind), project(plate(), plate(z_mm=0.1)))
    assert np.flatnonzero(~found.seen).tolist() == [6]


def test_versions_of_two_revisions_are_compared_on_the_later_surface_and_keep_their_own(plant: Plant) -> None:
    before = plant.recorded(1, flat_field(0.0), cells="old")
    after = plant.recorded(2, flat_field(-0.3), skin=plate(z_mm=0.3), cells="new")
    found = compare_versions(plant.scope, before, after)
    assert not found.change.changed.any(), "the surface did not move, the design did"
    np.testing.assert_allclose(field_of(plant.scope, before).mean_mm, 0.0)
    assert found.no_counterpart == 0


def test_a_projection_is_computed_once_a_pair_of_surfaces(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = plant.recorded(1, cells="old"), plant.recorded(2, skin=plate(z_mm=0.3), cells="new")
    first, _ = field_on(plant.scope, before, after)
    monkeypatch.setattr(projecting, "project", lambda *_: pytest.fail("computed again"))
    again, _ = field_on(plant.scope, before, after)
    np.testing.assert_array_equal(again.mean_nm, first.mean_nm)
    with plant.scope:
        assert TwinProjection.select().count() == 1


def test_versions_of_different_parts_are_not_compared(plant: Plant) -> None:
    one = plant.recorded(1, cells="old")
    other_part = create_part(plant.scope, "other")
    create_asset(plant.scope, "press-09", part=other_part)
    foreign = TwinVersion(**{**one.__data__, "part_id": other_part.id, "cells_sha256": "new"})
    with pytest.raises(InvalidInput, match="different parts"):
        compare_versions(plant.scope, one, foreign)
