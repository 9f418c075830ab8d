"""Working set against LAZ: size, writing and reading of the same points, alternating in one run.

    python tests/bench/tiles.py [million points, default 8] [rounds, default 3]

The part is a face of 300 x 200 mm with a wave of 10 mm, seen line by line by a scanner with 20 um
of noise.  Both formats hold the same content at the same quantisation (places at 10 um; deviations,
whole intensities); LAZ is written in the scanner's order and, its best case, in that of the tiles.
Prints the best of the rounds, by the clock and by the processors' time: the second is steadier on
a machine that does other work.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import laspy
import numpy as np
import numpy.typing as npt

from appliance.scans.export import laz, warm
from appliance.scans.export.colours import colours_of_deviation
from appliance.scans.export.laz import write_laz
from appliance.scans.export.ply import write_ply
from appliance.scans.tiles.reader import TileFile
from appliance.scans.tiles.warm import warm_up
from appliance.scans.tiles.writer import write_tiles

Array = npt.NDArray[Any]
Job = Callable[[], Any]


def scanned_face(count: int) -> tuple[Array, dict[str, Array]]:
    """Places, and the deviations and intensities that go with them."""
    rng = np.random.default_rng(11)
    x = np.sort(rng.random(count)) * 300
    y = rng.random(count) * 200
    noise = rng.normal(0, 0.02, count)
    z = 30 + 10 * np.sin(x / 30) * np.cos(y / 25) + noise
    intensity = np.rint(2000 + 400 * np.sin(x / 7) + rng.normal(0, 30, count)).astype(np.float32)
    return np.column_stack([x, y, z]), {"deviation_mm": np.rint(noise * 1e4) / 1e4, "intensity": intensity}


def read_laz(path: Path) -> Array:
    with laspy.open(path, laz_backend=laspy.LazBackend.LazrsParallel) as file:
        return np.asarray(file.read().xyz)


def read_tiles(path: Path) -> dict[str, Array]:
    with TileFile.open(path) as tiles:
        return tiles.points()


def write_laz_10_um(path: Path, xyz_mm: Array, attributes: dict[str, Array]) -> None:
    """LAZ at the quantisation of the tiles; without deviations the extra dimension is all zeros."""
    scales, laz.SCALES_MM = laz.SCALES_MM, (0.01,)  # type: ignore[misc, assignment]
    write_laz(path, xyz_mm, **{"deviation_mm": np.zeros(len(xyz_mm)), **attributes})  # type: ignore[arg-type]
    laz.SCALES_MM = scales  # type: ignore[misc]


def against_laz(folder: Path, xyz: Array, attributes: dict[str, Array]) -> tuple[dict[str, Job], list[Path]]:
    """The jobs of one content, and the files that they leave."""
    files = [folder / f"{kind}{len(attributes)}" for kind in ("tiles", "laz-scan-order", "laz-tile-order")]
    write_tiles(files[0], xyz, attributes)
    ordered = read_tiles(files[0])
    places = ordered.pop("xyz_mm")
    jobs: dict[str, Job] = {
        "write tiles": lambda: write_tiles(files[0], xyz, attributes),
        "write LAZ, scan order": lambda: write_laz_10_um(files[1], xyz, attributes),
        "write LAZ, tile order": lambda: write_laz_10_um(files[2], places, ordered),
        "read tiles": lambda: read_tiles(files[0]),
        "read LAZ, scan order": lambda: read_laz(files[1]),
        "read LAZ, tile order": lambda: read_laz(files[2]),
    }
    return jobs, files


def exports(folder: Path, xyz: Array, attributes: dict[str, Array]) -> dict[str, Job]:
    """What production writes for other programs."""
    deviation = attributes["deviation_mm"]
    rgb = colours_of_deviation(deviation, span_mm=0.05)
    return {
        "LAZ, 1 um": lambda: write_laz(folder / "e.laz", xyz, **attributes),  # type: ignore[arg-type]
        "LAZ, 1 um, coloured": lambda: write_laz(folder / "e.laz", xyz, rgb=rgb, **attributes),  # type: ignore[arg-type]
        "PLY": lambda: write_ply(folder / "e.ply", xyz, rgb, deviation_mm=deviation),
        "colours": lambda: colours_of_deviation(deviation, span_mm=0.05),
    }


def timed(title: str, count: int, jobs: dict[str, Job], rounds: int) -> None:
    best = dict.fromkeys(jobs, (np.inf, np.inf))
    for _ in range(rounds):
        for name, job in jobs.items():
            clock, processors = time.perf_counter(), time.process_time()
            job()
            spent = time.perf_counter() - clock, time.process_time() - processors
            best[name] = (min(best[name][0], spent[0]), min(best[name][1], spent[1]))
    for name, (clock, processors) in best.items():
        print(f"{title:32s} {name:24s} {count / clock / 1e6:8.1f} Mpt/s {count / processors / 1e6:8.1f} Mpt/core-s")


def main() -> None:
    count = int(float(sys.argv[1] if len(sys.argv) > 1 else 8) * 1e6)
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    warm_up()
    warm.warm_up()
    machine = platform.processor() or platform.machine()
    print(f"{count / 1e6:g} M points; {len(os.sched_getaffinity(0))} cores, {machine}, load {os.getloadavg()[0]:.1f}")
    xyz, attributes = scanned_face(count)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        contents: dict[str, dict[str, Array]] = {"places": {}, "places, deviation, intensity": attributes}
        for title, content in contents.items():
            jobs, files = against_laz(folder, xyz, content)
            timed(title, count, jobs, rounds)
            for file in files:
                print(f"{title:32s} {file.name[:-1]:24s} {file.stat().st_size / count:8.3f} bytes/point")
        timed("exports", count, exports(folder, xyz, attributes), rounds)


if __name__ == "__main__":
    main()
