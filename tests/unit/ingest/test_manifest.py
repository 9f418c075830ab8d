"""Manifests: what is said is checked to the last field, and nothing is guessed."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest

from appliance.crypto.dsse import sign_envelope
from appliance.crypto.vkey import Signer, VerifierKey, parse_vkey
from appliance.errors import Denied, InvalidInput
from appliance.ingest.manifest import manifest_of, parse_manifest
from appliance.ingest.metadata import manifest_from, parse_metadata
from appliance.ingest.signature import PAYLOAD_TYPE, check_signature, manifest_in
from appliance.plant.models import Device
from tests.unit.ingest.conftest import SCAN, manifest_fields

POSE = [[1, 0, 0, 10.5], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
STATEMENT = 'maker = "ACME"\nmodel = "S"\nserial = "1"\nmpe_mm = 0.03\n'


def fields(**more: Any) -> dict[str, Any]:
    return manifest_fields(SCAN, **more)


GOOD: list[dict[str, Any]] = [
    {"device": "edge-4", "operator": "B-17", "name": "Teil 7.xyz", "unit": "in", "priority": "high"},
    {"encoding": "zstd"},
    {"alignment": "fit"},
    {"alignment": {"part_from_scanner": POSE, "unit": "m", "translation_u_mm": 0.02}},
    {"instrument": "ATOS 5"},
    {"instrument_statement": STATEMENT},
    {"metadata": {"shift": 2, "note": "ö", "nested": {"a": [1, 2.5, None, True]}}},
    {"captured_at": "2026-03-01T13:00:00.123456+01:00"},
]


@pytest.mark.parametrize("more", GOOD)
def test_a_good_manifest_has_one_canonical_form(more: dict[str, Any]) -> None:
    manifest = manifest_of(fields(**more))
    assert parse_manifest(manifest.canonical()) == manifest
    assert json.loads(manifest.canonical()).keys() >= {"asset", "format", "sha256", "size_bytes", "captured_at"}


def test_what_was_not_said_is_not_written() -> None:
    assert json.loads(manifest_of(fields(priority="normal")).canonical()) == fields()


BAD: list[tuple[dict[str, Any], str]] = [
    ({"asset": None}, "asset"),
    ({"asset": ""}, "asset"),
    ({"asset": "a\nb"}, "asset"),
    ({"asset": "x" * 121}, "asset"),
    ({"asset": 7}, "asset"),
    ({"format": "exe"}, "format"),
    ({"format": "XYZ"}, "format"),
    ({"sha256": "00"}, "sha256"),
    ({"sha256": "A" * 64}, "sha256"),
    ({"size_bytes": -1}, "size_bytes"),
    ({"size_bytes": "12"}, "size_bytes"),
    ({"size_bytes": 1.5}, "size_bytes"),
    ({"size_bytes": True}, "size_bytes"),
    ({"captured_at": "yesterday"}, "captured_at"),
    ({"captured_at": "2026-03-01T12:00:00"}, "captured_at"),
    ({"captured_at": "2026-02-30T12:00:00Z"}, "captured_at"),
    ({"encoding": "gzip"}, "encoding"),
    ({"unit": "furlong"}, "unit"),
    ({"priority": "urgent"}, "priority"),
    ({"alignment": "guess"}, "alignment"),
    ({"alignment": {"part_from_scanner": POSE[:3]}}, "alignment"),
    ({"alignment": {"part_from_scanner": [*POSE[:3], [0, 0, 0, 2]]}}, "alignment"),
    ({"alignment": {"part_from_scanner": [[1, 0, 0], *POSE[1:]]}}, "alignment"),
    ({"alignment": {"part_from_scanner": POSE, "unit": "mile"}}, "alignment"),
    ({"alignment": {"part_from_scanner": POSE, "translation_u_mm": -1}}, "alignment"),
    ({"alignment": {"part_from_scanner": [[float("nan"), 0, 0, 0], *POSE[1:]]}}, "alignment"),
    ({"instrument": "a", "instrument_statement": STATEMENT}, "not both"),
    ({"instrument_statement": "not = toml = at all"}, "TOML"),
    ({"instrument_statement": "x" * 8193}, "instrument_statement"),
    ({"metadata": {"big": "x" * 16_384}}, "metadata"),
    ({"metadata": []}, "metadata"),
    ({"metadata": {"n": 2**53 + 1}}, "metadata"),
    ({"surprise": 1}, "surprise"),
]


@pytest.mark.parametrize(("more", "named"), BAD, ids=range(len(BAD)))
def test_a_manifest_that_cannot_be_used_names_what_is_wrong(more: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInput, match=named) as caught:
        manifest_of(fields(**more))
    assert caught.value.code == "manifest.invalid"


@pytest.mark.parametrize("data", [b"", b"[]", b"1", b"{", b'{"asset":"a","asset":"b"}', b'{"size_bytes":NaN}', b"\xff"])
def test_what_is_no_json_object_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        parse_manifest(data)


def header(**pairs: bytes) -> str:
    return ",".join(f"{name} {b64encode(value).decode()}" for name, value in pairs.items())


def test_the_header_carries_the_manifest_in_three_ways() -> None:
    signer = Signer.generate("edge-4")
    said = manifest_of(fields(device="edge-4"))
    envelope = sign_envelope(said.canonical(), PAYLOAD_TYPE, (signer,))
    texts = {name: str(value).encode() for name, value in fields(device="edge-4").items()}
    assert manifest_from(parse_metadata(header(manifest=said.canonical()))) == (said, None)
    assert manifest_from(parse_metadata(header(envelope=envelope))) == (said, envelope)
    assert manifest_from(parse_metadata(header(envelope=envelope, manifest=said.canonical()))) == (said, envelope)
    assert manifest_from(parse_metadata(header(**texts, filetype=b"text/plain"))) == (said, None)
    other = manifest_of(fields(device="edge-5")).canonical()
    with pytest.raises(InvalidInput, match="differ"):
        manifest_from(parse_metadata(header(envelope=envelope, manifest=other)))


@pytest.mark.parametrize("text", ["a YQ==,a YQ==", " ,a YQ==", "a YQ=", "a YQ==,,", "ä YQ==", "a Y Q=="])
def test_a_header_that_two_could_read_differently_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_metadata(text)
    assert caught.value.code == "upload.header"


def test_a_key_without_a_value_is_empty() -> None:
    assert parse_metadata("flag,asset YQ==") == {"flag": b"", "asset": b"a"}
    assert parse_metadata("  ") == {}


class TestSignatures:
    signer = Signer.generate("edge-4")
    envelope = sign_envelope(manifest_of(fields()).canonical(), PAYLOAD_TYPE, (signer,))

    def device(self, vkey: str | None) -> Device:
        return Device(id="dev_1", name="edge-4", vkey=vkey)

    def read_and_check(self, envelope: bytes, device: Device) -> None:
        manifest_in(envelope)
        check_signature(envelope, device, self.keys(device))

    def keys(self, device: Device | None) -> list[VerifierKey]:
        return [parse_vkey(device.vkey)] if device and device.vkey else []

    def test_the_devices_own_signature_is_taken(self) -> None:
        self.read_and_check(self.envelope, self.device(str(self.signer.verifier)))
        assert manifest_in(self.envelope) == manifest_of(fields())

    def test_another_devices_signature_is_not(self) -> None:
        with pytest.raises(Denied):
            self.read_and_check(self.envelope, self.device(str(Signer.generate("edge-4").verifier)))

    def test_nobody_signs_without_a_key_on_record(self) -> None:
        for device in (None, self.device(None)):
            with pytest.raises(InvalidInput, match="no key"):
                check_signature(self.envelope, device, self.keys(device))

    def test_every_flipped_byte_of_the_envelope_is_found(self) -> None:
        device = self.device(str(self.signer.verifier))
        for position in range(len(self.envelope)):
            changed = bytearray(self.envelope)
            changed[position] ^= 1
            with pytest.raises((Denied, InvalidInput)):
                self.read_and_check(bytes(changed), device)

    def test_an_envelope_around_something_else_is_no_manifest(self) -> None:
        with pytest.raises(InvalidInput, match="payload type"):
            manifest_in(sign_envelope(b"{}", "text/plain", (self.signer,)))
