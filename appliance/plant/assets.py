"""Assets: the things that are scanned."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any, Final

from appliance.audit.recording import record
from appliance.core.canonical import canonical_bytes
from appliance.core.clock import rfc3339_us, utc_now
from appliance.core.ids import new_id
from appliance.db.listing import WHOLE, Listing, equal
from appliance.errors import Conflict, InvalidInput
from appliance.plant.models import Asset, Part
from appliance.plant.parts import find_part
from appliance.plant.repository import checked_name, checked_text, find, insert, named_like, page
from appliance.queue.outbox import emit
from appliance.tenancy.scope import WorkspaceScope

#: An asset's own JSON is a label, not a file.
_METADATA_BYTES: Final = 16_384


def create_asset(
    scope: WorkspaceScope,
    name: str,
    *,
    part: Part | str | None = None,
    serial: str = "",
    location: str = "",
    metadata: Mapping[str, Any] | None = None,
) -> Asset:
    """A new asset, of ``part`` (id or name) where that is known.

    Raises
    ------
    InvalidInput : a text or the metadata cannot be used
    NotFound : there is no such part
    Conflict : the name is taken
    """
    chosen, now = checked_name(name, "asset"), rfc3339_us(utc_now())
    columns = _columns(scope, part=part, serial=serial, location=location, metadata=metadata or {})
    made = {"created_at": now, "updated_at": now, "created_by": scope.principal.id}
    with scope.transaction():
        asset = insert(Asset, "asset", chosen, id=new_id("ast"), name=chosen, **columns, **made)
        record(scope, "asset.created", {}, {"asset": asset.id, "name": chosen, **_facts(columns)})
        emit("asset.created", {"asset": asset.id, "name": chosen})
    return asset


def change_asset(
    scope: WorkspaceScope, asset: Asset | str, *, seen: Container[str] | None = None, **changes: Any
) -> Asset:
    """Change ``part``, ``serial``, ``location`` or ``metadata``; the entry says what stood there before.

    Parameters
    ----------
    seen : ``updated_at`` of the row that the caller looked at, one of several; None: whatever stands there

    Raises
    ------
    InvalidInput, NotFound : as in ``create_asset``
    Conflict : somebody changed the asset since the caller looked
    TypeError : any other name
    """
    columns = _columns(scope, **changes)
    with scope.transaction():
        before = find_asset(scope, asset.id if isinstance(asset, Asset) else asset)
        if seen is not None and before.updated_at not in seen:
            raise Conflict("asset.changed", f"The asset '{before.name}' was changed meanwhile.", "Look at it again.")
        old = {name: getattr(before, name) for name in columns}
        if old != columns:
            query = Asset.update(updated_at=rfc3339_us(utc_now()), **columns).where(Asset.id == before.id)
            query.execute()
            facts = {"asset": before.id, "name": before.name, "old": _facts(old), "new": _facts(columns)}
            record(scope, "asset.changed", {}, facts)
            emit("asset.changed", {"asset": before.id, "name": before.name})
    return find_asset(scope, before.id)


def find_asset(scope: WorkspaceScope, asset: Asset | str) -> Asset:
    """An asset by its id or its name.

    Raises
    ------
    NotFound : there is none in this workspace
    """
    return asset if isinstance(asset, Asset) else find(scope, Asset, asset, "asset")


def list_assets(
    scope: WorkspaceScope,
    listing: Listing = WHOLE,
    *,
    part: Part | str | None = None,
    serial: str | None = None,
    location: str | None = None,
    search: str | None = None,
) -> list[Asset]:
    """Assets; ``search`` is a piece of their names.

    Raises
    ------
    NotFound : there is no such part
    """
    part_id = None if part is None else find_part(scope, part).id
    conditions = equal(Asset, part_id=part_id, serial=serial, location=location)
    return page(scope, Asset, listing, *conditions, *named_like(Asset, search))


def _columns(scope: WorkspaceScope, **values: Any) -> dict[str, Any]:
    """Checked values, by column."""
    columns: dict[str, Any] = {}
    for name, value in values.items():
        if name == "part":
            columns["part_id"] = None if value is None else find_part(scope, value).id
        elif name == "metadata":
            columns["metadata"] = _metadata(value)
        elif name in ("serial", "location"):
            columns[name] = checked_text(value, name)
        else:
            raise TypeError(f"an asset has no '{name}' to change")
    return columns


def _metadata(value: Mapping[str, Any]) -> str:
    text = canonical_bytes(dict(value))
    if len(text) > _METADATA_BYTES:
        raise InvalidInput("asset.metadata", f"The metadata is longer than {_METADATA_BYTES} bytes.")
    return text.decode()


def _facts(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Columns as facts of an entry: what is not said is left out."""
    return {name: value for name, value in columns.items() if value not in (None, "", "{}")}
