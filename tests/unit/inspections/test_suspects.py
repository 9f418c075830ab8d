"""Pages of what depends on an instrument that moved, and of the rest: whole, in order, each from an index."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.ids import new_id
from appliance.db.engine import Engine
from appliance.db.listing import Listing
from appliance.inspections import suspects
from appliance.inspections.repository import list_inspections, list_measurements
from appliance.measurements.models import InstrumentSuspicion, Measurement
from appliance.tenancy.scope import WorkspaceScope
from tests.measured_workspace import Plant

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


def at(day: float) -> str:
    return rfc3339_us(START + timedelta(days=day))


def suspect_since(plant: Plant, instrument: int, since: str) -> None:
    with plant.scope.transaction():
        InstrumentSuspicion.create(
            id=new_id("sus"), instrument_id=plant.instruments[instrument], since=since, evidence="[]", found_at=since
        )


@pytest.fixture
def plant(scope: WorkspaceScope) -> Plant:
    """40 inspections of two values, in no order of time, with either instrument or none; both moved, at other times."""
    plant, random = Plant.of(scope), Random(3)
    for _ in range(40):
        instrument = random.choice([*plant.instruments, None])
        plant.measure(random.randrange(2), at(random.randrange(12)), [0.0, 0.2], instrument=instrument)
    suspect_since(plant, 0, at(5))
    suspect_since(plant, 1, at(8))
    return plant


def expected(rows: list[Any], sort: str, is_suspect: bool, plant: Plant) -> list[str]:
    """The ids that a list holds, told from each row by itself."""
    since = dict(zip(plant.instruments, (at(5), at(8)), strict=True))
    kept = [row for row in rows if (row.measured_at > since.get(row.instrument_id, "9999")) == is_suspect]
    listing = Listing(sort)
    return [row.id for row in sorted(kept, key=listing.place, reverse=sort.startswith("-"))]


def walked(ask: Callable[..., list[Any]], scope: WorkspaceScope, sort: str, step: int, **how: Any) -> list[str]:
    found: list[str] = []
    listing = Listing(sort, limit=step)
    while rows := ask(scope, listing, **how):
        found += [row.id for row in rows]
        listing = Listing(sort, listing.place(rows[-1]), step)
    return found


@pytest.mark.parametrize("is_suspect", [True, False])
@pytest.mark.parametrize("sort", ["id", "-id", "measured_at", "-measured_at"])
@pytest.mark.parametrize("look", [500, 6])
def test_pages_of_measurements_follow_one_another_without_gaps(
    plant: Plant, sort: str, is_suspect: bool, look: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suspects, "LARGEST_PAGE", look)
    for filters in ({}, {"decision": "fail"}, {"asset_id": plant.assets[0], "measured_until": at(10)}):
        rows = list_measurements(plant.scope, Listing(limit=500), **filters)
        wanted = expected(rows, sort, is_suspect, plant)
        assert wanted
        for step in (1, 5, 100):
            seen = walked(list_measurements, plant.scope, sort, step, suspect=is_suspect, **filters)
            assert seen == wanted


@pytest.mark.parametrize("is_suspect", [True, False])
@pytest.mark.parametrize("sort", ["id", "-id"])
@pytest.mark.parametrize("look", [500, 6])
def test_so_do_pages_of_inspections(
    plant: Plant, sort: str, is_suspect: bool, look: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suspects, "LARGEST_PAGE", look)
    plant.inspection()
    rows = [row for row in list_inspections(plant.scope, Listing(limit=500)) if row.measured_at]
    wanted = expected(rows, sort, is_suspect, plant)
    seen = walked(list_inspections, plant.scope, sort, 3, suspect=is_suspect)
    assert [row_id for row_id in seen if row_id in wanted] == wanted
    assert len(seen) == len(wanted) + (not is_suspect), "what nothing was measured of yet is not suspect"


def test_where_nothing_stands_nothing_is_suspect(scope: WorkspaceScope) -> None:
    plant = Plant.of(scope)
    plant.measure(0, at(1), [0.0], instrument=plant.instruments[0])
    assert list_measurements(scope, suspect=True) == []
    assert len(list_measurements(scope, suspect=False)) == 1


def test_a_device_whose_clock_is_ahead_hides_nothing(scope: WorkspaceScope) -> None:
    plant, now = Plant.of(scope), utc_now()
    suspect_since(plant, 0, rfc3339_us(now + timedelta(minutes=3)))
    ahead = plant.measure(0, rfc3339_us(now + timedelta(minutes=4)), [0.0], instrument=plant.instruments[0])
    assert [row.inspection_id for row in list_measurements(scope, suspect=True)] == [ahead.inspection_id]
    assert [row.id for row in list_inspections(scope, suspect=True)] == [ahead.inspection_id]


@pytest.mark.sqlite
@pytest.mark.parametrize("is_suspect", [True, False])
@pytest.mark.parametrize("sort", ["id", "-id", "measured_at", "-measured_at"])
def test_each_page_is_read_from_an_index(
    plant: Plant, sort: str, is_suspect: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suspects, "LARGEST_PAGE", 6)
    asked: list[tuple[str, Any]] = []
    answer = Engine.answer

    def noted(engine: Engine, query: Any) -> Any:
        asked.append(query.sql())
        return answer(engine, query)

    monkeypatch.setattr(Engine, "answer", noted)
    place = (at(12), "x") if sort.startswith("-") else (at(-1), "a")
    lists: list[Any] = [list_measurements] if "measured_at" in sort else [list_measurements, list_inspections]
    for ask in lists:
        ask(plant.scope, Listing(sort, place[-len(Listing(sort).columns) :], 50), suspect=is_suspect)
    with plant.scope:
        database = Measurement._meta.database  # type: ignore[attr-defined]
        plans = [[row[3] for row in database.execute_sql(f"EXPLAIN QUERY PLAN {sql}", values)] for sql, values in asked]
    assert len(plans) == len(lists) * (2 if is_suspect else 6 if len(lists) == 2 else 4), (
        "of two instruments; and of none"
    )
    of_instruments = plans if is_suspect else [plan for n, plan in enumerate(plans) if n % (len(plans) // len(lists))]
    assert all(any("_instrument (instrument_id=?" in step for step in plan) for plan in of_instruments), plans
    for plan in plans:
        assert not any(step.startswith("SCAN") and "INDEX" not in step for step in plan), plan
        assert not any("B-TREE FOR ORDER BY" in step for step in plan), plan
