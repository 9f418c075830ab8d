"""From acknowledgement to verdict: a running appliance against ``d2r inspect`` on the same scan, in the same run.

    python tests/bench/verdict.py [millions of points]

The clock of the appliance runs from the answer to the last byte of the upload to the row ``recorded``; that of the
command from its start to its end.  Bar: 1.2 times.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2])]

from end_to_end import command  # noqa: E402

from appliance.cli.demo_line import DemoLine  # noqa: E402
from appliance.cli.ports import free_port  # noqa: E402
from appliance.config.settings import load_settings  # noqa: E402
from appliance.simulate.series import CASES, Series  # noqa: E402
from appliance.supervise.running import down, up_detached  # noqa: E402

BAR_RATIO = 1.2


def main(millions: float) -> None:
    print(f"{platform.machine()}, {os.cpu_count()} cores; Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        series = Series.write(folder)
        scan = series.write_scan(folder, CASES[1], int(millions * 1e6))
        print(f"{millions:g} M points, {scan.stat().st_size / 1e6:.0f} MB")
        inspected, _ = command(series, scan, folder / "out")
        carried, pushed = appliance(series, scan, folder)
        print(
            f"d2r inspect {inspected:.1f} s; pushed and durable in {pushed:.1f} s, then {carried:.1f} s to the verdict"
        )
        print(f"ratio {carried / inspected:.2f} (bar {BAR_RATIO})")


def appliance(series: Series, scan: Path, folder: Path) -> tuple[float, float]:
    """Seconds from acknowledgement to verdict, and of the push."""
    data = folder / "appliance"
    program = str(Path(sys.executable).with_name("d2r"))
    subprocess.run([program, "init", "--data", str(data)], check=True, stdout=subprocess.DEVNULL)
    ports = {"port": free_port(8470), "realtime_port": free_port(8471)}
    (data / "settings.toml").write_text("".join(f"{key} = {port}\n" for key, port in ports.items()))
    settings = load_settings(data)
    os.environ["D2R_PUSH_STATE"] = str(folder / "push")
    up_detached(settings)
    try:
        line = DemoLine.open(settings, series, folder)
        started = time.perf_counter()
        line.push(CASES[1], scan, cut=False)
        acknowledged = time.perf_counter()
        line.await_verdicts()
        return time.perf_counter() - acknowledged, acknowledged - started
    finally:
        down(settings)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 20.0)
