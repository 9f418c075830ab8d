"""Once warmed, no kernel is compiled again, whatever kind of array it meets: a job would wait for it."""

from __future__ import annotations

import sys

import numpy as np

from appliance.spc.exact import ExactSums, grouped_sums
from appliance.spc.fields import field_trends, slope_intervals
from appliance.spc.forecast import forecast
from appliance.spc.series import series_of
from appliance.spc.sketch import QuantileSketch
from appliance.spc.warm import warm_up


def compiled() -> dict[str, int]:
    """How many versions of each compiled function there are."""
    modules = [module for name, module in sys.modules.items() if name.startswith("appliance.spc.")]
    values = {id(value): value for module in modules for value in vars(module).values()}.values()
    return {f.__qualname__: len(f.signatures) for f in values if type(f).__name__ == "CPUDispatcher"}


def frozen(values: np.ndarray) -> np.ndarray:
    values.setflags(write=False)
    return values


def test_arrays_that_are_read_only_strided_or_single_compile_nothing_anew() -> None:
    warm_up()
    before, rng = compiled(), np.random.default_rng(0)
    assert len(before) > 8
    time, value = frozen(np.arange(40.0)), frozen(rng.normal(size=40))
    forecast(series_of(time, value), -9.0, 9.0, 0.1, replicates=5000)
    forecast(series_of(time[::2], value[::2]), -9.0, 9.0, 0.1)
    fields = [frozen(rng.normal(size=9000)) for _ in time[:12]]
    found = field_trends(time[:12], fields)
    slope_intervals(time[:12], fields, found, np.arange(9000) % 2 == 0)
    field_trends(np.arange(24.0)[::2], [field.astype(np.float32)[::3] for field in fields])
    whole = frozen(rng.integers(-9, 9, 40))
    grouped_sums(whole[::2], np.zeros(20, dtype=np.int64), 1)
    ExactSums.of(whole.astype(np.int32))
    QuantileSketch.of(whole[::2])
    assert compiled() == before
