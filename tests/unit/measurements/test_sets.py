"""Characteristic sets and instruments: checked when they come, numbered, never overwritten."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from appliance.audit.database_log import DatabaseLog
from appliance.cad.revisions import add_revision
from appliance.errors import InvalidInput, NotFound
from appliance.measurements.instruments import add_instrument, find_instrument, list_instruments
from appliance.measurements.sets import add_set, current_set, get_set, list_sets, select_set
from appliance.objects.sealed import ObjectStore
from appliance.plant.parts import create_part
from appliance.queue.outbox import Event
from appliance.tenancy.scope import WorkspaceScope

HEADER = b"name,zone,quantity,lower_mm,upper_mm,coverage\n"
PLAN = HEADER + b"skin,all,profile,-0.1,0.1,0.9\n"
TIGHTER = HEADER + b"skin,all,profile,-0.05,0.05,0.9\n"
STATEMENT = b'serial = "4711"\ncertificate = "DK-1"\ncalibrated_on = 2026-01-15\ndue_on = 2027-01-15\nmpe_mm = 0.03\n'


@pytest.fixture
def part(scope: WorkspaceScope) -> Any:
    return create_part(scope, "P")


@pytest.fixture
def with_cad(scope: WorkspaceScope, part: Any, tmp_path: Path) -> Any:
    """The part, with a triangle of 30 x 40 (diagonal 50) as its CAD."""
    file = tmp_path / "t.stl"
    facet = "facet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 30 0 0\nvertex 0 40 0\nendloop\nendfacet\n"
    file.write_text(f"solid t\n{facet}endsolid\n")
    add_revision(scope, part, file)
    return part


def told(scope: WorkspaceScope) -> list[str]:
    """Kinds of events; the log must hold the same."""
    log = DatabaseLog.of(scope)
    with scope:
        events = [event.kind for event in Event.select().order_by(Event.seq)]
        assert [json.loads(log.entry(index))["kind"] for index in range(log.size)] == events
    return events


def test_versions_are_counted_and_the_newest_is_current(scope: WorkspaceScope, part: Any) -> None:
    first, second = add_set(scope, "P", PLAN), add_set(scope, part.id, TIGHTER)
    assert (first.version, second.version, first.characteristics) == (1, 2, 1)
    assert first.sha256 == sha256(PLAN).hexdigest()
    assert ObjectStore.of(scope).read(first.object) == PLAN
    for asked in (part, part.id, "P"):  # the row in hand is from before; the answer is not
        assert current_set(scope, asked).id == second.id  # type: ignore[union-attr]
    assert [row.version for row in list_sets(scope, part)] == [1, 2]


def test_the_same_bytes_are_the_same_version_and_become_current_again(scope: WorkspaceScope, part: Any) -> None:
    first = add_set(scope, "P", PLAN)
    add_set(scope, "P", TIGHTER)
    assert add_set(scope, "P", PLAN).id == first.id
    assert add_set(scope, "P", PLAN).id == first.id
    assert current_set(scope, "P").id == first.id  # type: ignore[union-attr]
    assert told(scope)[1:] == ["characteristics.added", "characteristics.added", "characteristics.selected"]
    assert add_set(scope, "P", TIGHTER + b"\n").version == 3


def test_an_earlier_version_is_selected_by_its_id(scope: WorkspaceScope, part: Any) -> None:
    first = add_set(scope, "P", PLAN)
    add_set(scope, "P", TIGHTER)
    select_set(scope, first.id)
    assert current_set(scope, "P").id == first.id  # type: ignore[union-attr]
    with pytest.raises(NotFound):
        select_set(scope, "chr_nothing")


@pytest.mark.parametrize("data", [b"", b"name\nx\n", HEADER, b"\xff\xfe", HEADER + b"x,all,profile,0.1,-0.1,0.9\n"])
def test_a_plan_that_contradicts_itself_leaves_nothing(scope: WorkspaceScope, part: Any, data: bytes) -> None:
    with pytest.raises(InvalidInput):
        add_set(scope, "P", data)
    assert list_sets(scope) == []
    assert told(scope) == ["part.created"]


def test_a_zone_that_the_cad_does_not_have_is_refused_with_the_nearest_one(
    scope: WorkspaceScope, with_cad: Any
) -> None:
    with pytest.raises(InvalidInput, match="Did you mean 'all'") as refused:
        add_set(scope, "P", PLAN.replace(b",all,", b",al,"))
    assert refused.value.code == "zone.unknown"
    add_set(scope, "P", PLAN)


def test_a_plan_may_bring_zones_of_its_own(scope: WorkspaceScope, with_cad: Any) -> None:
    plan = """
[zones.rim]
box = {lower = [-1, -1, -1], upper = [5, 5, 1]}
[[characteristic]]
name = "rim"
zone = "rim"
quantity = "mean"
lower = -0.1
upper = 0.1
"""
    assert add_set(scope, "P", plan.encode()).version == 1


def test_what_the_plan_left_open_is_noted_for_this_cad(scope: WorkspaceScope, with_cad: Any) -> None:
    notes = json.loads(add_set(scope, "P", PLAN).notes)
    assert any("5 mm" in note for note in notes), notes  # a tenth of the diagonal of 50 mm


def test_a_plan_may_come_before_the_cad(scope: WorkspaceScope, part: Any) -> None:
    add_set(scope, "P", PLAN.replace(b",all,", b",later,"))
    assert current_set(scope, "P") is not None


def test_an_instrument_has_revisions(scope: WorkspaceScope) -> None:
    first = add_instrument(scope, "Scanner 3", STATEMENT)
    second = add_instrument(scope, "Scanner 3", STATEMENT.replace(b"2027", b"2028"))
    assert (first.revision, first.serial, first.calibrated_on, first.due_on) == (1, "4711", "2026-01-15", "2027-01-15")
    assert (second.revision, second.due_on) == (2, "2028-01-15")
    assert add_instrument(scope, "Scanner 3", STATEMENT).id == first.id
    assert find_instrument(scope, "Scanner 3").id == second.id
    assert find_instrument(scope, first.id).due_on == "2027-01-15"
    assert ObjectStore.of(scope).read(first.statement_object) == STATEMENT
    assert [row.revision for row in list_instruments(scope)] == [1, 2]
    assert told(scope) == ["instrument.added", "instrument.added"]
    with pytest.raises(NotFound):
        find_instrument(scope, "other")
    with pytest.raises(NotFound):
        get_set(scope, first.id)


def test_a_statement_without_uncertainty_is_refused(scope: WorkspaceScope) -> None:
    with pytest.raises(InvalidInput):
        add_instrument(scope, "S", b'serial = "1"\n')
    assert list_instruments(scope) == []
