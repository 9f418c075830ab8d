"""The history of a twin: versions, heads, moments, amendments, late scans, roll-backs."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.audit.database_log import DatabaseLog
from appliance.audit.entry import read_entry
from appliance.errors import Conflict, InvalidInput, Modified, NotFound
from appliance.plant.assets import create_asset
from appliance.tenancy.scope import WorkspaceScope
from appliance.twin.models import TwinVersion
from appliance.twin.repository import list_heads, list_versions
from appliance.twin.service import field_of, find_version, roll_back, skin_of_version, twin_of
from tests.unit.twin.conftest import Plant, flat_field, on, plate


def test_every_recorded_inspection_makes_a_version_behind_the_head(plant: Plant) -> None:
    first, second = plant.recorded(1), plant.recorded(2)
    assert (first.number, first.parent_id, first.parent_sha256) == (1, None, "")
    assert (second.number, second.parent_id, second.parent_sha256) == (2, first.id, first.content_sha256)
    assert twin_of(plant.scope, "press-07").id == second.id


def test_a_version_keeps_the_field_of_its_inspection(plant: Plant) -> None:
    wear = np.linspace(-0.2, 0.2, 20)
    wear[3] = np.nan
    version = plant.recorded(1, flat_field(wear, u_mm=0.004))
    found = field_of(plant.scope, version)
    np.testing.assert_allclose(found.mean_mm, wear, atol=0.5e-6)
    assert np.isnan(found.u_mm).tolist() == np.isnan(wear).tolist()
    assert found.u_mm[0] == np.float32(0.004)
    assert skin_of_version(plant.scope, version).zones["left"].sum() == 10


def test_a_scan_that_comes_late_takes_its_place_in_history_and_leaves_the_head(plant: Plant) -> None:
    plant.recorded(1)
    head = plant.recorded(9)
    late = plant.recorded(5)
    assert twin_of(plant.scope, plant.asset).id == head.id
    assert late.parent_id == head.id
    assert twin_of(plant.scope, plant.asset, measured_until=on(6)).id == late.id


def test_both_moments_can_be_asked_for_that_of_measuring_and_that_of_recording(plant: Plant) -> None:
    first = plant.recorded(1)
    head = plant.recorded(9)
    late = plant.recorded(5)
    known = head.recorded_at
    assert twin_of(plant.scope, plant.asset, measured_until=on(6), recorded_until=known).id == first.id
    assert twin_of(plant.scope, plant.asset, measured_until=on(6), recorded_until=late.recorded_at).id == late.id
    assert twin_of(plant.scope, plant.asset, recorded_until=first.recorded_at).id == first.id
    with pytest.raises(NotFound, match="no twin as of then"):
        twin_of(plant.scope, plant.asset, measured_until="2026-02-01T00:00:00.000000Z")


def test_an_amended_inspection_makes_a_version_that_amends_and_the_one_before_counts_no_longer(plant: Plant) -> None:
    row = plant.inspected()
    first = plant.recorded(3, row=row)
    amending = plant.inspected(amends=row.id, reason="wrong instrument")
    second = plant.recorded(3, flat_field(0.5), row=amending, family=[row.id, amending.id])
    assert (second.amends_id, second.reason) == (first.id, "wrong instrument")
    assert plant.now(first).superseded_by == second.id
    assert twin_of(plant.scope, plant.asset).id == second.id
    assert twin_of(plant.scope, plant.asset, recorded_until=first.recorded_at).id == first.id


def test_an_older_amendment_that_is_ready_last_counts_from_its_making_on_no_longer(plant: Plant) -> None:
    row = plant.inspected()
    plant.recorded(3, row=row)
    older, newer = plant.inspected(amends=row.id), plant.inspected(amends=row.id)
    counted = plant.recorded(3, row=newer, family=[row.id, newer.id])
    overtaken = plant.recorded(3, row=older, family=[row.id, older.id, newer.id])
    assert plant.now(overtaken).superseded_by == counted.id
    assert twin_of(plant.scope, plant.asset).id == counted.id


def test_a_roll_back_is_a_new_version_and_withdraws_what_was_measured_later(plant: Plant) -> None:
    first, second, third = plant.recorded(1), plant.recorded(2), plant.recorded(3)
    made = roll_back(plant.scope, plant.asset, first.id, "the wrong part was scanned")
    assert (made.number, made.restores_id, made.parent_id) == (4, first.id, third.id)
    assert made.field_sha256 == first.field_sha256
    assert twin_of(plant.scope, plant.asset).id == made.id
    assert [plant.now(one).superseded_by for one in (first, second, third)] == [made.id] * 3
    assert twin_of(plant.scope, plant.asset, recorded_until=third.recorded_at).id == third.id


def test_a_withdrawn_version_is_brought_back_in_the_same_way(plant: Plant) -> None:
    first, second = plant.recorded(1), plant.recorded(2)
    roll_back(plant.scope, plant.asset, first.id, "a mistake")
    again = roll_back(plant.scope, plant.asset, second.id, "it was none")
    assert twin_of(plant.scope, plant.asset).id == again.id
    assert again.field_sha256 == second.field_sha256


def test_a_roll_back_needs_a_reason_a_version_of_this_asset_and_another_one_than_the_head(plant: Plant) -> None:
    first, head = plant.recorded(1), plant.recorded(2)
    other = create_asset(plant.scope, "press-08", part=plant.part)
    with pytest.raises(InvalidInput, match="for a reason"):
        roll_back(plant.scope, plant.asset, first.id, "  ")
    with pytest.raises(NotFound):
        roll_back(plant.scope, other, first.id, "because")
    with pytest.raises(Conflict, match="already"):
        roll_back(plant.scope, plant.asset, head.id, "because")


def test_recording_and_roll_back_stand_in_the_audit_log_with_the_hash_of_the_version(plant: Plant) -> None:
    first = plant.recorded(1)
    plant.recorded(2)
    made = roll_back(plant.scope, plant.asset, first.id, "because")
    with plant.scope:
        log = DatabaseLog.of(plant.scope)
        entries = [read_entry(log.entry(n)) for n in range(log.size)]
    told = {entry.subjects["version"]: entry for entry in entries if entry.kind.startswith("twin.")}
    assert told[first.content_sha256].kind == "twin.recorded"
    last = told[made.content_sha256]
    assert last.kind == "twin.rolled_back"
    assert (last.facts["restores"], last.facts["reason"], last.facts["withdrawn"]) == (first.id, "because", 2)


@pytest.mark.parametrize(("column", "value"), [("verdict", "fail"), ("measured_at", on(9)), ("field_sha256", "0" * 64)])
def test_a_version_whose_row_was_changed_is_refused(plant: Plant, column: str, value: str) -> None:
    version = plant.recorded(1)
    with plant.scope.transaction():
        TwinVersion.update(**{column: value}).where(TwinVersion.id == version.id).execute()
    with pytest.raises(Modified):
        find_version(plant.scope, version.id)
    with pytest.raises(Modified):
        twin_of(plant.scope, plant.asset)


def test_a_version_that_names_another_object_is_refused(plant: Plant) -> None:
    one, other = plant.recorded(1), plant.recorded(2)
    with plant.scope.transaction():
        TwinVersion.update(field_object=other.field_object).where(TwinVersion.id == one.id).execute()
    with pytest.raises(Modified, match="another object"):
        field_of(plant.scope, plant.now(one))


def test_heads_are_listed_one_an_asset(plant: Plant) -> None:
    other = create_asset(plant.scope, "press-08", part=plant.part)
    plant.recorded(1)
    head, late = plant.recorded(5), plant.recorded(3)
    of_other = plant.recorded(4, row=plant.inspected(asset=other))
    assert {row.id for row in list_heads(plant.scope)} == {head.id, of_other.id}
    listed = list_versions(plant.scope, asset_id=plant.asset.id, measured_since=on(3), measured_until=on(5))
    assert [row.id for row in listed] == [late.id]


def test_skins_and_fields_that_are_equal_are_stored_once(plant: Plant, scope: WorkspaceScope) -> None:
    one, other = plant.recorded(1, flat_field(0.1)), plant.recorded(2, flat_field(0.1), skin=plate())
    assert one.field_object == other.field_object
    assert one.skin_object == other.skin_object
    assert one.content_sha256 != other.content_sha256
