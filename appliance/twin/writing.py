"""Writing a version behind the head of its asset, and telling of it: in the transaction of whoever makes it."""

from __future__ import annotations

from typing import Any

from appliance.audit.recording import record
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.ids import new_id
from appliance.queue.outbox import emit
from appliance.tenancy.scope import WorkspaceScope
from appliance.twin.content import content_sha256
from appliance.twin.models import TwinVersion
from appliance.twin.repository import next_number, version_as_of


def written(scope: WorkspaceScope, asset_id: str, **columns: Any) -> TwinVersion:
    """A new version of an asset behind its head, in the open transaction."""
    head = version_as_of(scope, asset_id)
    version = TwinVersion(
        id=new_id("twv"), asset_id=asset_id, number=next_number(asset_id), parent_id=head and head.id,
        parent_sha256=head.content_sha256 if head else "", recorded_at=rfc3339_us(utc_now()),
        recorded_by=scope.principal.id, **columns,
    )  # fmt: skip
    version.content_sha256 = content_sha256(version)
    version.save(force_insert=True)
    return version


def repeated(scope: WorkspaceScope, version: TwinVersion, reason: str) -> TwinVersion:
    """A new version that says what ``version`` says, in the open transaction."""
    same = (
        "part_id", "cad_revision_id", "cad_sha256", "inspection_id", "envelope_sha256", "verdict", "measured_at",
        "cells", "coverage", "cells_sha256", "zones_sha256", "field_sha256", "field_object", "skin_sha256",
        "skin_object",
    )  # fmt: skip
    columns = {name: getattr(version, name) for name in same}
    return written(scope, version.asset_id, restores_id=version.id, reason=reason, **columns)


def tell(scope: WorkspaceScope, kind: str, version: TwinVersion, **more: Any) -> None:
    """The entry in the log and the event."""
    subjects = {"version": version.content_sha256, "field": version.field_sha256}
    facts = {"twin": version.id, "asset": version.asset_id, "number": version.number, "verdict": version.verdict}
    facts |= {"inspection": version.inspection_id}
    record(scope, kind, subjects, facts | more)
    emit(kind, {"twin": version.id, "asset": version.asset_id, "inspection": version.inspection_id})
