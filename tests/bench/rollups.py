"""Questions to many measurements at 20 clients while more come in, on either backend, and the same asked of the rows.

    python tests/bench/rollups.py [sqlite|postgresql] [measurements, default 400,000] [workspaces, default 2] [seconds]

Every workspace has one part of 100 characteristics and 20 assets, inspected in turn for a year: more measurements are
more inspections a day.  Filled in bulk and rolled up by ``rebuild``.  Then 20 clients, ten threads in each of two
processes as the appliance serves them, ask every dashboard question in turn, and one page of measurements, while
another process records inspections of 100 measurements into all workspaces in turn, each in a transaction of its own;
the inspections are there before, as those of scans are from their acceptance on.  First every client asks once
a second, as pages do that are looked at, and ten inspections come in a second; then both without a pause, so that
all figures are those of a queue of 20.

Bars, for two processors that nothing else uses: P95 of dashboard questions below 200 ms, of record queries below 50 ms,
insertion of 5,000 measurements/s on PostgreSQL.  Figures of a question
that grow with rows and not with buckets show in two runs of different size.
"""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import psycopg

from appliance.config.settings import load_settings
from appliance.core.clock import rfc3339_us
from appliance.core.ids import new_id
from appliance.db.listing import Listing
from appliance.db.models import columns_of
from appliance.inspections.models import InspectionRow
from appliance.inspections.repository import list_measurements
from appliance.measurements.models import SCAN, MeasuredCharacteristic, Measurement
from appliance.measurements.recording import Occasion
from appliance.rollups.keeping import rebuild
from appliance.tenancy.postgresql import provision
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site
from appliance.trends.capability import capability_of
from appliance.trends.charts import control_chart, freeze_limits
from appliance.trends.comparing import comparison
from appliance.trends.degrading import degrading
from appliance.trends.recall import recalled
from appliance.trends.violations import violations
from tests.measured_workspace import Plant
from tests.postgresql_cluster import cluster

CHARACTERISTICS, ASSETS, CLIENTS = 100, 20, 20
#: Values that limits are frozen of, where there are so many.
FROZEN = 1_000
START, DAYS = datetime(2025, 1, 1, tzinfo=UTC), 365
#: The same questions to the rows themselves.
RAW = {
    "violations, a year": "SELECT characteristic_id, decision, COUNT(*), MIN(value), MAX(value) FROM measurement "
    "WHERE part_id = ? AND superseded_by IS NULL GROUP BY characteristic_id, decision",
    "degrading": "SELECT characteristic_id, asset_id, COUNT(*), SUM(value), SUM(value * value) FROM measurement "
    "WHERE part_id = ? AND superseded_by IS NULL GROUP BY characteristic_id, asset_id",
    "comparison, instruments": "SELECT instrument_id, COUNT(*), SUM(value), SUM(value * value) FROM measurement "
    "WHERE part_id = ? AND superseded_by IS NULL GROUP BY instrument_id",
}


def moment(share: float) -> str:
    """A moment of the year."""
    return rfc3339_us(START + timedelta(days=DAYS * share))


