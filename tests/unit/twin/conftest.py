"""A surface whose cells are known, and inspections of it that were recorded without running the line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from appliance.core.ids import new_id
from appliance.inspections.models import InspectionRow
from appliance.objects.sealed import ObjectStore
from appliance.plant.assets import create_asset
from appliance.plant.models import Asset, Part
from appliance.plant.parts import create_part
from appliance.tenancy.scope import WorkspaceScope
from appliance.twin.files import encode_field, encode_skin
from appliance.twin.models import TwinVersion
from appliance.twin.recording import Prepared, record_version
from appliance.twin.records import Skin, TwinField, nanometres
from appliance.twin.repository import versions_of_inspections
from tests.full_workspace import definitions, stored_scan_of

#: Cells of the plate: 4 columns of 1 mm by 5 rows.
COLUMNS, ROWS = 4, 5
CELLS = COLUMNS * ROWS


def plate(z_mm: float = 0.0, zones: dict[str, Any] | None = None) -> Skin:
    """A flat plate of 20 cells of 1 mm2 that looks upwards: each cell is two triangles, one facet each."""
    x, y = np.meshgrid(np.arange(COLUMNS), np.arange(ROWS))
    corner = np.stack([x.ravel(), y.ravel(), np.full(CELLS, z_mm)], axis=1).astype(np.float32)
    square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
    vertices = (corner[:, None] + square).reshape(-1, 3)
    first = 4 * np.arange(CELLS, dtype=np.int32)[:, None]
    triangles = np.stack([first + (0, 1, 2), first + (0, 2, 3)], axis=1).reshape(-1, 3).astype(np.int32)
    middle = corner + np.array([0.5, 0.5, 0], np.float32)
    every = {"all": np.ones(CELLS, bool), "left": x.ravel() < 2}
    return Skin(
        1.5, np.ones(CELLS, np.float32), every if zones is None else zones, middle,
        np.tile(np.array([0, 0, 1], np.float32), (CELLS, 1)), vertices, triangles,
        np.repeat(np.arange(CELLS, dtype=np.int32), 2),
    )  # fmt: skip


def flat_field(mean_mm: float | np.ndarray, u_mm: float = 0.01, cells: int = CELLS) -> TwinField:
    """A field of that deviation everywhere, NaN where it is not seen."""
    mean = np.broadcast_to(np.asarray(mean_mm, dtype=np.float64), cells)
    seen = ~np.isnan(mean)
    return TwinField(nanometres(mean, seen), np.where(seen, u_mm, np.nan).astype(np.float32))


@dataclass
class Plant:
    """An asset with a part and a CAD revision, and inspections of it."""

    scope: WorkspaceScope
    part: Part
    asset: Asset
    revision: str
    plan: str

    def prepared(self, field: TwinField, skin: Skin | None = None, cells: str = "c") -> Prepared:
        store = ObjectStore.of(self.scope)
        stored, dressed = store.put_bytes(encode_field(field)), store.put_bytes(encode_skin(skin or plate()))
        return Prepared(
            len(field), float(field.seen.mean()), cells, "z", stored.sha256, stored.name, dressed.sha256, dressed.name
        )

    def inspected(self, amends: str | None = None, reason: str = "", asset: Asset | None = None) -> InspectionRow:
        """A recorded inspection without a twin's version yet."""
        of = asset or self.asset
        scan = stored_scan_of(self.scope, of.id)
        with self.scope.transaction():
            row: InspectionRow = InspectionRow.create(
                id=new_id("ins"), scan_id=scan.id, asset_id=of.id, part_id=self.part.id,
                cad_revision_id=self.revision, characteristic_set_id=self.plan, parameters="{}", context="{}",
                priority="normal", inspected_at=on(1), created_at=on(1), created_by="x", state="recorded",
                verdict="pass", envelope_sha256="e" * 64, amends_id=amends, reason=reason,
            )  # fmt: skip
        return row

    def recorded(
        self, day: int, field: TwinField | None = None, row: InspectionRow | None = None,
        family: list[str] | None = None, **prepared: Any,
    ) -> TwinVersion:  # fmt: skip
        """A version measured on this day of March."""
        own = row or self.inspected()
        stored = self.prepared(field or flat_field(0.01 * day), **prepared)
        with self.scope.transaction():
            return record_version(self.scope, own, stored, on(day), family or [own.id])

    def now(self, version: TwinVersion) -> TwinVersion:
        """The version as it stands in the database."""
        return versions_of_inspections(self.scope, [version.inspection_id])[
            [one.id for one in versions_of_inspections(self.scope, [version.inspection_id])].index(version.id)
        ]


def on(day: int) -> str:
    """A moment on a day of March."""
    return f"2026-03-{day:02d}T12:00:00.000000Z"


@pytest.fixture
def plant(scope: WorkspaceScope) -> Plant:
    from random import Random

    part = create_part(scope, "housing")
    asset = create_asset(scope, "press-07", part=part)
    revision, plan = definitions(scope, part, Random(3))
    return Plant(scope, part, asset, revision, plan)
