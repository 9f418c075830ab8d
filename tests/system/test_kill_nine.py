"""The promise of the appliance: what it acknowledged reaches a verdict, once, whatever is killed, filled or emptied.

An edge device pushes scans through the real appliance while its processes are killed at random moments; then every
acknowledged scan must have exactly one verdict, and the audit log must verify.  ``D2R_KILL_UPLOADS`` sets how many
scans (50; ``make kill`` takes 300).
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.audit.database_log import DatabaseLog
from appliance.audit.entry import read_entry
from appliance.cad.revisions import add_revision
from appliance.client.announcement import announce
from appliance.client.connection import Connection
from appliance.client.memory import Memory
from appliance.client.upload import Upload
from appliance.config.settings import Settings, load_settings
from appliance.errors import Conflict, Unavailable
from appliance.identity.api_keys import create_api_key
from appliance.inspections.models import FINAL, InspectionRow
from appliance.measurements.sets import add_set
from appliance.plant.assets import create_asset
from appliance.plant.parts import create_part
from appliance.queue.connection import connect
from appliance.scans.models import Scan
from appliance.supervise.running import down, up_detached
from appliance.supervise.status import read_status
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site
from tests.samples import ply
from tests.services import require

UPLOADS = int(os.environ.get("D2R_KILL_UPLOADS", "30"))
VICTIMS = ("web", "worker", "scheduler", "redis")
PLAN = """\
name,zone,quantity,lower_mm,upper_mm,coverage,detect_mm,alignment
Height,top,mean,-0.1,0.1,0.5,10,shared_frame
"""
ZONES = """\
version = 1
[zones.top]
box = { lower = [0, 0, 9.9], upper = [60, 40, 10.1] }
"""


class Plant:
    """A running appliance with one small part, and a device that scans it."""

    def __init__(self, folder: Path) -> None:
        ports = {"D2R_PORT": str(_free_port()), "D2R_REALTIME_PORT": str(_free_port()), "D2R_LEASE_SECONDS": "5"}
        floor = {"D2R_FREE_SPACE_FLOOR_BYTES": str(2 << 20)}
        self.data = folder / "appliance"
        self.files = folder / "device"
        self.files.mkdir()
        self.environment = {**os.environ, **ports, **floor, "D2R_DATA": str(self.data)}
        os.environ.update({**ports, **floor, "D2R_PUSH_STATE": str(folder / "push")})
        self.settings: Settings = load_settings(self.data, self.environment)
        with Site.open(self.settings, create=True) as site:
            site.create_workspace("main", "Main", SYSTEM)
            scope = site.scope(SYSTEM, "main")
            part = create_part(scope, "plate")
            add_revision(scope, part, _plate(self.files), zones=self.files / "plate.zones.toml")
            add_set(scope, part, PLAN.encode())
            create_asset(scope, "plate-1", part=part)
            _, self.key = create_api_key(site, "main", "device", "cell", SYSTEM)

    def scan(self, seed: int) -> Path:
        """A scan of the plate's top, different from every other."""
        noise = np.random.default_rng(seed)
        xyz = noise.uniform((0, 0, 0), (60, 40, 0), (3_000, 3))
        xyz[:, 2] = 10.0 + noise.normal(0, 0.01, len(xyz))
        return ply(self.files / f"scan-{seed:04}.ply", xyz)

    def push(self, path: Path) -> str:
        """Send a scan until it is acknowledged; its id."""
        connection = Connection(self.settings.effective_public_url, self.key)
        announced = announce(path, {"asset": "plate-1"}, compress=False, signer=None, progress=lambda _: None)
        memory = Memory.of(connection.base, announced.metadata)
        for _ in range(240):  # two minutes and more: on a busy machine a killed process needs a while to be back
            try:
                return Upload(connection, announced, memory, lambda _: None).run().scan
            except Unavailable:
                time.sleep(0.5)
        raise AssertionError(f"{path.name} was never acknowledged")

    def kill(self, name: str) -> None:
        """SIGKILL to one of the processes, if it runs."""
        pid = next((one.pid for one in read_status(self.settings).processes if one.name == name), None)
        if pid:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def empty_redis(self) -> None:
        with suppress(Exception):
            connect(self.settings).flushall()

    def await_verdicts(self, within_s: float) -> None:
        """Return when no inspection is under way any more."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            with Site.open(self.settings) as site, site.scope(SYSTEM, "main"):
                rows = InspectionRow.select().where(InspectionRow.state.not_in(FINAL))
                left = [(row.state, row.attempts, row.lease_until, row.not_before, row.error_message) for row in rows]
            if not left:
                return
            time.sleep(1.0)
        raise AssertionError(f"{len(left)} inspections have no verdict after {within_s:.0f} s: {left}")

    def require_nothing_lost_nothing_doubled(self, acknowledged: list[str]) -> None:
        """Each acknowledged scan is there, with one recorded inspection and one report in a log that holds."""
        with Site.open(self.settings) as site:
            scope = site.scope(SYSTEM, "main")
            with scope:
                scans = {row.id: row.state for row in Scan.select()}
                rows = list(InspectionRow.select())
            log = DatabaseLog.of(scope)
            log.validate()
            DatabaseLog.of_control(site).validate()
            entries = [read_entry(log.entry(index)) for index in range(log.size)]
        assert len(set(acknowledged)) == len(acknowledged), "two scans under one name"
        assert {scan: scans.get(scan) for scan in acknowledged} == dict.fromkeys(acknowledged, "stored")
        assert {row.state for row in rows} == {"recorded"}, [(row.state, row.error_message) for row in rows]
        assert sorted(row.scan_id for row in rows) == sorted(scans), "one inspection for each scan"
        for kind in ("scan.received", "report.issued", "inspection.recorded"):
            assert sum(entry.kind == kind for entry in entries) == len(scans), kind


@pytest.fixture
def plant() -> Iterator[Plant]:
    require("redis-server", shutil.which("redis-server") is not None, "install redis-server")
    folder = Path(tempfile.mkdtemp(prefix="d2r-"))
    with _kept_environment():
        plant = Plant(folder)
        up_detached(plant.settings)
        try:
            yield plant
        finally:
            down(plant.settings)
            shutil.rmtree(folder, ignore_errors=True)


def test_kill_nine_at_random_moments_loses_and_doubles_nothing(plant: Plant) -> None:
    stop, chance = threading.Event(), random.Random(9)

    def reaper() -> None:
        while not stop.wait(chance.uniform(0.3, 3.0)):
            plant.empty_redis() if chance.random() < 0.15 else plant.kill(chance.choice(VICTIMS))

    killer = threading.Thread(target=reaper)
    killer.start()
    try:
        acknowledged = [plant.push(plant.scan(seed)) for seed in range(UPLOADS)]
        time.sleep(5.0)
    finally:
        stop.set()
        killer.join()
    plant.await_verdicts(within_s=60 + 6 * UPLOADS)
    plant.require_nothing_lost_nothing_doubled(acknowledged)


def test_a_kill_of_everything_is_healed_by_the_next_start(plant: Plant) -> None:
    acknowledged = [plant.push(plant.scan(seed)) for seed in range(3)]
    pid = read_status(plant.settings).pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    _eventually(lambda: _is_up(plant.settings))
    plant.await_verdicts(within_s=120)
    plant.require_nothing_lost_nothing_doubled(acknowledged)


def test_a_disk_that_fills_up_in_the_middle_costs_time_only() -> None:
    require("redis-server", shutil.which("redis-server") is not None, "install redis-server")
    with _small_disk(192) as folder, _kept_environment():
        plant = Plant(folder)
        scans = [plant.scan(seed) for seed in range(6)]
        up_detached(plant.settings)
        try:
            acknowledged = [plant.push(path) for path in scans[:3]]
            ballast = folder / "ballast"
            _fill(ballast)
            refused = replace(plant.settings)
            with pytest.raises(Unavailable):
                _push_once(plant, scans[3], refused)
            time.sleep(3.0)
            ballast.unlink()
            acknowledged += [plant.push(path) for path in scans[3:]]
            plant.await_verdicts(within_s=400)
            plant.require_nothing_lost_nothing_doubled(acknowledged)
        finally:
            down(plant.settings)


def _push_once(plant: Plant, path: Path, settings: Settings) -> Any:
    connection = Connection(settings.effective_public_url, plant.key)
    announced = announce(path, {"asset": "plate-1"}, compress=False, signer=None, progress=lambda _: None)
    upload = Upload(connection, announced, Memory.of(connection.base, announced.metadata), lambda _: None)
    upload.sleep = lambda _: None
    return upload.run()


def _plate(folder: Path) -> Path:
    """A plate of 60 x 40 x 10 mm as STL text, and its zone file."""
    corner = np.array([(x, y, z) for x in (0, 60) for y in (0, 40) for z in (0, 10)], dtype=float)
    quads = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
    facets = [(a, b, c) for a, b, c, d in quads] + [(a, c, d) for a, b, c, d in quads]
    lines = ["solid plate"]
    for facet in facets:
        lines += ["facet normal 0 0 0", "outer loop"]
        lines += ["vertex " + " ".join(f"{value:g}" for value in corner[index]) for index in facet]
        lines += ["endloop", "endfacet"]
    path = folder / "plate.stl"
    path.write_text("\n".join([*lines, "endsolid plate", ""]))
    (folder / "plate.zones.toml").write_text(ZONES)
    return path


@contextmanager
def _small_disk(mebibytes: int) -> Iterator[Path]:
    """A file system of its own, of that size."""
    folder = Path(tempfile.mkdtemp(prefix="d2r-"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(folder)]
    allowed = os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    if not allowed:
        folder.rmdir()
        pytest.skip("a file system of its own cannot be mounted here: it takes root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)
        folder.rmdir()


def _fill(path: Path) -> None:
    """Write until nothing more fits."""
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 16))


@contextmanager
def _kept_environment() -> Iterator[None]:
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _eventually(question: Callable[[], Any], within_s: float = 20.0) -> None:
    until = time.monotonic() + within_s
    while not question():
        assert time.monotonic() < until
        time.sleep(0.05)


def _is_up(settings: Settings) -> bool:
    """Start it again; the kernel takes a moment to end what the supervisor left."""
    try:
        return up_detached(settings).running
    except (Conflict, Unavailable):
        return False


def _free_port() -> int:
    from appliance.cli.ports import free_port

    return free_port(0)
