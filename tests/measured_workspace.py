"""A workspace with two assets of one part, two revisions of it and two instruments: where measurements may be made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import sha256
from random import Random

from appliance.cad.models import CadRevision
from appliance.core.ids import new_id
from appliance.inspections.models import InspectionRow
from appliance.measurements.instruments import add_instrument
from appliance.measurements.models import SCAN
from appliance.measurements.recording import Finding, Occasion, key_of, record_measurements
from appliance.plant.assets import create_asset
from appliance.plant.models import AssetEvent
from appliance.plant.parts import create_part
from appliance.scans.models import Scan
from appliance.tenancy.scope import WorkspaceScope
from tests.full_workspace import AT, definitions

_CONTEXT = f'{{"captured_at":"{AT}","characteristics_version":1,"serial":"0001"}}'


@dataclass(frozen=True)
class Plant:
    """What stands in the workspace, by id."""

    scope: WorkspaceScope
    part: str
    assets: tuple[str, ...]
    revisions: tuple[str, ...]
    plan: str
    instruments: tuple[str, ...]
    scan: str

    @classmethod
    def of(cls, scope: WorkspaceScope, assets: int = 2, name: str = "housing") -> Plant:
        """A plant in a workspace that has none of the name."""
        random = Random(1)
        part = create_part(scope, name)
        prefix = "press" if name == "housing" else f"{name} press"
        made = tuple(create_asset(scope, f"{prefix}-{n:02}", part=part).id for n in range(assets))
        first, plan = definitions(scope, part, random)
        with scope.transaction():
            known = CadRevision.get_by_id(first).__data__
            second = CadRevision.create(**known | {"id": new_id("cad"), "label": "C", "sha256": "1" * 64}).id
        instruments = tuple(
            add_instrument(scope, f"S5-{n}", f"mpe_mm = 0.03\nserial = '{n}'\n".encode()).id for n in range(2)
        )
        stored = "0" * 64 if name == "housing" else sha256(name.encode()).hexdigest()
        with scope.transaction():
            scan = Scan.create(
                id=new_id("scn"), sha256=stored, size_bytes=1, encoding="identity", stored_sha256=stored,
                stored_bytes=1, object="x", format="e57", asset_id=made[0], captured_at=AT, received_at=AT,
                received_by="key_d", manifest="{}", receipt="", state="stored",
            )  # fmt: skip
        return cls(scope, part.id, made, (first, second), plan, instruments, scan.id)

    def occasion(self, asset: int, at: str, revision: str | None = None, instrument: str | None = None) -> Occasion:
        """A recorded inspection, of which nothing is measured yet."""
        return self.again(
            Occasion("", self.part, self.assets[asset], f"{asset:04}", SCAN, at, revision, instrument, "psn_1")
        )

    def again(self, occasion: Occasion) -> Occasion:
        """Another inspection on the same occasion."""
        return replace(occasion, inspection_id=self.inspection(occasion.asset_id).id)

    def inspection(self, asset_id: str = "") -> InspectionRow:
        """The row of a recorded inspection, of the first asset where none is named."""
        with self.scope.transaction():
            row: InspectionRow = InspectionRow.create(
                id=new_id("ins"), scan_id=self.scan, asset_id=asset_id or self.assets[0], part_id=self.part,
                cad_revision_id=self.revisions[0], characteristic_set_id=self.plan, parameters="{}", context=_CONTEXT,
                priority="normal", inspected_at=AT, created_at=AT, created_by="x", state="recorded", verdict="pass",
            )  # fmt: skip
        return row

    def repaired(self, asset: int, at: str) -> None:
        """A row that says so, and nothing else."""
        with self.scope.transaction():
            AssetEvent.create(
                id=new_id("evt"), asset_id=self.assets[asset], kind="repair", happened_at=at, reason="worn",
                created_at=AT, created_by="x",
            )  # fmt: skip

    def measure(self, asset: int, at: str, values: Iterable[float | None], **how: str | None) -> Occasion:
        """An inspection with one value of each characteristic ``c0``, ``c1``, ..., limits -0.1 and 0.1."""
        return self.record(self.occasion(asset, at, how.get("revision"), how.get("instrument")), values)

    def record(self, occasion: Occasion, values: Iterable[float | None]) -> Occasion:
        """The same of an inspection that is there already."""
        findings = [
            Finding(
                key_of(f"c{n}", "z", "mean"),
                f"c{n}",
                "z",
                "mean",
                "mm",
                value,
                0.01,
                2.0,
                -0.1,
                0.1,
                _decided(value),
                coverage=1.0,
                coverage_required=0.9,
            )
            for n, value in enumerate(values)
        ]
        record_measurements(self.scope, occasion, findings)
        return occasion


def _decided(value: float | None) -> str:
    if value is None:
        return "not_measured"
    return "fail" if abs(value) > 0.1165 else "pass" if abs(value) < 0.0835 else "inconclusive"
