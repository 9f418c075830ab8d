"""Verdicts of an instrument that moved say so, until somebody explains it; nothing that was recorded changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from appliance.audit.database_log import DatabaseLog
from appliance.core.canonical import loads_strict
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.ids import new_id
from appliance.db.listing import Listing
from appliance.errors import Conflict, NotFound
from appliance.inspections.models import InspectionRow
from appliance.inspections.repository import list_inspections, list_measurements
from appliance.measurements.instruments import add_instrument
from appliance.measurements.models import InstrumentSuspicion, Measurement
from appliance.measurements.recording import Occasion
from appliance.measurements.suspicion import lift_suspicion, list_suspicions
from appliance.tenancy.scope import WorkspaceScope
from appliance.trends.instruments import (
    STEADY,
    SUSPECT,
    Suspicion,
    declare_reference,
    instrument_states,
    suspicions_by_revision,
)
from appliance.trends.recall import recalled
from appliance.trends.suspicions import watch_instruments
from tests.measured_workspace import Plant

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
NOISE = np.random.default_rng(5).normal(0.0, 0.01, 60)


def at(day: float) -> str:
    return rfc3339_us(START + timedelta(days=day))


@pytest.fixture
def plant(scope: WorkspaceScope) -> Plant:
    """``press-00`` is an artefact, in which the first instrument moved by 0.1 mm on day 35."""
    plant = Plant.of(scope)
    for day in range(40):
        plant.measure(0, at(day), [NOISE[day] + 0.1 * (day >= 35)], instrument=plant.instruments[0])
    declare_reference(scope, "press-00", "ball bar")
    return plant


def part_measured(plant: Plant, day: float, instrument: int = 0) -> Occasion:
    return plant.measure(1, at(day), [0.0], instrument=plant.instruments[instrument])


def suspects(plant: Plant, asset: int = 1) -> list[str]:
    return [row.id for row in list_inspections(plant.scope, suspect=True, asset_id=plant.assets[asset])]


def rows(plant: Plant) -> list[tuple[object, ...]]:
    with plant.scope:
        return [*InspectionRow.select().tuples(), *Measurement.select().tuples()]


def test_what_was_measured_after_the_instrument_moved_is_suspect_and_nothing_else(plant: Plant) -> None:
    before, after = part_measured(plant, 34), part_measured(plant, 36)
    other = part_measured(plant, 36.5, instrument=1)
    written = rows(plant)
    assert suspects(plant) == []
    assert watch_instruments(plant.scope) == 1
    assert suspects(plant) == [after.inspection_id]
    late = part_measured(plant, 34.5)
    assert suspects(plant) == [late.inspection_id, after.inspection_id]
    clear = list_inspections(plant.scope, suspect=False, asset_id=plant.assets[1])
    assert [row.id for row in clear] == [other.inspection_id, before.inspection_id]
    marked = {row.id: row.instrument_is_suspect for row in list_inspections(plant.scope, asset_id=plant.assets[1])}
    assert [one for one, is_suspect in marked.items() if is_suspect] == [late.inspection_id, after.inspection_id]
    measured = list_measurements(plant.scope, asset_id=plant.assets[1])
    assert {row.inspection_id for row in measured if row.instrument_is_suspect} == set(suspects(plant))
    told = recalled(plant.scope, asset=plant.assets[1])
    assert {one.id for one in told if one.instrument_is_suspect} == set(suspects(plant))
    assert set(written) <= set(rows(plant))


def test_the_artefacts_own_values_are_suspect_from_the_signal_on(plant: Plant) -> None:
    watch_instruments(plant.scope)
    assert [row.measured_at for row in list_inspections(plant.scope, suspect=True)] == [
        at(d) for d in range(39, 34, -1)
    ]


def test_suspects_of_several_instruments_are_one_list_that_goes_on_page_by_page(plant: Plant) -> None:
    made = [part_measured(plant, 36 + n / 8, instrument=n % 2).inspection_id for n in range(6)]
    with plant.scope.transaction():
        for instrument in plant.instruments:
            InstrumentSuspicion.create(
                id=new_id("sus"), instrument_id=instrument, since=at(35.9), evidence="[]", found_at=at(50)
            )
    for sort, wanted in (("-id", made[::-1]), ("id", made)):
        seen: list[str] = []
        while found := list_inspections(
            plant.scope, Listing(sort, (seen[-1],) if seen else (), 4), suspect=True, asset_id=plant.assets[1]
        ):
            seen += [row.id for row in found]
        assert seen == wanted
    assert list_inspections(plant.scope, suspect=False, asset_id=plant.assets[1]) == []


def test_a_second_look_writes_nothing_and_an_earlier_signal_moves_the_moment(plant: Plant) -> None:
    watch_instruments(plant.scope)
    size = DatabaseLog.of(plant.scope).size
    assert watch_instruments(plant.scope) == 0
    assert DatabaseLog.of(plant.scope).size == size
    plant.measure(0, at(30.5), [0.2], instrument=plant.instruments[0])
    assert watch_instruments(plant.scope) == 1
    [one] = list_suspicions(plant.scope, standing=True)
    assert one.since == at(30)
    assert loads_strict(one.evidence)[0]["measured_at"] == at(30.5)


def test_a_suspicion_is_lifted_with_a_reason_once_and_stays_lifted(plant: Plant) -> None:
    part_measured(plant, 36)
    watch_instruments(plant.scope)
    written = rows(plant)
    [one] = list_suspicions(plant.scope)
    with pytest.raises(Conflict):
        lift_suspicion(plant.scope, one.id, "  ")
    lifted = lift_suspicion(plant.scope, one.id, "the ball bar was dropped")
    assert (lifted.lifted_by, lifted.lifted_reason) == ("key_owner", "the ball bar was dropped")
    assert suspects(plant) == []
    assert watch_instruments(plant.scope) == 0
    assert instrument_states(plant.scope)[0].state == STEADY
    assert rows(plant) == written
    assert list_suspicions(plant.scope, standing=True) == []
    assert [row.id for row in list_suspicions(plant.scope, standing=False)] == [one.id]
    with pytest.raises(Conflict):
        lift_suspicion(plant.scope, one.id, "again")
    with pytest.raises(NotFound):
        lift_suspicion(plant.scope, "sus_none", "why")


def test_limits_stay_those_of_the_first_values_and_the_moment_stays_when_the_chart_has_moved_on(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch_instruments(plant.scope)
    for day in range(40, 60):
        plant.measure(0, at(day), [NOISE[day] + 0.1], instrument=plant.instruments[0])
    monkeypatch.setattr("appliance.trends.instruments.MOST_POINTS", 22)  # all of them after it moved
    [state] = instrument_states(plant.scope)
    assert (state.state, state.checked) == (SUSPECT, 22)
    assert watch_instruments(plant.scope) == 0
    [one] = list_suspicions(plant.scope)
    assert one.since == at(34)


def test_what_is_explained_while_the_scheduler_looks_does_not_come_back(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch_instruments(plant.scope)
    [one] = list_suspicions(plant.scope)

    def explained_meanwhile(scope: WorkspaceScope) -> dict[str, list[Suspicion]]:
        found = suspicions_by_revision(scope)
        lift_suspicion(scope, one.id, "the ball bar was dropped")
        return found

    with monkeypatch.context() as patch:
        patch.setattr("appliance.trends.suspicions.suspicions_by_revision", explained_meanwhile)
        assert watch_instruments(plant.scope) == 0
    assert watch_instruments(plant.scope) == 0
    assert list_suspicions(plant.scope, standing=True) == []


def test_what_moves_after_the_explanation_is_suspect_again_since_then(plant: Plant) -> None:
    watch_instruments(plant.scope)
    lift_suspicion(plant.scope, list_suspicions(plant.scope)[0].id, "a speck of dust")
    later = [rfc3339_us(utc_now() + timedelta(days=day)) for day in (1, 2)]
    good = plant.measure(0, later[0], [0.0], instrument=plant.instruments[0])
    assert watch_instruments(plant.scope) == 0
    plant.measure(0, later[1], [0.3], instrument=plant.instruments[0])
    assert watch_instruments(plant.scope) == 1
    [standing] = list_suspicions(plant.scope, standing=True)
    assert standing.since == good.measured_at


def test_a_calibration_begins_anew_and_leaves_earlier_verdicts_suspect(plant: Plant) -> None:
    after = part_measured(plant, 36)
    watch_instruments(plant.scope)
    anew = add_instrument(plant.scope, "S5-0", b"mpe_mm = 0.02\nserial = '0'\n")
    later = plant.measure(1, at(41), [0.0], instrument=anew.id)
    plant.measure(0, at(41), [0.0], instrument=anew.id)
    assert watch_instruments(plant.scope) == 0
    assert suspects(plant) == [after.inspection_id]
    assert later.inspection_id not in suspects(plant)
    assert [one.state for one in instrument_states(plant.scope)] != [SUSPECT]
