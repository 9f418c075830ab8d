"""End to end: ``d2r inspect`` on a scan of 20 million points, against the sum of its bare kernels.

    python tests/bench/end_to_end.py [millions of points] [rounds]

Prints the wall time of the command and the times of read, fit, deviation and tiles alone (same files, in turn with
the command, each round in a process of its own whose machine code is loaded; the fit to the precision that the plan's
narrowest tolerance asks for, as in the command), the ratio of their medians, and the peak
memory of all processes (proportional set size: pages that parent and child share count once).
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TypeVar

import numpy as np

from appliance.alignment import rigid
from appliance.cad.reading import read_cad
from appliance.core.clock import utc_now
from appliance.core.kernels import worker_count
from appliance.inspections.frames import choose_alignment
from appliance.inspections.request import InspectionRequest
from appliance.measurements.plan import read_plan
from appliance.mesh.surface import Surface
from appliance.scans.reading import read_scan
from appliance.scans.tiles.writer import write_tiles
from appliance.simulate.series import CASES, Series
from appliance.supervise.kernels import load_compiled

T = TypeVar("T")
BAR_SECONDS, BAR_RATIO, BAR_BYTES = 40.0, 2.0, 2.5e9


def main(millions: float, rounds: int) -> None:
    print(f"{platform.machine()}, {os.cpu_count()} cores, {worker_count()} threads; Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        series = Series.write(folder)
        scan = series.write_scan(folder, CASES[1], int(millions * 1e6))
        print(f"{scan.stat().st_size / 1e6:.0f} MB, {len(series.part.mesh.triangles):,} triangles")
        whole, bare, peak = [], [], 0.0
        for number in range(rounds):
            seconds, used = command(series, scan, folder / f"out{number}")
            steps = json.loads((folder / f"out{number}" / "result.json").read_text())
            print(f"d2r inspect {seconds:.1f} s, peak memory {used / 1e9:.2f} GB")
            print("  " + ", ".join(f"{step} {value:.1f}" for step, value in steps["timings_s"].items()))
            alone = in_own_process(folder, scan)
            print("  bare: " + ", ".join(f"{step} {value:.2f}" for step, value in alone.items()), flush=True)
            whole.append(seconds)
            bare.append(sum(alone.values()))
            peak = max(peak, used)
        print(
            f"{steps['points']:,} points: median {median(whole):.1f} s (bar {BAR_SECONDS:.0f}), "
            f"bare kernels {median(bare):.2f} s, ratio {median(whole) / median(bare):.2f} (bar {BAR_RATIO:.0f}), "
            f"peak memory {peak / 1e9:.2f} GB (bar {BAR_BYTES / 1e9:.1f})"
        )


def in_own_process(folder: Path, scan: Path) -> dict[str, float]:
    """Seconds of the kernels alone."""
    done = subprocess.run(
        [sys.executable, __file__, "kernels", str(folder), str(scan)],
        check=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    return dict(json.loads(done.stdout))


def command(series: Series, scan: Path, out: Path) -> tuple[float, float]:
    """Wall time in s and peak memory in bytes of the command with all its children."""
    program = Path(sys.executable).with_name("d2r")
    arguments = [
        str(program), "inspect", str(scan), "--cad", str(series.cad), "--characteristics", str(series.plan),
        "--instrument", str(series.instrument), "--align", "--out", str(out),
    ]  # fmt: skip
    environment = {**os.environ, "D2R_HOME": str(out.parent / "home")}
    started = time.perf_counter()
    process = subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL)
    peaks = [0.0]
    watcher = threading.Thread(target=_watch, args=(process, peaks))
    watcher.start()
    process.wait()
    seconds = time.perf_counter() - started
    watcher.join()
    return seconds, peaks[0]


def kernels(series: Series, scan: Path, folder: Path) -> dict[str, float]:
    """Seconds of the four kernels alone, in this process."""
    load_compiled()
    cad = read_cad(series.cad)
    plan = read_plan(series.plan.read_bytes(), diagonal_mm=200.0).characteristics
    surface = Surface.build(cad.mesh)
    cloud, read = timed(lambda: read_scan(scan))
    asked = InspectionRequest(scan, series.cad, series.plan, utc_now(), fit=True)
    alignment, fit = timed(lambda: choose_alignment(asked, plan, cad, surface, cloud, lambda _: None))
    rigid.apply_in_place(alignment.part_from_scanner, cloud.xyz_mm)
    feet, deviation = timed(lambda: Surface.build(cad.mesh).closest(cloud.xyz_mm))
    attributes = {"deviation_mm": feet.distance_mm, "station": cloud.station}
    if cloud.intensity is not None:
        attributes["intensity"] = np.asarray(cloud.intensity)
    _, tiles = timed(lambda: write_tiles(folder / "bare.d2rt", cloud.xyz_mm, attributes))
    return {"read": read, "fit": fit, "deviation": deviation, "tiles": tiles}


def timed(work: Callable[[], T]) -> tuple[T, float]:
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


def _watch(process: subprocess.Popen[bytes], peaks: list[float]) -> None:
    while process.poll() is None:
        peaks[0] = max(peaks[0], sum(map(_pss_bytes, _family(process.pid))))
        time.sleep(0.1)


def _family(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        try:
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


def _pss_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["kernels"]:
        print(json.dumps(kernels(Series.write(Path(sys.argv[2])), Path(sys.argv[3]), Path(sys.argv[2]))))
    else:
        main(float(sys.argv[1]) if len(sys.argv) > 1 else 20.0, int(sys.argv[2]) if len(sys.argv) > 2 else 3)
