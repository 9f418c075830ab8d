"""Time of M3C2: ``python tests/bench/change.py [points] [core points of the baselines]``.

Two scans of hills, a core point for every sixteen points, at the scales that suit them.  The baselines answer the same
in one run: a k-d tree (scipy) that collects a ball about each cylinder and numpy that cuts it, at a part of the core
points, and py4dgeo (C++) where it is installed.  Prints seconds by the clock and of the processor, core points a
second, memory, and how far apart the answers are.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from appliance.change.compare import compare_scans
from appliance.change.cores import spacing_mm, suited_scales, thinned_cores
from appliance.change.records import Change, Scales
from appliance.change.warm import warm_up

UP = np.array([0.0, 0.0, 1.0])


def hills(seed: int, count: int, sunk_mm: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0.0, 1000.0, (2, count))
    return np.stack((x, y, 8.0 * np.sin(x / 50.0) * np.cos(y / 40.0) + rng.normal(0.0, 0.05, count) - sunk_mm), axis=1)


def timed(name: str, count: int, work: Callable[[], Any]) -> Any:
    started, spent = time.perf_counter(), time.process_time()
    found = work()
    seconds, processor = time.perf_counter() - started, time.process_time() - spent
    print(f"{name:44s} {seconds:8.2f} s, processor {processor:8.2f} s, {count / seconds:10,.0f} core points/s")
    return found


def by_tree(first: np.ndarray, second: np.ndarray, change: Change, scales: Scales, few: np.ndarray) -> np.ndarray:
    """Distances at some core points, along the normals given, from balls of two k-d trees."""
    reach = float(np.hypot(scales.radius_mm, scales.half_length_mm))
    trees = [(points, cKDTree(points)) for points in (first, second)]
    distance = np.empty(len(few))
    for k, i in enumerate(few):
        places = []
        for points, tree in trees:
            offset = points[tree.query_ball_point(change.cores_mm[i], reach)] - change.cores_mm[i]
            height = offset @ change.normal[i]
            across = np.einsum("ij,ij->i", offset, offset) - height**2
            inside = (np.abs(height) <= scales.half_length_mm) & (across <= scales.radius_mm**2)
            places.append(height[inside].mean())
        distance[k] = places[1] - places[0]
    return distance


def by_py4dgeo(first: np.ndarray, second: np.ndarray, cores: np.ndarray, scales: Scales) -> np.ndarray:
    import py4dgeo

    method = py4dgeo.M3C2(
        epochs=(py4dgeo.Epoch(first), py4dgeo.Epoch(second)), corepoints=cores, cyl_radius=scales.radius_mm,
        normal_radii=[0.5 * scales.normal_mm[0]], max_distance=scales.half_length_mm,
    )  # fmt: skip
    distances: np.ndarray = method.run()[0]
    return distances


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000
    wanted = int(sys.argv[2]) if len(sys.argv) > 2 else 2_000
    first, second = hills(1, count, 0.0), hills(2, count, 0.1)
    warm_up()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    scales = suited_scales(spacing_mm(first))
    cores = first[thinned_cores(first, scales.radius_mm)]
    change = timed(
        f"M3C2, 2 x {count:,} points", len(cores), lambda: compare_scans(first, second, cores, scales, towards=UP)
    )
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{'memory beside the scans':44s} {(after - before) / 1024:8.0f} MB")
    few = np.linspace(0, len(cores) - 1, wanted).astype(np.int64)
    tree = timed("k-d tree and numpy", len(few), lambda: by_tree(first, second, change, scales, few))
    print(f"{'furthest apart':44s} {np.nanmax(np.abs(tree - change.distance_mm[few])):.1e} mm")
    if find_spec("py4dgeo"):
        other = timed("py4dgeo", len(cores), lambda: by_py4dgeo(first, second, cores, scales))
        apart = np.abs(np.abs(other) - np.abs(change.distance_mm))
        print(f"{'apart: median, 99.9 %':44s} {np.nanmedian(apart):.1e}, {np.nanpercentile(apart, 99.9):.1e} mm")


if __name__ == "__main__":
    main()
