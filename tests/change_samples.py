"""Two stored scans of one asset: hills before and after a quarter of them sank by ``SUNK_MM``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from appliance.core.canonical import canonical_bytes
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.ids import new_id
from appliance.objects.sealed import ObjectStore
from appliance.plant.assets import create_asset
from appliance.scans.models import Scan
from appliance.tenancy.scope import WorkspaceScope

SUNK_MM: Final = 0.5
POINTS: Final = 12_000


def hills(seed: int) -> np.ndarray:
    """Points (n, 3), mm, of a rough surface, others for every seed."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-60.0, 60.0, (2, POINTS))
    return np.stack((x, y, 8.0 * np.sin(x / 20.0) * np.cos(y / 15.0) + rng.normal(0.0, 0.02, POINTS)), axis=1)


def two_scans(scope: WorkspaceScope, folder: Path) -> tuple[Scan, Scan]:
    """Both scans as if they had been received."""
    asset = create_asset(scope, "dune")
    before, after = hills(1), hills(2)
    after[(after[:, 0] > 0.0) & (after[:, 1] > 0.0), 2] -= SUNK_MM
    return received(scope, asset.id, folder / "a.xyz", before), received(scope, asset.id, folder / "b.xyz", after)


def received(scope: WorkspaceScope, asset_id: str, path: Path, points: np.ndarray) -> Scan:
    """Points as a stored scan of an asset."""
    np.savetxt(path, points, fmt="%.6f")
    stored, now = ObjectStore.of(scope).put_file(path), rfc3339_us(utc_now())
    with scope.transaction():
        scan: Scan = Scan.create(
            id=new_id("scn"), sha256=stored.sha256, size_bytes=stored.size_bytes, encoding="identity",
            stored_sha256=stored.sha256, stored_bytes=stored.size_bytes, object=stored.name, format="xyz",
            asset_id=asset_id, captured_at=now, received_at=now, received_by="key_device",
            manifest=canonical_bytes({"name": path.name}).decode(), receipt="", state="stored",
        )  # fmt: skip
    return scan
