"""What if the limits of another CAD revision had counted: of which values, by which plan, and what is not compared."""

from __future__ import annotations

import pytest

from appliance.cad.models import CadRevision
from appliance.core.ids import new_id
from appliance.errors import Conflict, InvalidInput, NotFound
from appliance.inspections.models import InspectionRow
from appliance.measurements.models import CharacteristicSetRow, Measurement
from appliance.measurements.recording import Finding, key_of, record_measurements
from appliance.measurements.sets import add_set
from appliance.plant.models import Part
from appliance.plant.parts import create_part
from appliance.tenancy.scope import WorkspaceScope
from appliance.trends import what_if_revision
from appliance.trends.what_if_revision import judged_by_revision
from tests.full_workspace import AT
from tests.measured_workspace import Plant

TIGHT = (
    "[zones.z]\n[zones.other]\n"
    '[[characteristic]]\nname = "c0"\nzone = "z"\nquantity = "mean"\nlower = -0.05\nupper = 0.05\ncoverage = 0.9\n'
    '[[characteristic]]\nname = "c1"\nzone = "other"\nquantity = "mean"\nlower = -0.05\nupper = 0.05\ncoverage = 0.9\n'
    '[[characteristic]]\nname = "c2"\nzone = "z"\nquantity = "max"\nlower = -0.05\nupper = 0.05\ncoverage = 0.9\n'
    '[[characteristic]]\nname = "turn"\nzone = "z"\nquantity = "mean"\nlower = -1\nupper = 1\ncoverage = 0.9\n'
)
#: Inside, near and beyond the tight limits, and beyond those of the time too.
VALUES = (0.0, 0.05, 0.09, 0.2)


@pytest.fixture
def plant(scope: WorkspaceScope) -> Plant:
    """Four inspections against the first revision; the part's plan is the tight one by now."""
    plant = Plant.of(scope)
    for day, value in enumerate(VALUES, 1):
        plant.measure(0, f"2026-01-0{day}T12:00:00.000000Z", [value, 0.0, 0.0, 0.0], revision=plant.revisions[0])
    add_set(scope, plant.part, TIGHT.encode())
    return plant


def turn(plant: Plant) -> None:
    """An angle, which is measured too."""
    occasion = plant.occasion(0, AT, plant.revisions[0])
    finding = Finding(key_of("turn", "z", "mean"), "turn", "z", "mean", "deg", 0.1, 0.01, 2.0, -1.0, 1.0, "pass")
    record_measurements(plant.scope, occasion, [finding])


def test_history_is_judged_by_the_limits_of_the_revision_and_nothing_is_written(plant: Plant) -> None:
    with plant.scope:
        before = list(Measurement.select().tuples())
    found = judged_by_revision(plant.scope, plant.revisions[1])
    [one] = found.characteristics
    assert (one.name, one.found.lower, one.found.upper, one.found.judged) == ("c0", -0.05, 0.05, 4)
    assert {(change.before, change.after): change.count for change in one.found.changes} == {
        ("pass", "pass"): 1, ("pass", "inconclusive"): 1, ("inconclusive", "fail"): 1, ("fail", "fail"): 1,
    }  # fmt: skip
    with plant.scope:
        assert list(Measurement.select().tuples()) == before


def test_what_cannot_be_compared_is_named_with_its_reason(plant: Plant) -> None:
    turn(plant)
    found = judged_by_revision(plant.scope, plant.revisions[1])
    assert {one.name: one.reason for one in found.not_compared} == {
        "c1": "zone", "c2": "quantity", "c3": "missing", "turn": "unit",
    }  # fmt: skip
    assert "deg" in next(one.message for one in found.not_compared if one.name == "turn")


