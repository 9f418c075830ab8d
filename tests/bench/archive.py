"""A workspace out of one appliance and into another: MB/s, rows/s and memory, against a bare copy of the same bytes.

    python tests/bench/archive.py [GIGABYTES] [INSPECTIONS]

Objects are 32 MiB each; an inspection has eight small objects, six measurements and three entries.  Every step is a
process of its own, whose peak of memory is measured.  Export and import end when everything is on the disk.  The import
reads the archive twice.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from appliance.audit.recording import record
from appliance.config.settings import load_settings
from appliance.inspections.models import InspectionRow
from appliance.measurements.models import SCAN, Measurement
from appliance.measurements.recording import Finding, Occasion, key_of, record_measurements
from appliance.objects.sealed import ObjectStore
from appliance.plant.assets import create_asset
from appliance.plant.parts import create_part
from appliance.scans.models import Scan
from appliance.tenancy.scope import WorkspaceScope
from appliance.tenancy.site import Site
from appliance.workspaces.exporting import export_workspace
from appliance.workspaces.importing import Archive, import_workspace
from tests.full_workspace import AT, KEY, OWNER, definitions, new_site

LARGE = 32 << 20
OBJECTS = ("instrument", "alignment", "result", "envelope", "proof", "pdf", "tiles", "field")


def main() -> None:
    given = sys.argv[1:]
    size, inspections = int(float(given[0] if given else 0.5) * (1 << 30)), int(given[1] if len(given) > 1 else 1000)
    with tempfile.TemporaryDirectory(dir=os.environ.get("D2R_BENCH_FOLDER")) as name:
        folder = Path(name)
        step("fill", folder, size, inspections)
        bare = step("copy", folder)
        for kind in ("export", "import"):
            said = step(kind, folder)
            print(f"{kind}  {said['seconds']:6.2f} s  {size / said['seconds'] / 1e6:6.0f} MB/s", end="")
            print(f"  {said['start_mb']:.0f} MB at its beginning, {said['peak_mb']:.0f} MB at most", end="")
            print(f"  {said['rows']} rows, {said['objects']} objects")
        print(f"a bare copy with its SHA-256 and fsync  {bare['seconds']:.2f} s")
        print(f"archive  {(folder / 'archive').stat().st_size / 1e6:.0f} MB")


def step(kind: str, folder: Path, *more: int) -> dict[str, float]:
    command = [sys.executable, __file__, kind, str(folder), *map(str, more)]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return found


def timed(work: Callable[[], dict[str, float]]) -> None:
    start_mb, begun = peak_mb(), time.perf_counter()
    said = work()
    os.sync()
    seconds = time.perf_counter() - begun
    print(json.dumps(said | {"seconds": seconds, "start_mb": start_mb, "peak_mb": peak_mb()}))


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fill(folder: Path, size: int, inspections: int) -> dict[str, float]:
    random = Random(1)
    with new_site(folder / "here", "plant.example/7") as site:
        site.create_workspace("main", "Main", OWNER)
        scope = site.scope(OWNER, "main")
        part = create_part(scope, "housing")
        asset = create_asset(scope, "press", part=part).id
        revision, plan = definitions(scope, part, random)
        scans = [scan(scope, asset, number, random.randbytes(LARGE)) for number in range(max(1, size // LARGE))]
        for number in range(inspections):
            inspection(scope, scans[number % len(scans)], part.id, revision, plan, number)
    return {}


def scan(scope: WorkspaceScope, asset: str, number: int, data: bytes) -> Scan:
    stored = ObjectStore.of(scope).put_bytes(data)
    with scope.transaction():
        row: Scan = Scan.create(
            id=f"scn_{number:08}", sha256=stored.sha256, size_bytes=stored.size_bytes, encoding="identity",
            stored_sha256=stored.sha256, stored_bytes=stored.size_bytes, object=stored.name, format="e57",
            asset_id=asset, captured_at=AT, received_at=AT, received_by="x", manifest="{}", receipt="", state="stored",
        )  # fmt: skip
    return row


def inspection(scope: WorkspaceScope, scan: Scan, part: str, revision: str, plan: str, number: int) -> None:
    store = ObjectStore.of(scope)
    objects = {f"{name}_object": store.put_bytes(f"{name} {number}".encode() * 50).name for name in OBJECTS}
    with scope.transaction():
        row = InspectionRow.create(
            id=f"ins_{number:08}", scan_id=scan.id, asset_id=scan.asset_id, part_id=part, cad_revision_id=revision,
            characteristic_set_id=plan, parameters="{}", context="{}", priority="normal", inspected_at=AT,
            created_at=AT, created_by="x", state="recorded", **objects,
        )  # fmt: skip
        names = [f"wear {position}" for position in range(6)]
        findings = [
            Finding(
                key_of(name, "all", "mean"), name, "all", "mean", "mm", 0.1, None, None, None, 0.3, "pass", 1.0, 0.9
            )
            for name in names
        ]
        record_measurements(scope, Occasion(row.id, part, scan.asset_id, "", SCAN, AT, revision), findings)
        for kind in ("created", "judged", "recorded"):
            record(scope, f"inspection.{kind}", {"scan": scan.sha256}, {"inspection": row.id})


def copy(folder: Path) -> dict[str, float]:
    """What cannot be avoided: every byte read, hashed, written and synced."""
    digest = sha256()
    with (folder / "copy").open("wb") as target:
        for path in sorted((folder / "here" / "objects").rglob("*/??/*")):
            with path.open("rb") as source:
                while block := source.read(1 << 20):
                    digest.update(block)
                    target.write(block)
        target.flush()
        os.fsync(target.fileno())
    (folder / "copy").unlink()
    return {}


def take_out(folder: Path) -> dict[str, float]:
    with Site.open(load_settings(folder / "here", {})) as site, (folder / "archive").open("wb") as sink:
        made = export_workspace(site, "main", KEY.lock, "a move", OWNER, sink)
        sink.flush()
        os.fsync(sink.fileno())
    return {"rows": made.rows, "objects": made.objects}


def take_in(folder: Path) -> dict[str, float]:
    with Site.open(load_settings(folder / "here", {})) as here:
        trusted = here.keys.own_keys()
    with new_site(folder / "there", "elsewhere.example/2") as site:
        made = import_workspace(site, Archive(folder / "archive", KEY, trusted), "a move", OWNER)
        with site.scope(OWNER, made.slug) as scope:
            rows = Measurement.select().count() + InspectionRow.select().count()
            return {"rows": rows, "objects": sum(1 for _ in ObjectStore.of(scope).names())}


if __name__ == "__main__":
    steps = {"copy": copy, "export": take_out, "import": take_in}
    asked = sys.argv[1] if len(sys.argv) > 1 else ""
    if asked == "fill":
        timed(lambda: fill(Path(sys.argv[2]), *map(int, sys.argv[3:])))
    elif asked in steps:
        timed(lambda: steps[asked](Path(sys.argv[2])))
    else:
        main()
