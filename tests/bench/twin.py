"""Time of the twin: ``python tests/bench/twin.py [cells] [versions]``.

A workspace of its own with an asset: 100 versions of 500,000 cells, a tenth of the cells wearing, 5 % not covered.
Compare: two versions found by id, both stored fields opened and decoded, difference, discoveries, summary by 21 zones.
Map: the means of all versions opened and decoded, slopes, tests, discoveries, summary.  Nothing is kept in memory from
one question to the next; files stay in the page cache.  Prints seconds by the clock (best and median) and of the
processor, memory, and the ratio to the plainest answer that numpy gives to arrays in memory, in the same run: a
difference, and slopes by least squares of cells that every version is taken to cover.
"""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from appliance.config.settings import load_settings
from appliance.plant.assets import create_asset
from appliance.plant.parts import create_part
from appliance.spc.warm import warm_up
from appliance.tenancy.records import SYSTEM, Principal
from appliance.tenancy.site import Site
from appliance.twin.comparing import compare_versions
from appliance.twin.degradation import degradation_map
from appliance.twin.recording import record_version
from appliance.twin.records import Skin
from appliance.twin.service import find_version
from tests.full_workspace import definitions
from tests.unit.twin.conftest import Plant, flat_field


def timed(name: str, work: Callable[[], Any], times: int, plain: Callable[[], Any]) -> Any:
    base = []
    for _ in range(times):
        started = time.perf_counter()
        plain()
        base.append(time.perf_counter() - started)
    clock, spent = [], []
    for _ in range(times):
        started, used = time.perf_counter(), time.process_time()
        found = work()
        clock.append(time.perf_counter() - started)
        spent.append(time.process_time() - used)
    print(
        f"{name:24s} best {min(clock):6.3f} s, median {statistics.median(clock):6.3f} s, processor {min(spent):6.3f} s"
        f", {min(clock) / min(base):.0f}x numpy alone"
    )
    return found


def skin(cells: int) -> Skin:
    """Areas and 20 zones of a tenth of the cells each; nothing to draw."""
    rng, empty = np.random.default_rng(1), np.zeros((0, 3), np.float32)
    zones = {f"zone {n:02d}": rng.random(cells) < 0.1 for n in range(20)} | {"all": np.ones(cells, np.bool_)}
    none = np.zeros(0, np.int32)
    return Skin(1.0, np.ones(cells, np.float32), zones, empty, empty, empty, empty.astype(np.int32), none)


def main() -> None:
    cells = int(sys.argv[1]) if len(sys.argv) > 1 else 500_000
    versions = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    rng, worn = np.random.default_rng(0), np.arange(cells) % 10 == 0
    warm_up()
    with tempfile.TemporaryDirectory() as folder, Site.open(load_settings(Path(folder), {}), create=True) as site:
        site.create_workspace("main", "Main", SYSTEM)
        scope = site.scope(Principal("key_owner", "key", "owner", "owner"), "main")
        part = create_part(scope, "housing")
        plant = Plant(scope, part, create_asset(scope, "press-07", part=part), *definitions(scope, part, Random(1)))
        ids, means = [], np.empty((versions, cells), np.float32)
        for n in range(versions):
            mean = rng.normal(0, 0.01, cells) - worn * 1e-3 * n
            mean[rng.random(cells) < 0.05] = np.nan
            means[n] = mean
            stamp = f"2026-{1 + n // 28 % 12:02d}-{1 + n % 28:02d}T12:00:00.000000Z"
            stored = plant.prepared(flat_field(mean, 0.012, cells), skin(cells))
            row = plant.inspected()
            with scope.transaction():
                ids.append(record_version(scope, row, stored, stamp, [row.id]).id)
        print(f"{versions} versions of {cells:,} cells")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        found = timed(
            "compare two versions",
            lambda: compare_versions(scope, find_version(scope, ids[0]), find_version(scope, ids[-1])),
            15, lambda: means[-1] - means[0],
        )  # fmt: skip
        print(f"  changed {found.zones[0].changed:,} of {found.zones[0].compared:,} cells seen by both")
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(f"  memory {(after - before) / 1024:.0f} MB")
        weights = (np.arange(versions) - (versions - 1) / 2).astype(np.float32)
        weights /= np.square(weights).sum()
        trend = timed("degradation map", lambda: degradation_map(scope, "press-07"), 3, lambda: weights @ means)
        print(f"  changing {int(trend.changing.sum()):,} cells; {trend.zones[0].falling:,} lose material")
        print(f"  memory {(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - after) / 1024:.0f} MB")


if __name__ == "__main__":
    main()