def test_it_says_where_geometry_differs_from_that_of_the_values(plant: Plant) -> None:
    imported = plant.occasion(0, "2026-01-09T12:00:00.000000Z")
    record_measurements(
        plant.scope, imported, [Finding(key_of("c0", "z", "mean"), "c0", "z", "mean", "mm", 0, 0.01, 2, -1, 1, "pass")]
    )
    with plant.scope.transaction():
        first = CadRevision.get_by_id(plant.revisions[0])
        twin = CadRevision.create(**first.__data__ | {"id": new_id("cad"), "label": "B2", "zones_sha256": "2" * 64}).id
    changed = judged_by_revision(plant.scope, plant.revisions[1])
    assert [(one.cad_revision_id, one.values, one.is_same_geometry) for one in changed.measured_against] == [
        (plant.revisions[0], 4, False), (None, 1, False),
    ]  # fmt: skip
    assert "only the limits are those of revision 'C'" in changed.note
    assert "B, none (imported)" in changed.note
    same = judged_by_revision(plant.scope, twin, against=plant.revisions[0])
    assert [(one.label, one.is_same_geometry) for one in same.measured_against] == [("B", True)]
    assert "geometry" not in same.note


def test_values_measured_against_the_revision_itself_are_not_judged_again(plant: Plant) -> None:
    plant.measure(0, "2026-02-01T12:00:00.000000Z", [0.0], revision=plant.revisions[1])
    assert judged_by_revision(plant.scope, plant.revisions[1]).characteristics[0].found.judged == 4
    first = judged_by_revision(plant.scope, plant.revisions[0], characteristic_set=_set_of(plant))
    assert first.characteristics[0].found.judged == 1
    within = judged_by_revision(plant.scope, plant.revisions[1], since="2026-01-02", until="2026-01-04T00:00:00Z")
    assert within.characteristics[0].found.judged == 2
    other = judged_by_revision(plant.scope, plant.revisions[1], asset=plant.assets[1])
    assert other.characteristics[0].found.judged == 0


def test_the_plan_is_the_one_asked_for_else_the_latest_inspections_else_the_parts(plant: Plant) -> None:
    current = judged_by_revision(plant.scope, plant.revisions[1])
    assert "nothing was inspected" in current.plan_is
    wide = add_set(plant.scope, plant.part, TIGHT.replace("0.05", "0.5").encode())
    assert judged_by_revision(plant.scope, plant.revisions[1]).characteristic_set_id == wide.id
    with plant.scope.transaction():
        tight = CharacteristicSetRow.get(CharacteristicSetRow.id == current.characteristic_set_id)
        row = plant.inspection()
        against = {"cad_revision_id": plant.revisions[1], "characteristic_set_id": tight.id}
        InspectionRow.update(**against).where(InspectionRow.id == row.id).execute()
    latest = judged_by_revision(plant.scope, plant.revisions[1])
    assert (latest.characteristic_set_id, latest.plan_version) == (tight.id, tight.version)
    asked = judged_by_revision(plant.scope, plant.revisions[1], characteristic_set=wide.id, characteristic="c0")
    assert (asked.plan_is, asked.characteristics[0].found.upper) == ("asked for", 0.5)


def test_the_latest_values_are_judged_where_there_are_too_many(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(what_if_revision, "MOST_VALUES", 2)
    [one] = judged_by_revision(plant.scope, plant.revisions[1]).characteristics
    assert (one.found.judged, one.found.is_complete) == (2, False)
    assert {change.before for change in one.found.changes} == {"inconclusive", "fail"}
    monkeypatch.setattr(what_if_revision, "MOST_CHARACTERISTICS", 3)
    with pytest.raises(InvalidInput, match="4 characteristics"):
        judged_by_revision(plant.scope, plant.revisions[1])


def test_what_belongs_to_another_part_is_refused(plant: Plant) -> None:
    other = create_part(plant.scope, "cover")
    with plant.scope.transaction():
        known = CadRevision.get_by_id(plant.revisions[0]).__data__
        foreign = CadRevision.create(**known | {"id": new_id("cad"), "part_id": other.id}).id
    with pytest.raises(InvalidInput):
        judged_by_revision(plant.scope, plant.revisions[1], against=foreign)
    with pytest.raises(InvalidInput):
        judged_by_revision(plant.scope, foreign, characteristic="c0", characteristic_set=_set_of(plant))
    with pytest.raises(Conflict):
        judged_by_revision(plant.scope, foreign)
    with pytest.raises(NotFound):
        judged_by_revision(plant.scope, "cad_none")


def _set_of(plant: Plant) -> str:
    with plant.scope:
        current: str = Part.known(id=plant.part).current_characteristic_set_id
    return current
