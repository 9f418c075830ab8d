"""Signed deviation against CloudCompare's C2M: the same mesh and points, in the same run.

    python tests/bench/deviation.py [--points 5000000] [--rounds 1]

What counts for the appliance is everything from the mesh in memory to the last signed distance:
index, order of the points, distance, sign.  What counts for CloudCompare is the sum of the times
that it prints for its own steps; reading and writing of files count for neither.
Bar: 4 times as fast; aim: 8 times.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parent)]

from machined_body import machined_body, scan_points  # noqa: E402

from appliance.cad.records import TriangleMesh  # noqa: E402
from appliance.core.kernels import worker_count  # noqa: E402
from appliance.mesh import warm_up  # noqa: E402
from appliance.mesh.surface import Surface  # noqa: E402

Array = npt.NDArray[np.float64]
_PRINTED = re.compile(r"\[(?:computeApproxDistances|ComputeDistances)\] Time: ([0-9.]+) s")


def write_ply(path: Path, vertices: Array, triangles: npt.NDArray[np.int32] | None) -> None:
    """A binary PLY file with single-precision vertices, the form that CloudCompare holds in memory."""
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(vertices)}"]
    header += [f"property float {axis}" for axis in "xyz"]
    body = vertices.astype("<f4").tobytes()
    if triangles is not None:
        header += [f"element face {len(triangles)}", "property list uchar int vertex_indices"]
        rows = np.empty(len(triangles), [("n", "u1"), ("corners", "<i4", 3)])
        rows["n"], rows["corners"] = 3, triangles
        body += rows.tobytes()
    path.write_bytes(("\n".join([*header, "end_header"]) + "\n").encode() + body)


def cloudcompare_seconds(folder: Path) -> float:
    """Seconds of CloudCompare's own steps, as it prints them."""
    command = ["xvfb-run", "-a", "CloudCompare", "-SILENT", "-AUTO_SAVE", "OFF", "-O", "cloud.ply", "-O", "mesh.ply"]
    done = subprocess.run([*command, "-C2M_DIST"], cwd=folder, capture_output=True, text=True, check=True)
    steps = [float(seconds) for seconds in _PRINTED.findall(done.stdout + done.stderr)]
    if len(steps) < 2:
        raise SystemExit(f"CloudCompare printed no times:\n{done.stdout[-2000:]}")
    return sum(steps)


def appliance_seconds(mesh: TriangleMesh, points: Array) -> tuple[float, float]:
    """Seconds for the index, and for the signed distances."""
    start = time.perf_counter()
    surface = Surface.build(mesh)
    built = time.perf_counter()
    surface.closest(points)
    return built - start, time.perf_counter() - built


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--without-cloudcompare", action="store_true")
    options = parser.parse_args()
    mesh = machined_body(0.8)
    points = scan_points(mesh, options.points, spread_mm=0.3)
    shuffled = points[np.random.default_rng(1).permutation(len(points))]
    print(f"{platform.machine()}, {os.cpu_count()} cores, {worker_count()} threads; Python {platform.python_version()}")
    print(f"{len(mesh.triangles):,} triangles, {len(points):,} points, sigma 0.3 mm cut at 1 mm")
    warm_up()
    with_peer = not options.without_cloudcompare and shutil.which("CloudCompare") is not None
    for order, cloud in (("scan lines", points), ("random", shuffled)):
        for _ in range(options.rounds):
            build, query = appliance_seconds(mesh, cloud)
            line = f"{order:10s}  index {build:.2f} s  signed {query:.2f} s  {len(cloud) / query / 1e6:.2f} Mpt/s"
            if with_peer:
                with tempfile.TemporaryDirectory() as name:
                    write_ply(Path(name) / "mesh.ply", mesh.vertices_mm, mesh.triangles)
                    write_ply(Path(name) / "cloud.ply", cloud, None)
                    peer = cloudcompare_seconds(Path(name))
                line += f"  CloudCompare {peer:.2f} s  ratio {peer / (build + query):.2f} (bar 4, aim 8)"
            print(line, flush=True)


if __name__ == "__main__":
    main()
