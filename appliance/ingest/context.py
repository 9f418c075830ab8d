"""What a manifest refers to in the plant: asset, device, instrument, found once and checked before a byte comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from appliance.core.canonical import canonical_bytes
from appliance.core.ids import is_id
from appliance.enrolment.keys import verifiers_of
from appliance.errors import Denied, InvalidInput, NotFound
from appliance.ingest.manifest import Manifest, SuppliedPose
from appliance.ingest.signature import check_signature
from appliance.measurements.instruments import find_instrument
from appliance.objects.sealed import ObjectStore
from appliance.plant.assets import find_asset
from appliance.plant.devices import find_device
from appliance.plant.models import Asset, Device
from appliance.tenancy.scope import WorkspaceScope


@dataclass(frozen=True)
class Context:
    """Whose scan it is, and who sent it."""

    asset: Asset
    device: Device | None


def find_context(scope: WorkspaceScope, manifest: Manifest, envelope: bytes | None) -> Context:
    """Asset and device of a manifest, whose signature, if there is one, is the device's.

    Raises
    ------
    InvalidInput : an asset, device or instrument that the workspace does not know; a signature that
        nobody can check, or none of a device that has a key of its own
    Denied : the device is revoked, another one sends, or the signature is not the device's
    """
    try:
        context = known_context(scope, manifest.sent_by(_sender(scope)))
        if manifest.instrument is not None:
            find_instrument(scope, manifest.instrument)
    except NotFound as error:
        raise InvalidInput("manifest.unknown", error.message, "Register it first, or correct the manifest.") from error
    _check_sender(scope, manifest, context.device)
    if envelope is not None:
        check_signature(envelope, context.device, verifiers_of(scope, context.device) if context.device else ())
    elif is_id(scope.principal.id, "dev"):
        hint = "Send it as an envelope that is signed with the device's key."
        raise InvalidInput("manifest.unsigned", "A device that has a key of its own signs its manifests.", hint)
    return context


def known_context(scope: WorkspaceScope, manifest: Manifest) -> Context:
    """The same, of a manifest that was checked when its upload began.

    Raises
    ------
    NotFound : the workspace does not know the asset or the device
    """
    device = find_device(scope, manifest.device) if manifest.device is not None else None
    return Context(find_asset(scope, manifest.asset), device)


def inspection_inputs(scope: WorkspaceScope, manifest: Manifest) -> dict[str, Any]:
    """The arguments of ``create_inspection`` that a manifest decides; what it carries is stored as objects."""
    store = ObjectStore.of(scope)
    inputs: dict[str, Any] = {"priority": manifest.priority}
    parameters: dict[str, Any] = {}
    if manifest.instrument_statement is not None:
        inputs["instrument_object"] = store.put_bytes(manifest.instrument_statement.encode()).name
    elif manifest.instrument is not None:
        inputs["instrument_object"] = find_instrument(scope, manifest.instrument).statement_object
    if isinstance(manifest.alignment, SuppliedPose):
        pose = canonical_bytes(manifest.alignment.model_dump(exclude_none=True))
        inputs["alignment_object"] = store.put_bytes(pose).name
    elif manifest.alignment == "fit":
        parameters["fit"] = True
    if manifest.unit is not None:
        parameters["scan_unit"] = manifest.unit
    return {**inputs, "parameters": parameters}


def _check_sender(scope: WorkspaceScope, manifest: Manifest, device: Device | None) -> None:
    sender = scope.principal
    if sender.kind == "device" and manifest.device not in (None, sender.label):
        raise Denied("manifest.device", f"'{sender.label}' cannot send in the name of '{manifest.device}'.")
    if device is not None and device.revoked_at:
        raise Denied("device.revoked", f"The device '{device.name}' is revoked since {device.revoked_at}.")


def _sender(scope: WorkspaceScope) -> str | None:
    """The enrolled device that sends, where one does."""
    if scope.principal.kind != "device":
        return None
    try:
        return str(find_device(scope, scope.principal.label).name)
    except NotFound:
        return None
