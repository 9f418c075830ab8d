"""Measurements: one way in, a lasting identity for what is measured, amendments that supersede."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from appliance.errors import Conflict, InvalidInput
from appliance.inspections.models import InspectionRow
from appliance.measurements.models import IMPORT, MeasuredCharacteristic, Measurement
from appliance.measurements.recording import Finding, Occasion, key_of, record_measurements, supersede_measurements
from appliance.tenancy.scope import WorkspaceScope
from tests.full_workspace import AT, fill

ANGLE = Finding("12", "Cone angle", "", "angle", "deg", 90.4, 0.05, 2.0, 89.0, 91.0, "pass", source_decision="fail")


@pytest.fixture
def occasion(scope: WorkspaceScope) -> Occasion:
    """An inspection of a workspace in which others have measured already."""
    fill(scope, Random(1))
    with scope:
        row = InspectionRow.select().order_by(InspectionRow.id.desc()).first()
    return Occasion(row.id, row.part_id, row.asset_id, "0007", IMPORT, AT, operator_id="per_1")


def test_what_was_measured_is_kept_in_its_unit_and_order(scope: WorkspaceScope, occasion: Occasion) -> None:
    length = replace(ANGLE, key="13", name="Length", unit="mm", quantity="length")
    record_measurements(scope, occasion, [length, ANGLE])
    with scope:
        found = Measurement.select().where(Measurement.source == IMPORT).order_by(Measurement.position)
        first, second = found
    assert (first.value_mm, first.upper_mm, first.expanded_mm) == (90.4, 91.0, 0.1)
    assert (second.value, second.unit, second.value_mm, second.u_mm) == (90.4, "deg", None, None)
    assert (second.serial, second.operator_id, second.measured_at, second.part_id) == (
        "0007", "per_1", AT, occasion.part_id,
    )  # fmt: skip
    assert (second.source_decision, second.disagrees) == ("fail", 1)
    assert second.recorded_at > AT


def test_a_characteristic_keeps_its_identity_from_one_inspection_to_the_next(
    scope: WorkspaceScope, occasion: Occasion
) -> None:
    renamed = replace(ANGLE, name="Cone angle of bore 3", value=90.5)
    first = record_measurements(scope, occasion, [ANGLE])
    with scope:
        other = InspectionRow.select().where(InspectionRow.id != occasion.inspection_id).first()
    again = record_measurements(scope, replace(occasion, inspection_id=other.id), [renamed])
    assert first == again
    with scope:
        assert MeasuredCharacteristic.select().where(MeasuredCharacteristic.key == "12").count() == 1


def test_two_characteristics_may_share_a_name(scope: WorkspaceScope, occasion: Occasion) -> None:
    ids = record_measurements(scope, occasion, [ANGLE, replace(ANGLE, key="15")])
    assert len(set(ids)) == 2


def test_keys_of_scans_differ_whatever_signs_names_hold() -> None:
    assert key_of("c", "a:1:b", "mean") != key_of("b:c", "a:1", "mean") != key_of("1:b:c", "a", "mean")


def test_one_characteristic_is_measured_once_in_an_inspection(scope: WorkspaceScope, occasion: Occasion) -> None:
    with pytest.raises(InvalidInput) as refused:
        record_measurements(scope, occasion, [ANGLE, ANGLE])
    assert refused.value.code == "measurement.twice"


def test_another_unit_than_before_is_refused_and_nothing_is_kept(scope: WorkspaceScope, occasion: Occasion) -> None:
    record_measurements(scope, occasion, [ANGLE])
    with scope:
        before = Measurement.select().count(), MeasuredCharacteristic.select().count()
    new = replace(ANGLE, key="99")
    with pytest.raises(Conflict) as refused:
        record_measurements(scope, occasion, [new, replace(ANGLE, unit="mm")])
    assert refused.value.code == "measurement.unit"
    with scope:
        assert (Measurement.select().count(), MeasuredCharacteristic.select().count()) == before


def test_more_findings_than_one_statement_takes_are_all_written(scope: WorkspaceScope, occasion: Occasion) -> None:
    many = [replace(ANGLE, key=str(number)) for number in range(1201)]
    assert len(set(record_measurements(scope, occasion, many))) == 1201
    with scope:
        assert Measurement.select().where(Measurement.inspection_id == occasion.inspection_id).count() >= 1201


def test_what_is_superseded_stays_and_is_told_once(scope: WorkspaceScope, occasion: Occasion) -> None:
    with scope:
        older = InspectionRow.select().where(InspectionRow.id != occasion.inspection_id).first().id
        values = [row.value for row in Measurement.select().where(Measurement.inspection_id == older)]
    counted = supersede_measurements(scope, [older], occasion.inspection_id)
    assert [row.value for row in counted] == values
    assert values
    assert supersede_measurements(scope, [older], occasion.inspection_id) == []
    with scope:
        kept = list(Measurement.select().where(Measurement.superseded_by == occasion.inspection_id))
    assert [row.value for row in kept] == values
