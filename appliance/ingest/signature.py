"""The device's signature over its manifest: a DSSE envelope whose payload is the manifest's JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from appliance.crypto.dsse import open_envelope, verify_envelope
from appliance.crypto.vkey import VerifierKey
from appliance.errors import Denied, InvalidInput, Modified, NotProvable
from appliance.ingest.manifest import Manifest, parse_manifest
from appliance.plant.models import Device

PAYLOAD_TYPE: Final = "application/vnd.d2r.scan-manifest+json"


def manifest_in(envelope: bytes) -> Manifest:
    """The manifest in an envelope, nothing verified.

    Raises
    ------
    InvalidInput : it is no envelope, or none around a manifest
    """
    try:
        opened = open_envelope(envelope)
    except Modified as error:
        raise InvalidInput("manifest.envelope", error.message, "Write it as RFC 8785 JSON with base64.") from error
    if opened.payload_type != PAYLOAD_TYPE:
        raise InvalidInput("manifest.envelope", f"The envelope's payload type is not {PAYLOAD_TYPE}.")
    return parse_manifest(opened.payload)


def check_signature(envelope: bytes, device: Device | None, keys: Sequence[VerifierKey]) -> None:
    """Return if ``device`` signed the manifest in ``envelope`` with one of its ``keys``, which count now.

    Raises
    ------
    InvalidInput : no device is named, or it is enrolled without a key
    Denied : the signature is not the device's
    """
    if device is None or not device.vkey:
        hint = "Enrol the device with its verifier key, or send the manifest unsigned."
        raise InvalidInput("manifest.no_device_key", "The manifest is signed, and no key of its device is known.", hint)
    try:
        verify_envelope(envelope, keys)
    except (Modified, NotProvable) as error:
        raise Denied("manifest.signature", f"The manifest is not signed by '{device.name}': {error.message}") from error
