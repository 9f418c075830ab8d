"""Lists of inspections: newest first, filtered, the latest of each asset."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from appliance.db.listing import Listing
from appliance.errors import NotFound
from appliance.inspections.models import InspectionRow
from appliance.inspections.repository import count_by_state, get_replay, latest_of_assets, list_inspections, under_way
from appliance.plant.assets import create_asset
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site

pytestmark = pytest.mark.sqlite  # rows are written past the rules of a file

#: Asset, state and verdict of seven inspections, in the order of their making.
MADE = (
    ("a", "recorded", "pass"), ("b", "recorded", "fail"), ("a", "failed", None), ("a", "stored", None),
    ("b", "aligned", None), ("a", "recorded", "fail"), ("b", "cancelled", None),
)  # fmt: skip


@pytest.fixture
def ids(site: Site, scope: WorkspaceScope) -> list[str]:
    """The seven, written past the rules of the database: their scans and revisions do not matter here."""
    assets = {name: create_asset(scope, name).id for name in "abc"}
    fixed = dict.fromkeys(("scan_id", "part_id", "cad_revision_id", "characteristic_set_id", "created_by"), "x")
    fixed |= dict.fromkeys(("parameters", "context"), "{}") | dict.fromkeys(("inspected_at", "created_at"), "t")
    fixed["priority"] = "normal"
    with closing(sqlite3.connect(site.databases.path(scope.workspace_id))) as database, database:
        for number, (asset, state, verdict) in enumerate(MADE):
            row = {**fixed, "id": f"ins_{number}", "asset_id": assets[asset], "state": state, "verdict": verdict}
            names = ", ".join(row)
            database.execute(
                f"INSERT INTO inspection ({names}) VALUES ({', '.join('?' * len(row))})", tuple(row.values())
            )
    return [assets[name] for name in "abc"]


def numbers(rows: list[InspectionRow]) -> list[int]:
    return [int(row.id.removeprefix("ins_")) for row in rows]


def test_lists_come_newest_first_and_go_on_behind_an_id(scope: WorkspaceScope, ids: list[str]) -> None:
    assert numbers(list_inspections(scope)) == [6, 5, 4, 3, 2, 1, 0]
    assert numbers(list_inspections(scope, Listing("-id", limit=3))) == [6, 5, 4]
    assert numbers(list_inspections(scope, Listing("-id", ("ins_4",), 3))) == [3, 2, 1]


def test_filters_are_joined_by_and(scope: WorkspaceScope, ids: list[str]) -> None:
    assert numbers(list_inspections(scope, asset_id=ids[0])) == [5, 3, 2, 0]
    assert numbers(list_inspections(scope, asset_id=ids[0], state="recorded")) == [5, 0]
    assert numbers(list_inspections(scope, verdict="fail")) == [5, 1]
    assert numbers(list_inspections(scope, Listing("-id", ("ins_5",)), verdict="fail", asset_id=ids[1])) == [1]
    assert list_inspections(scope, scan_id="another") == []


def test_the_latest_of_each_asset_is_found_where_there_is_one(scope: WorkspaceScope, ids: list[str]) -> None:
    found = latest_of_assets(scope, ids)
    assert {asset: row.id for asset, row in found.items()} == {ids[0]: "ins_5", ids[1]: "ins_6"}
    assert list(latest_of_assets(scope, ids[1:2])) == [ids[1]]
    assert latest_of_assets(scope, []) == {}


def test_what_is_under_way_is_neither_ended_nor_forgotten(scope: WorkspaceScope, ids: list[str]) -> None:
    assert numbers(under_way(scope)) == [3, 4]
    assert count_by_state(scope) == {"recorded": 3, "failed": 1, "stored": 1, "aligned": 1, "cancelled": 1}


def test_a_replay_that_is_not_there_is_not_found(scope: WorkspaceScope, ids: list[str]) -> None:
    with pytest.raises(NotFound):
        get_replay(scope, "ins_0", "rpl_nothing")


def test_each_filter_is_answered_by_one_index(scope: WorkspaceScope, ids: list[str]) -> None:
    """No list sorts or reads the whole table, whatever its size."""
    for column in ("asset_id", "state", "verdict"):
        with scope:
            query = f"SELECT * FROM inspection WHERE {column} = 'x' AND id < 'y' ORDER BY id DESC LIMIT 50"
            plan = scope.database.fetch(f"EXPLAIN QUERY PLAN {query}")
        text = " ".join(str(row[-1]) for row in plan)
        assert "USING INDEX inspection_by" in text
        assert "TEMP B-TREE" not in text
