"""Which asset of which part a reported inspection is about: one that is there, or one that is made on request."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.errors import Conflict, InvalidInput, NotFound
from appliance.exchange.records import ReportedInspection
from appliance.plant.assets import create_asset, find_asset
from appliance.plant.models import Asset, Part
from appliance.plant.parts import create_part, find_part
from appliance.plant.repository import checked_name
from appliance.tenancy.scope import WorkspaceScope

_HINT = "Add it first, or say --create."


@dataclass(frozen=True)
class Item:
    """The item of an inspection by its names; ``asset_id`` and ``part_id`` are None where it has to be made."""

    part: str
    asset: str
    serial: str
    part_id: str | None
    asset_id: str | None


def find_item(scope: WorkspaceScope, reported: ReportedInspection, *, create: bool) -> Item:
    """The item that an inspection names, by asset or by serial number.

    Raises
    ------
    NotFound : part or asset are not known, and ``create`` is not said
    InvalidInput : it names nothing, or an asset without a part
    Conflict : several assets have that serial number, or the asset is of another part or serial number than is said
    """
    part = _part(scope, reported.part, create)
    asset = _asset(scope, reported, part)
    if asset is not None:
        return _known(scope, reported, asset, part)
    if not create:
        named = reported.asset or f"with the serial number {reported.serial}"
        raise NotFound("results.asset", f"There is no asset {named}.", _HINT)
    if not reported.part:
        named = reported.asset or reported.serial
        raise InvalidInput("results.part", f"Nothing says of which part '{named}' is.", "Name it: --part NAME.")
    own = part.name if part else checked_name(reported.part, "part")
    name = checked_name(reported.asset or f"{own} {reported.serial}", "asset")
    return Item(own, name, reported.serial, part.id if part else None, None)


def make_item(scope: WorkspaceScope, item: Item) -> tuple[str, str]:
    """The ids of part and asset of an item; what is missing is made in the open transaction."""
    if item.asset_id and item.part_id:
        return item.part_id, item.asset_id
    with scope:
        part = Part.get_or_none(Part.name == item.part) or create_part(scope, item.part)
        asset = Asset.get_or_none(Asset.name == item.asset)
        asset = asset or create_asset(scope, item.asset, part=part, serial=item.serial)
    return part.id, asset.id


def _part(scope: WorkspaceScope, name: str, create: bool) -> Part | None:
    if not name:
        return None
    try:
        return find_part(scope, name)
    except NotFound as error:
        if create:
            return None
        raise NotFound("results.part", error.message, _HINT) from error


def _asset(scope: WorkspaceScope, reported: ReportedInspection, part: Part | None) -> Asset | None:
    """The asset that is named, or the one with the serial number; None where there is neither."""
    if reported.asset:
        try:
            return find_asset(scope, reported.asset)
        except NotFound:
            return None
    if not reported.serial:
        message = "An inspection of the file names neither an asset nor a serial number."
        raise InvalidInput("results.serial", message, "Name it by its place in the file: --serial 1=SERIAL.")
    if reported.part and part is None:
        return None
    with scope:
        alike = [Asset.serial == reported.serial] + ([Asset.part_id == part.id] if part else [])
        found = list(Asset.select().where(*alike).limit(2))
    if len(found) > 1:
        message = f"Several assets have the serial number {reported.serial}."
        raise Conflict("results.ambiguous_asset", message, "Name the part, or the asset itself.")
    return found[0] if found else None


def _known(scope: WorkspaceScope, reported: ReportedInspection, asset: Asset, part: Part | None) -> Item:
    if asset.part_id is None:
        message = f"The asset '{asset.name}' is of no part."
        raise InvalidInput("results.part", message, "Say which: d2r asset change --part.")
    if reported.part and (part is None or part.id != asset.part_id):
        raise Conflict("results.other_part", f"The asset '{asset.name}' is not of the part '{reported.part}'.")
    if reported.serial and asset.serial and reported.serial != asset.serial:
        message = f"The asset '{asset.name}' has the serial number {asset.serial}, not {reported.serial}."
        raise Conflict("results.other_serial", message, "Is it another item?")
    own = part or find_part(scope, asset.part_id)
    return Item(own.name, asset.name, asset.serial or reported.serial, own.id, asset.id)
