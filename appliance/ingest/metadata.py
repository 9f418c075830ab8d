"""The ``Upload-Metadata`` header of tus: pairs of a key and base64, and the manifest that they carry.

The manifest stands under ``envelope`` (a DSSE envelope that the device signed), under ``manifest`` (JSON), or field by
field.  Source: tus 1.0.0, creation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from appliance.crypto.encoding import b64decode
from appliance.errors import InvalidInput
from appliance.ingest.manifest import Manifest, manifest_of_metadata, parse_manifest
from appliance.ingest.signature import manifest_in

_ENVELOPE: Final = "envelope"
_MANIFEST: Final = "manifest"


def parse_metadata(header: str) -> dict[str, bytes]:
    """The pairs of the header; a key without a value has an empty one.

    Raises
    ------
    InvalidInput : a key twice or none, or a value that is not base64
    """
    fields: dict[str, bytes] = {}
    for pair in header.split(",") if header.strip() else []:
        key, _, value = pair.strip().partition(" ")
        if not key or not key.isascii() or key in fields:
            raise InvalidInput("upload.header", "Upload-Metadata holds a key twice, or none.")
        try:
            fields[key] = b64decode(value)
        except InvalidInput as error:
            raise InvalidInput("upload.header", f"Upload-Metadata: the value of '{key[:40]}' is not base64.") from error
    return fields


def manifest_from(fields: Mapping[str, bytes]) -> tuple[Manifest, bytes | None]:
    """The manifest that the pairs carry, and the envelope around it, if the device signed it.

    Raises
    ------
    InvalidInput : there is none, more than one that differ, or one that cannot be used
    """
    envelope = fields.get(_ENVELOPE)
    if envelope is not None:
        manifest = manifest_in(envelope)
        if _MANIFEST in fields and parse_manifest(fields[_MANIFEST]) != manifest:
            raise InvalidInput("manifest.two", "The manifest and the signed one differ.", "Send one of them.")
        return manifest, envelope
    if _MANIFEST in fields:
        return parse_manifest(fields[_MANIFEST]), None
    if not fields:
        raise InvalidInput("manifest.missing", "The upload has no manifest.", "Send it in Upload-Metadata.")
    try:
        return manifest_of_metadata({key: value.decode() for key, value in fields.items()}), None
    except UnicodeDecodeError as error:
        raise InvalidInput("manifest.text", "A field of the manifest is not UTF-8 text.") from error
