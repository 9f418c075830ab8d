"""The manifest: what a device says about a scan that it sends.

It comes as JSON, as the payload of an envelope that the device signed, or field by field in the upload's metadata.
Unknown fields, values of another type and impossible ones are refused; nothing is guessed.  ``operator`` is a badge,
never a name.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.core.clock import parse_rfc3339
from appliance.errors import InvalidInput
from appliance.measurements.instrument_file import read_instrument
from appliance.scans.formats import ScanFormat

#: The largest free metadata and instrument statement, as bytes of their JSON or text.
METADATA_BYTES: Final = 16_384
STATEMENT_BYTES: Final = 8_192
_SHOWN_ERRORS: Final = 3

Label = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class SuppliedPose(_Strict):
    """A pose that the device knows, in the form of an alignment file."""

    part_from_scanner: Annotated[list[list[float]], Field(min_length=4, max_length=4)]
    unit: Literal["mm", "m", "in", "ft", "cm", "um"] = "mm"
    translation_u_mm: Annotated[float, Field(ge=0)] | None = None
    rotation_u_rad: Annotated[float, Field(ge=0)] | None = None

    @field_validator("part_from_scanner")
    @classmethod
    def _is_affine(cls, rows: list[list[float]]) -> list[list[float]]:
        if any(len(row) != 4 for row in rows) or rows[3] != [0, 0, 0, 1]:
            raise ValueError("a pose has four rows of four numbers, the last of them 0, 0, 0, 1")
        if not all(math.isfinite(value) for row in rows for value in row):
            raise ValueError("a pose has finite numbers")
        return rows


class Manifest(_Strict):
    """What is said about one scan file.

    ``sha256``, ``size_bytes`` : of the scan file itself, also where ``encoding`` is zstd
    ``instrument`` : name of an instrument of the plant; ``instrument_statement``: the statement itself, as TOML
    ``alignment`` : ``fit``, a pose, or None: whatever the plan says
    ``unit`` : of the file's coordinates, where its format states none
    """

    asset: Label
    format: ScanFormat
    sha256: Sha256
    size_bytes: Annotated[int, Field(ge=0)]
    captured_at: str
    name: Label | None = None
    device: Label | None = None
    operator: Label | None = None
    encoding: Literal["identity", "zstd"] = "identity"
    unit: Literal["mm", "m", "in", "ft", "cm", "um"] | None = None
    alignment: Literal["fit"] | SuppliedPose | None = None
    instrument: Label | None = None
    instrument_statement: Annotated[str, Field(min_length=1, max_length=STATEMENT_BYTES)] | None = None
    priority: Literal["high", "normal", "low"] = "normal"
    metadata: dict[str, Any] = Field(default_factory=dict)

    @field_validator("captured_at")
    @classmethod
    def _is_moment(cls, text: str) -> str:
        try:
            parse_rfc3339(text)
        except InvalidInput as error:
            raise ValueError(error.message) from error
        return text

    @field_validator("metadata")
    @classmethod
    def _is_small(cls, value: dict[str, Any]) -> dict[str, Any]:
        try:
            size = len(canonical_bytes(value))
        except InvalidInput as error:
            raise ValueError(error.message) from error
        if size > METADATA_BYTES:
            raise ValueError(f"free metadata takes at most {METADATA_BYTES} bytes")
        return value

    @model_validator(mode="after")
    def _names_one_instrument(self) -> Manifest:
        if self.instrument_statement is None:
            return self
        if self.instrument is not None:
            raise ValueError("an instrument is named, or its statement is sent, not both")
        try:
            read_instrument(self.instrument_statement.encode())
        except InvalidInput as error:
            raise ValueError(error.message) from error
        return self

    def sent_by(self, device: str | None) -> Manifest:
        """The manifest with the device that sends it, where it names none."""
        return self if self.device or not device else self.model_copy(update={"device": device})

    def canonical(self) -> bytes:
        """The manifest as canonical JSON; what was not said is left out."""
        return canonical_bytes(self.model_dump(exclude_defaults=True))


def parse_manifest(data: bytes) -> Manifest:
    """A manifest from its JSON.

    Raises
    ------
    InvalidInput : not JSON, an unknown field, a value of another type or out of range
    """
    return manifest_of(loads_strict(data))


def manifest_of(fields: Any) -> Manifest:
    """A manifest from parsed JSON; raises as ``parse_manifest`` does."""
    try:
        return Manifest.model_validate(fields)
    except ValidationError as error:
        raise _invalid(error) from error


def manifest_of_metadata(fields: Mapping[str, str]) -> Manifest:
    """A manifest that came field by field, as text.

    ``filename`` is another word for ``name``; ``filetype``, ``type`` and ``relativePath``, which browsers add, say
    nothing here.  Objects (``alignment``, ``metadata``) are JSON.

    Raises
    ------
    InvalidInput : as ``parse_manifest``
    """
    values: dict[str, Any] = {key: text for key, text in fields.items() if key not in _IGNORED and text}
    if "filename" in values:
        values.setdefault("name", values["filename"])
        del values["filename"]
    if (size := values.get("size_bytes")) and size.isascii() and size.isdigit():
        values["size_bytes"] = int(size)
    for key in ("alignment", "metadata"):
        if values.get(key, "").startswith("{"):
            values[key] = loads_strict(values[key])
    return manifest_of(values)


_IGNORED: Final = frozenset({"filetype", "type", "relativePath"})


def _invalid(error: ValidationError) -> InvalidInput:
    """Which fields are wrong, and how; never their values."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    lines = [f"{'.'.join(map(str, item['loc'])) or 'manifest'}: {item['msg']}" for item in found[:_SHOWN_ERRORS]]
    more = f" (and {len(found) - _SHOWN_ERRORS} more)" if len(found) > _SHOWN_ERRORS else ""
    return InvalidInput(
        "manifest.invalid", f"The manifest cannot be used: {'; '.join(lines)}{more}.", "See uploads.md."
    )