def fill(scope: WorkspaceScope, plant: Plant, measurements: int, administrator_url: str | None) -> None:
    """A year of measurements, the rows in bulk; characteristics 0 to 4 of the first asset move to their limit."""
    plant.measure(0, moment(0), [0.0] * CHARACTERISTICS)
    measured, inspected = list(columns_of(Measurement)), list(columns_of(InspectionRow))
    if administrator_url is None:
        with closing(sqlite3.connect(scope.database.database.path, isolation_level=None)) as owner:
            indexes = owner.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'measurement' AND sql > ''"
            ).fetchall()
            for name, _ in indexes:
                owner.execute(f"DROP INDEX {name}")
            for own, rows in _batches(scope, plant, measurements // CHARACTERISTICS, measured, inspected):
                with scope.transaction():
                    scope.database.write_rows("inspection", columns_of(InspectionRow), own)
                    scope.database.write_rows("measurement", columns_of(Measurement), rows)
            owner.execute("PRAGMA cache_size = -500000")
            for _, definition in indexes:
                owner.execute(definition)
        return
    with psycopg.connect(administrator_url, autocommit=True) as administrator, administrator.cursor() as cursor:
        administrator.execute(f"SET search_path TO {scope.workspace_id}".encode())
        administrator.execute("SET session_replication_role = replica")  # what is written refers to what is there
        indexes = administrator.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename = "
            "'measurement' AND indexname NOT IN (SELECT conname FROM pg_constraint)"
        ).fetchall()
        for name, _ in indexes:
            administrator.execute(f"DROP INDEX {name}".encode())
        for own, rows in _batches(scope, plant, measurements // CHARACTERISTICS, measured, inspected):
            for table, columns, written in (("inspection", inspected, own), ("measurement", measured, rows)):
                with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN".encode()) as copy:
                    copy.write("".join(_line(row) for row in written))
        administrator.execute("SET maintenance_work_mem = '512MB'")
        for _, definition in indexes:
            administrator.execute(definition.encode())
        administrator.execute("VACUUM ANALYZE inspection, measurement")


def _line(row: list[Any]) -> str:
    return "\t".join(["\\N" if value is None else str(value) for value in row]) + "\n"


def _batches(
    scope: WorkspaceScope, plant: Plant, inspections: int, measured: list[str], inspected: list[str]
) -> Iterator[tuple[list[list[Any]], list[list[Any]]]]:
    """Rows of 200 inspections at a time, and of their measurements."""
    with scope:
        known = {row.name: row for row in MeasuredCharacteristic.select()}
    rng, template = np.random.default_rng(1), plant.inspection().__data__
    patterns = [
        [_row(plant, known[f"c{place}"], "", "", asset, place, 0.0, measured) for place in range(CHARACTERISTICS)]
        for asset in range(ASSETS)
    ]
    id_at, inspection_at, value_at, decision_at, at_at, recorded_at = (
        measured.index(name) for name in ("id", "inspection_id", "value", "decision", "measured_at", "recorded_at")
    )
    for first in range(0, inspections, 200):
        rows, own = [], []
        for n in range(first, min(first + 200, inspections)):
            id_, at, asset = new_id("ins"), moment(n / inspections), n % ASSETS
            given = template | {
                "id": id_, "asset_id": plant.assets[asset], "instrument_id": plant.instruments[asset % 2],
                "measured_at": at,
            }  # fmt: skip
            own.append([given.get(name) for name in inspected])
            values = rng.normal(0.0, 0.02, CHARACTERISTICS)
            values[:5] += 0.08 * n / inspections * (asset == 0)
            for pattern, value in zip(patterns[asset], values.tolist(), strict=True):
                row = pattern.copy()
                row[id_at], row[inspection_at], row[value_at] = new_id("mea"), id_, value
                row[decision_at], row[at_at], row[recorded_at] = _decision(value), at, at
                rows.append(row)
        yield own, rows


def _decision(value: float) -> str:
    return "fail" if abs(value) > 0.1165 else "pass" if abs(value) < 0.0835 else "inconclusive"


def _row(
    plant: Plant, known: Any, inspection: str, at: str, asset: int, position: int, value: float, columns: Iterable[str]
) -> list[Any]:
    given = {
        "id": new_id("mea"), "inspection_id": inspection, "position": position, "characteristic_id": known.id,
        "part_id": plant.part, "asset_id": plant.assets[asset], "serial": f"{asset:04}", "source": "scan",
        "cad_revision_id": plant.revisions[0], "instrument_id": plant.instruments[asset % 2], "operator_id": "psn_1",
        "name": known.name, "zone": "z", "quantity": "mean", "unit": "mm", "value": value, "u": 0.01, "k": 2.0,
        "expanded": 0.02, "lower": -0.1, "upper": 0.1, "decision": _decision(value), "disagrees": 0, "measured_at": at,
        "recorded_at": at,
    }  # fmt: skip
    return [given.get(name) for name in columns]


def filled(folder: Path, number: int, plant: Plant, measurements: int, administrator_url: str | None) -> str:
    """Fill a workspace in a process of its own; what there is to say of it."""
    with Site.open(load_settings(folder / "appliance", {})) as site:
        scope = site.scope(SYSTEM, f"w{number}")
        own, begin = replace(plant, scope=scope), time.perf_counter()
        fill(scope, own, measurements, administrator_url)
        wrote, begin = time.perf_counter() - begin, time.perf_counter()
        count = rebuild(scope)
        rate = count / (time.perf_counter() - begin)
        in_control = min(0.5, FROZEN / (count / CHARACTERISTICS / ASSETS))
        freeze_limits(scope, "c7", moment(0), moment(in_control), "in control", asset=plant.assets[0])
    if administrator_url is not None:  # a year's changes in minutes leave behind what a year would not
        with psycopg.connect(administrator_url, autocommit=True) as administrator:
            for table in ("rollup", "rollup_quantile"):
                administrator.execute(f"VACUUM FULL {scope.workspace_id}.{table}".encode())
    return f"  w{number} filled in {wrote:.0f} s; rebuild of {count} measurements: {rate:.0f}/s"


def questions(scope: WorkspaceScope, plant: Plant) -> dict[str, Callable[[], Any]]:
    """Every dashboard question, and the record queries, whose names begin with 'record'."""
    part, asset, last_quarter = plant.part, plant.assets[0], moment(0.75)
    return {
        "degrading": lambda: degrading(scope),
        "degrading, one asset": lambda: degrading(scope, asset=asset),
        "violations, a year": lambda: violations(scope, "part", part),
        "violations, one asset": lambda: violations(scope, "asset", asset),
        "capability, 12 months": lambda: capability_of(scope, "c7", "month", moment(0)),
        "capability, one asset": lambda: capability_of(scope, "c7", "month", moment(0), asset=asset),
        "comparison, instruments": lambda: comparison(scope, "c7", "instrument"),
        "comparison, assets": lambda: comparison(scope, "c7", "asset"),
        "chart, a quarter": lambda: control_chart(scope, "c7", asset=asset, since=last_quarter),
        "record: page of measurements": lambda: list_measurements(scope, Listing("-id", limit=100), asset_id=asset),
        "record: page of recall": lambda: recalled(scope, instrument="S5-0", limit=100),
    }


def ask(
    work: list[dict[str, Callable[[], Any]]], begin: float, seconds: float, clients: range, pause: float
) -> dict[str, list[float]]:
    """Milliseconds of every question that ``clients`` asked in turn, each ``pause`` seconds after the one before."""
    until, found, lock = begin + seconds, defaultdict[str, list[float]](list), threading.Lock()

    def client(number: int) -> None:
        own, asked = work[number % len(work)], list(work[number % len(work)])
        turn, due = number, begin + pause * number / CLIENTS
        while (now := time.monotonic()) < until:
            if due > now:
                time.sleep(due - now)
            name = asked[turn % len(asked)]
            asking = time.perf_counter()
            own[name]()
            with lock:
                found[name].append(1000 * (time.perf_counter() - asking))
            turn, due = turn + 1, due + pause

    threads = [threading.Thread(target=client, args=(number,)) for number in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


#: Where the processes of clients and their parent wait for each other.
ready: list[Any] = []


def _meet_at(barrier: Any) -> None:
    ready.append(barrier)


def client_process(folder: Path, plants: list[Plant], seconds: float, clients: range, pause: float) -> Any:
    """Clients in a process of their own, with connections of their own."""
    with Site.open(load_settings(folder / "appliance", {})) as site:
        scopes = [site.scope(SYSTEM, f"w{number}") for number in range(len(plants))]
        work = [questions(scope, plant) for scope, plant in zip(scopes, plants, strict=True)]
        for question in (one for own in work for one in own.values()):
            question()  # so that nobody waits for what a process computes once
        ready[0].wait()
        return dict(ask(work, time.monotonic(), seconds, clients, pause))


def recorder_process(folder: Path, number: int, plant: Plant, seconds: float, first: int) -> tuple[int, float]:
    """A worker that records into a workspace of its own."""
    with Site.open(load_settings(folder / "appliance", {})) as site:
        own = replace(plant, scope=site.scope(SYSTEM, f"w{number}"))
        record([own], iter((False, True)).__next__)  # whatever a process computes once
        ready[0].wait()
        until = time.monotonic() + seconds
        return record([own], lambda: time.monotonic() > until, first)


def record_in_parallel(folder: Path, plants: list[Plant], seconds: float, first: int, alone: float) -> None:
    """Print what two workers record, each into its own workspace, and how much more than the ``alone``/s of one."""
    own = [replace(plant, scope=cast(WorkspaceScope, None)) for plant in plants[:2]]
    spawn = multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(len(own))
    with ProcessPoolExecutor(len(own), spawn, _meet_at, (barrier,)) as pool:
        done = [
            pool.submit(recorder_process, folder, number, plant, seconds, first) for number, plant in enumerate(own)
        ]
        rate = sum(count / took for count, took in (one.result() for one in done))
    said = f"{rate:.0f} measurements/s, {rate / alone:.1f} times one"
    print(f"  recorded with roll-ups by {len(own)} workers into as many workspaces: {said}")


def ask_beside_recording(folder: Path, plants: list[Plant], seconds: float, pause: float, first: int) -> None:
    """Print what ``CLIENTS`` waited, and how much was recorded beside them."""
    own = [replace(plant, scope=cast(WorkspaceScope, None)) for plant in plants]
    shares, spawn = [range(0, CLIENTS, 2), range(1, CLIENTS, 2)], multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(3)
    with ProcessPoolExecutor(2, spawn, _meet_at, (barrier,)) as pool:
        asked = [pool.submit(client_process, folder, own, seconds, share, pause) for share in shares]
        barrier.wait(timeout=120.0)
        count, took = record(plants, lambda: all(one.done() for one in asked), first, pause / 10.0)
        how = f"one question in {pause:g} s each" if pause else "without a pause"
        print(f"  {CLIENTS} clients, {how}; {count / took:.0f} measurements/s recorded beside them")
        for name in asked[0].result():
            show(name, [time for one in asked for time in one.result().get(name, [])])


def alone_per_second(plant: Plant, seconds: float) -> float:
    """How many measurements a second are written where nothing is rolled up: rows of an inspection, and a commit."""
    columns, rng = columns_of(Measurement), np.random.default_rng(3)
    with plant.scope:
        known = {row.name: row for row in MeasuredCharacteristic.select()}
    waiting, took, count = accepted(plant, 100), 0.0, 0
    while took < seconds and waiting:
        inspection, values = waiting.pop(), rng.normal(0, 0.02, CHARACTERISTICS).tolist()
        begin = time.perf_counter()
        rows = [
            _row(plant, known[f"c{place}"], inspection, moment(1.0), count % ASSETS, place, value, columns)
            for place, value in enumerate(values)
        ]
        with plant.scope.transaction():
            plant.scope.database.write_rows("measurement", columns, rows)
        took, count = took + time.perf_counter() - begin, count + 1
        with plant.scope.transaction():
            plant.scope.database.run("DELETE FROM measurement WHERE inspection_id = ?", inspection)
    return count * CHARACTERISTICS / took


def accepted(plant: Plant, count: int) -> list[str]:
    """Inspections in which nothing is measured yet."""
    columns, template = columns_of(InspectionRow), plant.inspection().__data__
    rows = [template | {"id": new_id("ins"), "asset_id": plant.assets[n % ASSETS]} for n in range(count)]
    with plant.scope.transaction():
        plant.scope.database.write_rows("inspection", columns, [[row.get(name) for name in columns] for row in rows])
    return [row["id"] for row in rows]


def record(plants: Sequence[Plant], until: Callable[[], bool], first: int = 0, pause: float = 0.0) -> tuple[int, float]:
    """Record inspections one after the other, in all plants in turn, each ``pause`` seconds after the one before;
    measurements and seconds, without those in which inspections were made ready."""
    rng, count, begin, waiting = np.random.default_rng(2), 0, time.perf_counter(), defaultdict[int, list[str]](list)
    while not until():
        number, in_turn = count % len(plants), count // len(plants)
        plant, own = plants[number], waiting[number]
        if not own:
            made = time.perf_counter()
            own += accepted(plant, 20 * ASSETS)[::-1]
            begin += time.perf_counter() - made
        time.sleep(max(0.0, begin + count * pause - time.perf_counter()))
        asset, at = in_turn % ASSETS, moment(1.0 + (first + count) / 100_000)
        occasion = Occasion(
            own.pop(), plant.part, plant.assets[asset], f"{asset:04}", SCAN, at, plant.revisions[0],
            plant.instruments[0], "psn_1",
        )  # fmt: skip
        plant.record(occasion, rng.normal(0, 0.02, CHARACTERISTICS).tolist())
        count += 1
    return count * CHARACTERISTICS, time.perf_counter() - begin


def show(name: str, times: list[float]) -> None:
    times.sort()
    p95 = times[min(len(times) - 1, int(0.95 * len(times)))]
    print(f"  {name:32} {len(times):6} asked   median {statistics.median(times):8.1f} ms   P95 {p95:8.1f} ms")


def main(backend: str = "sqlite", measurements: str = "400000", workspaces: str = "2", seconds: str = "30") -> None:
    with tempfile.TemporaryDirectory(prefix="d2r-rollups-") as folder:
        measure(Path(folder), backend, measurements, workspaces, seconds)


def measure(folder: Path, backend: str, measurements: str, workspaces: str, seconds: str) -> None:
    how = {}
    if backend == "postgresql":
        how["administrator_url"] = cluster(is_durable=True).new_database()
    print(f"{backend}, {measurements} measurements in {workspaces} workspaces, load {os.getloadavg()[0]:.1f}")
    with Site.open(load_settings(folder / "appliance", {}), create=True, **how) as site:
        if backend == "postgresql":
            provision(site, how["administrator_url"], int(workspaces))
        plants = []
        for number in range(int(workspaces)):
            site.create_workspace(f"w{number}", f"W{number}", SYSTEM)
            plants.append(Plant.of(site.scope(SYSTEM, f"w{number}"), ASSETS))
        each = int(measurements) // int(workspaces)
        with ProcessPoolExecutor(min(2, len(plants)), multiprocessing.get_context("spawn")) as pool:
            own = [replace(plant, scope=cast(WorkspaceScope, None)) for plant in plants]
            filling = [
                pool.submit(filled, folder, number, plant, each, how.get("administrator_url"))
                for number, plant in enumerate(own)
            ]
            for one in filling:
                print(one.result(), flush=True)
        if backend == "postgresql":  # as autovacuum does in time
            with psycopg.connect(how["administrator_url"], autocommit=True) as administrator:
                administrator.execute("VACUUM ANALYZE")
        until = time.monotonic() + 10.0
        alone, took = record(plants[:1], lambda: time.monotonic() > until)
        print(f"  recorded with roll-ups, nothing else running: {alone / took:.0f} measurements/s")
        bare = alone_per_second(plants[0], 3.0)
        said = f"{bare:.0f}/s; with them {bare * took / alone:.1f} times as long"
        print(f"  the rows themselves, without roll-ups: {said}")
        if len(plants) > 1:
            record_in_parallel(folder, plants, 10.0, 25_000, alone / took)
        work = [questions(plant.scope, plant) for plant in plants]
        alone_ms = {}
        for name, question in work[0].items():
            begin = time.perf_counter()
            for _ in range(3):
                question()
            alone_ms[name] = 1000 * (time.perf_counter() - begin) / 3
            print(f"  {name:32} one client, nothing else: {alone_ms[name]:8.1f} ms")
        for name, sql in RAW.items():
            begin = time.perf_counter()
            with plants[0].scope as scope:
                scope.database.fetch(sql, plants[0].part)
            rows_ms = 1000 * (time.perf_counter() - begin)
            print(
                f"  {name:32} of the rows themselves:   {rows_ms:8.1f} ms, {rows_ms / alone_ms[name]:.1f} times as long"
            )
        ask_beside_recording(folder, plants, float(seconds), 1.0, 50_000)
        ask_beside_recording(folder, plants, float(seconds), 0.0, 75_000)


if __name__ == "__main__":
    main(*sys.argv[1:])
