"""Lists: every order shows every row once, whatever is added in between, and goes on from places of its own only."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.db.listing import Listing, between, equal
from appliance.errors import InvalidInput
from appliance.inspections.models import InspectionRow, Replay
from appliance.inspections.repository import measurements_that
from appliance.measurements.models import Measurement
from appliance.plant.assets import create_asset, list_assets
from appliance.plant.models import Asset, Part
from appliance.plant.parts import create_part
from appliance.scans.models import Scan
from appliance.tenancy.scope import WorkspaceScope

SORTS = ("id", "-id", "name", "-name", "serial", "-serial", "updated_at", "-updated_at")


def walked(scope: WorkspaceScope, sort: str, step: int, **filters: Any) -> list[Any]:
    rows: list[Any] = []
    listing = Listing(sort, limit=step)
    while found := list_assets(scope, listing, **filters):
        rows += found
        listing = Listing(sort, listing.place(found[-1]), step)
    return rows


@pytest.fixture
def stocked(scope: WorkspaceScope) -> WorkspaceScope:
    part = create_part(scope, "bracket")
    for number in range(11):
        create_asset(scope, f"Press {chr(75 - number)}", part=part if number % 2 else None, serial=f"s{number % 3}")
    return scope


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sort=st.sampled_from(SORTS), step=st.integers(1, 12))
def test_every_order_is_walked_whole_in_pages_of_any_size(stocked: WorkspaceScope, sort: str, step: int) -> None:
    rows = walked(stocked, sort, step)
    column = sort.removeprefix("-")
    places = [(getattr(row, column), row.id) for row in rows]
    assert places == sorted(places, reverse=sort.startswith("-"))
    assert len({row.id for row in rows}) == 11


def test_filters_are_joined_and_keep_the_order(stocked: WorkspaceScope) -> None:
    found = walked(stocked, "-name", 1, part="bracket", serial="s1")
    assert [row.name for row in found] == ["Press J", "Press D"]
    assert walked(stocked, "id", 5, serial="nothing") == []


@pytest.mark.parametrize(("search", "names"), [("press k", ["Press K"]), ("K", ["Press K"]), ("%", []), ("_", [])])
def test_a_piece_of_a_name_finds_it_and_is_no_pattern(stocked: WorkspaceScope, search: str, names: list[str]) -> None:
    assert [row.name for row in list_assets(stocked, search=search)] == names


def test_rows_that_come_meanwhile_move_nothing(stocked: WorkspaceScope) -> None:
    first = list_assets(stocked, Listing("serial", limit=4))
    create_asset(stocked, "new", serial="s0")
    rest = list_assets(stocked, Listing("serial", Listing("serial").place(first[-1])))
    names = [row.name for row in first + rest]
    assert len(names) == len(set(names)) == 12


@pytest.mark.parametrize(
    ("sort", "after"),
    [("id", (5,)), ("id", ("a", "b")), ("name", ("a",)), ("name", (1, "b")), ("name", ("a", 2**64)), ("id", (None,)),
     ("name", (["a"], "b")), ("name", (True, "b"))],
)  # fmt: skip
def test_what_is_no_place_of_the_list_is_refused(scope: WorkspaceScope, sort: str, after: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        list_assets(scope, Listing(sort, after))
    assert refused.value.code == "cursor.invalid"


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("model", "column", "filters"),
    [
        (Asset, "name", {}), (Asset, "serial", {}), (Asset, "updated_at", {}), (Asset, "id", {"part_id": "x"}),
        (Asset, "id", {"location": "x"}), (Asset, "id", {"serial": "x"}), (Part, "name", {}), (Part, "updated_at", {}),
        (Scan, "captured_at", {}), (Scan, "stored_bytes", {}), (Scan, "id", {"asset_id": "x"}),
        (Scan, "id", {"device_id": "x"}), (Scan, "id", {"state": "x"}), (InspectionRow, "id", {"part_id": "x"}),
        (InspectionRow, "id", {"asset_id": "x"}), (InspectionRow, "id", {"state": "x"}),
        (Measurement, "measured_at", {}), (Measurement, "id", {"asset_id": "x"}), (Measurement, "id", {"name": "x"}),
        (Measurement, "id", {"decision": "x"}), (Measurement, "id", {"characteristic_id": "x"}),
        (Replay, "id", {"inspection_id": "x"}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("sign", ["", "-"])
def test_an_index_gives_the_order(
    scope: WorkspaceScope, model: Any, column: str, filters: dict[str, str], sign: str
) -> None:
    after = (0 if column == "stored_bytes" else "a", "b")[-1 if column == "id" else 0 :]
    with scope:
        listing = Listing(sign + column, after)
        sql, values = listing.query(model, *equal(model, **filters)).sql()
        plan = [row[3] for row in model._meta.database.execute_sql(f"EXPLAIN QUERY PLAN {sql}", values)]
    assert not any("TEMP B-TREE" in step for step in plan), plan


@pytest.mark.sqlite
@pytest.mark.parametrize("sign", ["", "-"])
def test_what_disagrees_is_found_by_the_index_that_holds_nothing_else(scope: WorkspaceScope, sign: str) -> None:
    with scope:
        sql, values = Listing(sign + "id", ("a",)).query(Measurement, *measurements_that(disagrees=1)).sql()
        plan = [row[3] for row in Measurement._meta.database.execute_sql(f"EXPLAIN QUERY PLAN {sql}", values)]
    assert "measurement_by_disagreement" in plan[0], plan


def test_what_is_not_asked_for_is_no_condition() -> None:
    assert equal(Asset, serial=None) == []
    assert between(Asset.updated_at) == []
    assert len(between(Asset.updated_at, "a", "b")) == 2
