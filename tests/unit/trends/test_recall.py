"""What a recall reads: the inspections of what it names, by their indexes, and no more of them than a page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from appliance.config.settings import load_settings
from appliance.db.models import columns_of
from appliance.inspections.models import InspectionRow
from appliance.measurements.instruments import add_instrument
from appliance.measurements.models import Measurement
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site
from appliance.trends.recall import _ANY, _OF_ASSET, _OF_BOTH, _OF_INSTRUMENT, recalled
from tests.full_workspace import AT
from tests.measured_workspace import Plant
from tests.postgresql_cluster import cluster


@pytest.fixture
def plant(scope: WorkspaceScope) -> Plant:
    return Plant.of(scope)


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("question", "index"),
    [
        (_ANY, "autoindex"), (_OF_ASSET, "by_asset (asset_id=? AND id>"),
        (_OF_INSTRUMENT, "by_instrument (instrument_id=? AND id>"), (_OF_BOTH, "_id=? AND id>"),
    ],
)  # fmt: skip
def test_a_recall_follows_the_inspections_by_their_own_indexes(
    scope: WorkspaceScope, question: str, index: str
) -> None:
    with scope:
        plan = [row[3] for row in scope.database.fetch(f"EXPLAIN QUERY PLAN {question}", *["x"] * question.count("?"))]
    assert plan[0].startswith("SEARCH i USING INDEX"), plan
    assert index in plan[0], plan
    assert not any("TEMP B-TREE" in step or "AUTOMATIC" in step for step in plan), plan


def test_a_name_is_all_of_its_revisions_in_the_order_of_inspections(plant: Plant) -> None:
    again = add_instrument(plant.scope, "S5-0", b"mpe_mm = 0.04\nserial = '0'\n").id
    made = [plant.measure(0, AT, [0.0], instrument=(again, *plant.instruments)[n % 3]) for n in range(9)]
    of_name = [one.inspection_id for n, one in enumerate(made) if n % 3 < 2]
    assert [one.id for one in recalled(plant.scope, instrument="S5-0")] == of_name
    assert [one.id for one in recalled(plant.scope, instrument="S5-0", limit=3)] == of_name[:3]
    assert [one.id for one in recalled(plant.scope, instrument="S5-0", after=of_name[2], limit=2)] == of_name[3:5]
    assert [one.id for one in recalled(plant.scope, instrument=again)] == of_name[::2]


@pytest.fixture
def many(tmp_path: Path) -> Iterator[Plant]:
    """A workspace on PostgreSQL with 20,000 inspections of two measurements, which the server has counted."""
    server = cluster().new_database()
    with Site.open(load_settings(tmp_path / "appliance", {}), create=True, administrator_url=server) as site:
        site.create_workspace("main", "Main", SYSTEM)
        plant = Plant.of(site.scope(SYSTEM, "main"))
        for asset, instrument in enumerate(plant.instruments):
            plant.measure(asset, AT, [0.0, 0.1], instrument=instrument)
        with plant.scope.transaction():
            for row, table in ((InspectionRow, "inspection"), (Measurement, "measurement")):
                columns = columns_of(row)
                given = {"id": f"{table}.id || n", "inspection_id": "inspection_id || n", "report_number": "NULL"}
                taken = ", ".join(given.get(name, name) for name in columns)
                row._meta.database.execute_sql(
                    f"INSERT INTO {table} ({', '.join(columns)}) SELECT {taken} FROM {table} "
                    "CROSS JOIN (SELECT generate_series(10000, 19999) AS n) AS numbers"
                )
        with psycopg.connect(server, autocommit=True) as administrator:
            administrator.execute("ANALYZE")
        yield plant


@pytest.mark.parametrize(
    ("question", "named"), [(_ANY, ()), (_OF_ASSET, ("asset",)), (_OF_INSTRUMENT, ("instrument",))]
)
def test_a_recall_reads_no_more_rows_than_its_page_on_a_server_too(
    many: Plant, question: str, named: tuple[str, ...]
) -> None:
    ids = {"asset": many.assets[0], "instrument": many.instruments[0]}
    with many.scope as scope:
        values = ("", "", "9999", "", "", "", "", *(ids[one] for one in named), 100)
        rows = scope.database.fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) {question}", *values)
    plan = rows[0][0][0]["Plan"]
    assert plan["Actual Rows"] == 100
    assert max(_rows_read(plan)) <= 100, plan


def _rows_read(plan: dict[str, Any]) -> Iterator[float]:
    for below in plan.get("Plans", []):
        yield from _rows_read(below)
    yield plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
