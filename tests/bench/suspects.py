"""Pages of measurements that depend on an instrument which moved, and of the rest, on either backend.

    python tests/bench/suspects.py [sqlite|postgresql] [measurements, default 300,000]

Inspections of 10 measurements over 600 days, nearly all by one instrument, so that those which a list shows lie
together at one end or the other, behind everything that it does not show.  Then what recording costs with the index
that these lists need and without it, in turn, 100 measurements a transaction.

Bar: a page of 100 in some milliseconds, whether many, few or none are suspect.
"""

from __future__ import annotations

import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import psycopg

from appliance.config.settings import load_settings
from appliance.core.clock import rfc3339_us
from appliance.core.ids import first_id, new_id
from appliance.db.listing import Listing
from appliance.db.models import columns_of
from appliance.inspections.models import InspectionRow
from appliance.inspections.repository import list_inspections, list_measurements
from appliance.measurements.models import InstrumentSuspicion, MeasuredCharacteristic, Measurement
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site
from tests.measured_workspace import Plant
from tests.postgresql_cluster import cluster

OF_ONE, AT_ONCE, DAYS = 10, 1000, 600
START = datetime(2025, 1, 1, tzinfo=UTC)
INDEX = "CREATE INDEX measurement_by_instrument ON measurement (instrument_id, id, measured_at)"
#: Which are suspect -> by which instrument, since which share of the time; None: no suspicion stands.
CASES = {
    "no suspicion stands": None, "half of all": (0, 0.5), "all but the first": (0, 0.0), "the latest 30": (0, 0.9999),
    "600 old ones": (1, 0.0), "none after the moment": (1, 0.5),
}  # fmt: skip

Schema = Callable[[str], None]


def moment(share: float) -> datetime:
    return START + timedelta(days=DAYS * share)


def fill(plant: Plant, measurements: int) -> None:
    """Rows in bulk, whose ids are of the time of measuring; the second instrument has 600 of the oldest."""
    plant.measure(0, rfc3339_us(START), [0.0] * OF_ONE)
    with plant.scope:
        known = list(MeasuredCharacteristic.select().order_by(MeasuredCharacteristic.name))
    count, template = measurements // OF_ONE, plant.inspection().__data__
    for first in range(0, count, AT_ONCE):
        inspections, rows = [], []
        for n in range(first, min(first + AT_ONCE, count)):
            at, instrument = moment(n / count), plant.instruments[n < 300 and n % 5 == 0]
            shared = {"instrument_id": instrument, "measured_at": rfc3339_us(at), "asset_id": plant.assets[n % 20]}
            inspections.append({**template, **shared, "id": first_id("ins", at)[:-6] + f"{n:06}"})
            for position, one in enumerate(known):
                rows.append({
                    **shared, "id": first_id("mea", at)[:-8] + f"{n:06}{position:02}", "position": position,
                    "inspection_id": inspections[-1]["id"], "characteristic_id": one.id, "part_id": plant.part,
                    "serial": "1", "source": "scan", "name": one.name, "zone": "z", "quantity": "mean", "unit": "mm",
                    "value": 0.0, "u": 0.01, "k": 2.0, "lower": -0.1, "upper": 0.1, "decision": "pass", "disagrees": 0,
                    "recorded_at": shared["measured_at"],
                })  # fmt: skip
        with plant.scope.transaction():
            for model, made in ((InspectionRow, inspections), (Measurement, rows)):
                columns = columns_of(model)
                values = [[row.get(name) for name in columns] for row in made]
                plant.scope.database.write_rows(model._meta.table_name, columns, values)


def ask(plant: Plant) -> None:
    """Print how long a first page takes in each case, in each order, and one of inspections."""
    for name, case in CASES.items():
        with plant.scope.transaction():
            InstrumentSuspicion.delete().execute()
            if case is not None:
                since = rfc3339_us(moment(case[1]))
                InstrumentSuspicion.create(
                    id=new_id("sus"), instrument_id=plant.instruments[case[0]], since=since, evidence="[]",
                    found_at=since,
                )  # fmt: skip
        for suspect in (True, False):
            found = []
            for how, sort in ((list_measurements, "-id"), (list_measurements, "id"),
                              (list_measurements, "-measured_at"), (list_measurements, "measured_at"),
                              (list_inspections, "-id")):  # fmt: skip
                found.append(f"{timed(how, plant, sort, suspect):7.1f}")
            print(f"  {name:24} {'suspect' if suspect else 'clear':8}{''.join(found)}")


def timed(how: Any, plant: Plant, sort: str, suspect: bool) -> float:
    """Median of seven, ms."""
    times = []
    for _ in range(7):
        begin = time.perf_counter()
        how(plant.scope, Listing(sort), suspect=suspect)
        times.append(1000 * (time.perf_counter() - begin))
    return statistics.median(times)


def recording(plant: Plant, change: Schema) -> None:
    """Print measurements a second with the index and without it, in turn."""
    rates: dict[str, list[float]] = {"without": [], "with": []}
    for n in range(16):
        which = ("without", "with")[n % 2]
        change(INDEX if which == "with" else "DROP INDEX measurement_by_instrument")
        begin = time.perf_counter()
        for k in range(60):
            at = rfc3339_us(moment(1.0 + (n * 60 + k) / 1e6))
            plant.measure(k % 20, at, [0.0] * 100, instrument=plant.instruments[0])
        rates[which].append(6000 / (time.perf_counter() - begin))
    for which, found in rates.items():
        print(f"  recorded {which:8} the index: median {statistics.median(found):.0f}/s, best {max(found):.0f}/s")


def main(backend: str = "sqlite", measurements: str = "300000") -> None:
    how = {"administrator_url": cluster(is_durable=True).new_database()} if backend == "postgresql" else {}
    with tempfile.TemporaryDirectory(prefix="d2r-suspects-") as folder:
        settings = load_settings(Path(folder) / "appliance", {})
        with Site.open(settings, create=True, **how) as site:
            site.create_workspace("w", "W", SYSTEM)
            plant = Plant.of(site.scope(SYSTEM, "w"), 20)
            fill(plant, int(measurements))
            change = postgresql(how["administrator_url"]) if how else sqlite(site, plant)
            change("ANALYZE" if how else "PRAGMA optimize")
            print(f"{backend}, {measurements} measurements, ms: -id, id, -measured_at, measured_at, inspections -id")
            ask(plant)
            recording(plant, change)


def postgresql(url: str) -> Schema:
    def change(sql: str) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            found = connection.execute("SELECT schemaname FROM pg_tables WHERE tablename = 'measurement'").fetchone()
            connection.execute(f'SET search_path TO "{found and found[0]}"'.encode())
            connection.execute(sql.encode())

    return change


def sqlite(site: Site, plant: Plant) -> Schema:
    def change(sql: str) -> None:
        with sqlite3.connect(site.databases.path(plant.scope.workspace_id)) as connection:
            connection.execute(sql)

    return change


if __name__ == "__main__":
    main(*sys.argv[1:])
