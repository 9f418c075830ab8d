"""An asset with a history of measurements, each in an inspection of its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from appliance.core.clock import rfc3339_us
from appliance.core.ids import new_id
from appliance.inspections.models import InspectionRow
from appliance.measurements.models import IMPORT
from appliance.measurements.recording import Finding, Occasion, record_measurements
from appliance.plant.assets import create_asset
from appliance.plant.parts import create_part
from appliance.scans.models import Scan
from appliance.tenancy.scope import WorkspaceScope
from tests.full_workspace import definitions

START = datetime(2026, 1, 5, 8, tzinfo=UTC)


class History:
    """A part and an asset of it that is measured once a day."""

    def __init__(self, scope: WorkspaceScope, name: str = "press-07", **metadata: Any) -> None:
        self.scope, self.day = scope, 0
        self.part = create_part(scope, f"part of {name}")
        self.asset = create_asset(scope, name, part=self.part, metadata=metadata)
        self.revision, self.plan = definitions(scope, self.part, Random(name))

    def scanned(self, moment: datetime) -> Scan:
        """A scan that was received at a moment."""
        at, unique = rfc3339_us(moment), new_id("x").ljust(64, "0")
        with self.scope.transaction():
            scan: Scan = Scan.create(
                id=new_id("scn"), sha256=unique, size_bytes=1, encoding="identity", stored_sha256=unique,
                stored_bytes=1, object=unique, format="e57", asset_id=self.asset.id, captured_at=at, received_at=at,
                received_by="key_device", manifest="{}", receipt="", state="stored",
            )  # fmt: skip
        return scan

    def measured(self, value: float, *, at: datetime | None = None, instrument: str | None = None) -> str:
        """One value of the characteristic, a day after the one before; returns the inspection's id."""
        moment = at or START + timedelta(days=self.day)
        self.day += 1
        scan, text = self.scanned(moment), rfc3339_us(moment)
        with self.scope.transaction():
            row = InspectionRow.create(
                id=new_id("ins"), scan_id=scan.id, asset_id=self.asset.id, part_id=self.part.id,
                cad_revision_id=self.revision, characteristic_set_id=self.plan, parameters="{}", context="{}",
                priority="normal", inspected_at=text, created_at=text, created_by="key_device", state="recorded",
                verdict="pass",
            )  # fmt: skip
            occasion = Occasion(row.id, self.part.id, self.asset.id, "", IMPORT, text, instrument_id=instrument)
            finding = Finding("1", "Bore", "", "diameter", "mm", value, 0.01, 2.0, 9.0, 11.0, "pass")
            record_measurements(self.scope, occasion, [finding])
        return str(row.id)
