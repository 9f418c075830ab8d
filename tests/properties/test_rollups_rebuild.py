"""Roll-ups that grew with the measurements are those that are built from them anew, to the last bit."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.config.settings import load_settings
from appliance.core.clock import rfc3339_us
from appliance.measurements.models import Measurement
from appliance.measurements.recording import (
    Finding,
    Occasion,
    forget_measurements,
    key_of,
    record_measurements,
    supersede_measurements,
)
from appliance.rollups.keeping import rebuild, refold_lives
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site
from tests.measured_workspace import Plant
from tests.rollup_tables import tables

ZONE = "Europe/Berlin"
#: Around the night in which the clock is set back, so that an hour is there twice.
START = datetime(2026, 10, 24, 21, tzinfo=UTC)
DECISIONS = ("pass", "fail", "inconclusive", "not_measured")
NANO = 10**6
value = st.none() | st.floats(-1e6, 1e6) | st.sampled_from([0.0, -0.1, 0.1, 5e-7, 1.5e-6])
findings = st.lists(st.tuples(value, st.sampled_from(DECISIONS)), min_size=1, max_size=3)
minutes = st.integers(0, 72 * 60)
step = st.one_of(
    st.tuples(st.just("measure"), st.integers(0, 1), minutes, findings),
    st.tuples(st.just("amend"), st.integers(0, 30), findings),
    st.tuples(st.just("forget"), st.integers(0, 30)),
    st.tuples(st.just("repair"), st.integers(0, 1), minutes),
)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """One workspace: each example leaves it as empty as it was."""
    folder: Path = tmp_path_factory.mktemp("rollups")
    with Site.open(load_settings(folder / "appliance", {"D2R_TIME_ZONE": ZONE}), create=True) as site:
        site.create_workspace("main", "Main", SYSTEM)
        scope = site.scope(Principal("key_owner", "key", "owner", "owner"), "main")
        yield History(scope, Plant.of(scope), [])


@dataclass
class History:
    """A workspace and what was done in it."""

    scope: WorkspaceScope
    plant: Plant
    inspections: list[tuple[str, Occasion]]

    def measure(self, asset: int, minutes: int, findings: list[tuple[float | None, str]]) -> None:
        at = rfc3339_us(START + timedelta(minutes=minutes))
        revision = self.plant.revisions[minutes % 2]
        occasion = self.plant.occasion(asset, at, revision, self.plant.instruments[minutes % 3 % 2])
        self._record(occasion, findings)

    def amend(self, which: int, findings: list[tuple[float | None, str]]) -> None:
        if self.inspections:
            old, occasion = self.inspections.pop(which % len(self.inspections))
            new = self._record(self.plant.again(occasion), findings)
            supersede_measurements(self.scope, [old], new)

    def forget(self, which: int) -> None:
        if self.inspections:
            old, _ = self.inspections.pop(which % len(self.inspections))
            forget_measurements(self.scope, [old])

    def repair(self, asset: int, minutes: int) -> None:
        self.plant.repaired(asset, rfc3339_us(START + timedelta(minutes=minutes)))
        refold_lives(self.scope, self.plant.assets[asset])

    def forget_everything(self) -> None:
        with self.scope.transaction():
            originals = self.scope.database.fetch("SELECT DISTINCT inspection_id FROM measurement")
            forget_measurements(self.scope, [one for (one,) in originals])
            self.scope.database.run("DELETE FROM asset_event")
        self.inspections.clear()

    def _record(self, occasion: Occasion, findings: list[tuple[float | None, str]]) -> str:
        record_measurements(self.scope, occasion, [_finding(n, *one) for n, one in enumerate(findings)])
        self.inspections.append((occasion.inspection_id, occasion))
        return occasion.inspection_id


def _finding(number: int, value: float | None, decision: str) -> Finding:
    key = key_of(f"c{number}", "z", "mean")
    return Finding(key, f"c{number}", "z", "mean", "mm", value, 0.01, 2.0, -0.1, 0.1, decision)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(step, min_size=1, max_size=14))
def test_whatever_came_was_amended_and_went_the_tables_are_those_that_a_rebuild_makes(
    history: History, steps: list[tuple[Any, ...]]
) -> None:
    scope = history.scope
    history.measure(0, 0, [(0.05, "pass")])
    for name, *how in steps:
        getattr(history, name)(*how)
    grown = tables(scope)
    assert [row[3:] for row in _by_hand(scope)] == [row[3:] for row in grown["rollup"] if row[1] == "asset"]
    rebuild(scope)
    assert tables(scope) == grown
    history.forget_everything()
    assert not any(tables(scope).values())


def _by_hand(scope: WorkspaceScope) -> list[tuple[Any, ...]]:
    """The roll-ups of assets, value by value in plain Python."""
    found: dict[tuple[Any, ...], list[Measurement]] = defaultdict(list)
    with scope:
        repairs = scope.database.fetch("SELECT asset_id, happened_at FROM asset_event ORDER BY happened_at")
        for row in Measurement.select().where(Measurement.superseded_by.is_null()):
            for grain, bucket in _buckets(row.measured_at):
                found[row.characteristic_id, "asset", row.asset_id, grain, bucket].append(row)
            past = [at for asset, at in repairs if asset == row.asset_id and at <= row.measured_at]
            since = int(datetime.fromisoformat(past[-1]).timestamp()) if past else 0
            found[row.characteristic_id, "asset", row.asset_id, 3, since].append(row)
    return [(*place, *_tally(found[place])) for place in sorted(found)]


def _buckets(measured_at: str) -> Iterator[tuple[int, int]]:
    moment = datetime.fromisoformat(measured_at)
    day = moment.astimezone(ZoneInfo(ZONE)).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    yield 0, int(moment.timestamp()) // 3600 * 3600  # Berlin's offsets are whole hours
    yield 1, int(day.timestamp())
    yield 2, int(day.replace(day=1).timestamp())


def _tally(rows: list[Measurement]) -> tuple[Any, ...]:
    values = [round(row.value * NANO) for row in rows if row.value is not None]
    decided = [sum(row.decision == one for row in rows) for one in DECISIONS]
    below = sum(row.value is not None and row.value < -0.1 for row in rows)
    above = sum(row.value is not None and row.value > 0.1 for row in rows)
    total, squares = sum(values), sum(one * one for one in values)
    sums = (total >> 62, total % 2**62, squares >> 62, squares % 2**62)
    extremes = min(values, default=None), max(values, default=None)
    shares = sum(_mixed(row.value) for row in rows if row.value is not None)
    fingerprint = (shares + 2**63) % 2**64 - 2**63  # as the 64 bits of a whole number with a sign
    return (len(values), *decided, below, above, *sums, *extremes, fingerprint)


def _mixed(value: float) -> int:
    """The bits of a value by SplitMix64, in plain Python."""
    bits = int.from_bytes(struct.pack("<d", value), "little") + 0x9E3779B97F4A7C15 & 2**64 - 1
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9 & 2**64 - 1
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EB & 2**64 - 1
    return bits ^ bits >> 31
