"""A part, a scan of it and an appliance that knows both: what tests of the line as a server start from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from appliance.cad.revisions import add_revision
from appliance.core.canonical import canonical_bytes
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.ids import new_id
from appliance.measurements.sets import add_set
from appliance.objects.sealed import ObjectStore
from appliance.plant.assets import create_asset
from appliance.plant.parts import create_part
from appliance.scans.models import Scan
from appliance.simulate.series import CASES, PLAN, Series, file_from_part
from appliance.tenancy.scope import WorkspaceScope

POINTS = 150_000
#: A tenth of the triangles of the demonstration.
EDGE_MM = 3.0
#: The plan of the demonstration for a few points only: coarse cells, and the pose is supplied.
COARSE_PLAN = (
    PLAN.replace('alignment = "reference_zones"\n', "")
    .replace('reference_zones = ["base", "front", "left", "top"]\n', "")
    .replace("detect = 5", "detect = 12")
    .replace("detect = 6", "detect = 12")
)


@dataclass(frozen=True)
class Sample:
    """Files of one simulated scan."""

    series: Series
    scan: Path
    alignment: Path
    plan: bytes


def sample_files(folder: Path, case: int = 0, points: int = POINTS) -> Sample:
    """Write part, plan, instrument and one scan into ``folder``."""
    series = Series.write(folder, EDGE_MM)
    scan = series.write_scan(folder, CASES[case], points)
    pose = np.linalg.inv(file_from_part(CASES[case].seed))
    alignment = folder / "alignment.json"
    alignment.write_text(json.dumps({"part_from_scanner": pose.tolist(), "unit": "mm"}))
    return Sample(series, scan, alignment, COARSE_PLAN.encode())


def known_part(scope: WorkspaceScope, sample: Sample) -> Any:
    """The asset of the sample, with its part's CAD revision and characteristics."""
    part = create_part(scope, "housing")
    add_revision(scope, part, sample.series.cad, label="B")
    add_set(scope, part, sample.plan)
    return create_asset(scope, "housing-0001", part=part, serial="0001", location="Hall 3")


def stored_scan(scope: WorkspaceScope, sample: Sample, asset: Any) -> Scan:
    """The sample's scan as if it had been received."""
    stored = ObjectStore.of(scope).put_file(sample.scan)
    now = rfc3339_us(utc_now())
    manifest = canonical_bytes({"name": sample.scan.name}).decode()
    with scope.transaction():
        scan: Scan = Scan.create(
            id=new_id("scn"), sha256=stored.sha256, size_bytes=stored.size_bytes, encoding="identity",
            stored_sha256=stored.sha256, stored_bytes=stored.size_bytes, object=stored.name, format="e57",
            asset_id=asset.id, captured_at=now, received_at=now, received_by="key_device", manifest=manifest,
            receipt="", state="stored",
        )  # fmt: skip
    return scan
