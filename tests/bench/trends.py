"""Time of trends: ``python tests/bench/trends.py [cells] [versions]``.

A field of 500,000 cells over 100 versions, a tenth of the cells degrading, 5 % of all values missing: the degradation
map (slope, test, false discovery rate), the intervals of the cells that it calls, single series with a forecast, and
the sums and sketches of roll-ups.  Prints seconds by the clock and of the processor, and memory.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from appliance.spc.exact import ExactSums, nano
from appliance.spc.fields import field_trends, slope_intervals
from appliance.spc.forecast import forecast
from appliance.spc.series import series_of
from appliance.spc.sketch import QuantileSketch
from appliance.spc.warm import warm_up


def timed(name: str, work: Callable[[], Any]) -> Any:
    started, spent = time.perf_counter(), time.process_time()
    found = work()
    print(f"{name:58s} {time.perf_counter() - started:7.3f} s, processor {time.process_time() - spent:7.3f} s")
    return found


def main() -> None:
    cells = int(sys.argv[1]) if len(sys.argv) > 1 else 500_000
    versions = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    rng = np.random.default_rng(0)
    days = np.sort(rng.uniform(0, 3000, versions))
    whole = [rng.normal(0, 0.01, cells) + np.where(np.arange(cells) % 10 == 0, 1e-5, 0.0) * day for day in days]
    holes = [np.where(rng.random(cells) < 0.05, np.nan, field) for field in whole]
    warm_up()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    trends = timed(f"map of {cells:,} cells, {versions} versions", lambda: field_trends(days, whole))
    timed("the same with 5 % of the values missing", lambda: field_trends(days, holes))
    changing = timed("which cells change, q = 0.05", lambda: trends.changing())
    timed(f"intervals of {changing.sum():,} cells", lambda: slope_intervals(days, whole, trends, changing))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{'memory beside the fields':58s} {(after - before) / 1024:7.0f} MB")
    for count in (30, 300):
        own = np.linspace(0, 600, count)
        series = series_of(own, 1e-4 * own + rng.normal(0, 0.01, count))
        forecast(series, -0.1, 0.1, 0.01)
        timed(f"forecast of {count} values, 1,999 replicates", lambda series=series: forecast(series, -0.1, 0.1, 0.01))
    values = nano(rng.normal(0, 0.05, 1_000_000))
    timed("exact sums of 1,000,000 values", lambda: ExactSums.of(values))
    sketch = timed("sketch of 1,000,000 values", lambda: QuantileSketch.of(values))
    print(f"{'bytes of that sketch':58s} {len(sketch.to_bytes()):7,}")


if __name__ == "__main__":
    main()
