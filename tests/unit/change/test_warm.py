"""Once warmed, no kernel is compiled again, whatever kind of array it meets: a comparison would wait for it."""

from __future__ import annotations

import sys

import numpy as np

from appliance.change.compare import compare_scans
from appliance.change.cores import spacing_mm, suited_scales, thinned_cores
from appliance.change.grid import checked_points
from appliance.change.records import Scales
from appliance.change.registration import register
from appliance.change.warm import warm_up
from tests.unit.change.surfaces import UP, lattice


def compiled() -> dict[str, int]:
    """How many versions of each compiled function there are."""
    modules = [module for name, module in sys.modules.items() if name.startswith("appliance.change.")]
    values = {id(value): value for module in modules for value in vars(module).values()}.values()
    return {f.__qualname__: len(f.signatures) for f in values if type(f).__name__ == "CPUDispatcher"}


def frozen(values: np.ndarray) -> np.ndarray:
    values.flags.writeable = False
    return values


def test_nothing_is_compiled_after_the_warm_up() -> None:
    warm_up()
    before = compiled()
    assert len(before) > 5
    flat = frozen(lattice(10.0, 0.25))
    points = checked_points(flat, "scan")
    cores = frozen(points[thinned_cores(points, 1.0)])
    suited_scales(spacing_mm(points))
    for scales in (Scales((3.0,), 1.0, 5.0), Scales((2.0, 3.0), 1.0, 5.0, robust=True)):
        found = compare_scans(flat, flat[::2], cores, scales, towards=UP)
        compare_scans(
            flat, flat, cores, scales, towards=frozen(np.tile(UP, (len(cores), 1))), normals=frozen(found.normal)
        )
    register(points, points + 0.1, cores, frozen(found.normal), scales)
    assert compiled() == before
