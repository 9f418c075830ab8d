"""From received bytes to a scan: accepted, put aside or known, with an entry, a receipt and an event each."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
import zstandard
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

from appliance.audit.database_log import DatabaseLog
from appliance.core.zstd import deflate
from appliance.crypto.dsse import sign_envelope
from appliance.crypto.vkey import Signer
from appliance.errors import Conflict, Denied, InvalidInput, Modified, NotFound, NotProvable
from appliance.ingest import quarantine, service
from appliance.ingest.receipt import verify_receipt
from appliance.ingest.signature import PAYLOAD_TYPE
from appliance.measurements.instruments import add_instrument
from appliance.objects.sealed import ObjectStore
from appliance.plant.devices import enrol_device, revoke_device
from appliance.queue.outbox import events_since
from appliance.scans.evidence import copy_scan
from appliance.scans.models import Scan, ScanManifest
from appliance.scans.service import quarantine as put_aside
from appliance.tenancy.records import Principal
from tests.unit.ingest.conftest import SCAN, Sender, manifest
from tests.unit.ingest.test_manifest import POSE, STATEMENT

SHA = hashlib.sha256(SCAN).hexdigest()


def entries(sender: Sender) -> list[dict[str, Any]]:
    with sender.scope:
        log = DatabaseLog.of(sender.scope)
        found, index = [], 0
        while True:
            try:
                found.append(json.loads(log.entry(index)))
            except (InvalidInput, NotFound):
                return found
            index += 1


def kinds(sender: Sender) -> list[str]:
    return [entry["kind"] for entry in entries(sender) if entry["kind"].startswith("scan.")]


def events(sender: Sender) -> list[str]:
    with sender.scope:
        return [event.kind for event in events_since(0) if event.kind.startswith("scan.")]


def test_an_accepted_scan_has_its_entry_event_and_receipt(sender: Sender) -> None:
    _, scan = sender.send(SCAN)
    assert (scan.state, scan.sha256, scan.size_bytes, scan.format) == ("stored", SHA, len(SCAN), "xyz")
    assert kinds(sender) == events(sender) == ["scan.received"]
    entry = next(entry for entry in entries(sender) if entry["kind"] == "scan.received")
    assert entry["subjects"]["scan"] == SHA
    said = json.loads(scan.manifest)
    canonical = json.dumps(said, separators=(",", ":"), sort_keys=True).encode()
    assert entry["subjects"]["manifest"] == hashlib.sha256(canonical).hexdigest()


def test_an_independent_reader_verifies_the_receipt(sender: Sender) -> None:
    _, scan = sender.send(SCAN)
    signer = sender.scope.keys.signer()
    key = SSlibKey.from_dict(
        signer.verifier.label,
        {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": signer.verifier.public_key.hex()}},
    )
    envelope = Envelope.from_dict(json.loads(scan.receipt))
    assert envelope.verify([key], threshold=1)
    statement = json.loads(envelope.payload)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert {"name": "scan", "digest": {"sha256": SHA}} in statement["subject"]
    predicate = statement["predicate"]
    assert (predicate["received_at"], predicate["scan"]) == (scan.received_at, scan.id)
    entry = entries(sender)[predicate["audit"]["index"]]
    assert (entry["kind"], entry["facts"]["scan"]) == ("scan.received", scan.id)
    assert predicate["audit"]["log"] == f"{sender.scope.keys.name}/{sender.scope.workspace_id}"


def test_a_receipt_that_was_changed_or_is_of_another_appliance_proves_nothing(sender: Sender) -> None:
    _, scan = sender.send(SCAN)
    own, receipt = sender.scope.keys.own_keys(), scan.receipt.encode()
    assert verify_receipt(receipt, own)["predicate"]["scan"] == scan.id
    for position in range(0, len(receipt), 7):
        changed = bytearray(receipt)
        changed[position] ^= 1
        with pytest.raises((Modified, NotProvable)):
            verify_receipt(bytes(changed), own)
    with pytest.raises(NotProvable):
        verify_receipt(receipt, [Signer.generate("another").verifier])
    other = sign_envelope(b"{}", "application/vnd.in-toto+json", (sender.scope.keys.signer(),))
    with pytest.raises(Modified):
        verify_receipt(other, own)


def test_a_signed_manifest_is_named_by_its_envelope(sender: Sender) -> None:
    signer = Signer.generate("edge-4")
    enrol_device(sender.scope, "edge-4", str(signer.verifier))
    said = manifest(SCAN, device="edge-4")
    envelope = sign_envelope(said.canonical(), PAYLOAD_TYPE, (signer,))
    upload = service.begin(sender.scope, len(SCAN), manifest=said, envelope=envelope)
    sender.append(upload, 0, SCAN)
    _, scan = sender.finish(upload)
    statement = verify_receipt(scan.receipt.encode(), sender.scope.keys.own_keys())
    assert {"name": "manifest", "digest": {"sha256": hashlib.sha256(envelope).hexdigest()}} in statement["subject"]
    assert statement["predicate"]["manifest_signed"] is True
    assert scan.manifest_envelope.encode() == envelope
    forged = sign_envelope(said.canonical(), PAYLOAD_TYPE, (Signer.generate("edge-4"),))
    with pytest.raises(Denied):
        service.begin(sender.scope, len(SCAN), manifest=said, envelope=forged)


def test_a_device_sends_in_its_own_name_and_not_after_it_was_revoked(sender: Sender) -> None:
    enrol_device(sender.scope, "edge-4")
    enrol_device(sender.scope, "edge-5")
    principal = Principal("key_4", "device", "edge-4", "device", sender.scope.workspace_id)
    device = Sender(replace(sender.scope, principal=principal))
    with pytest.raises(Denied):
        device.begin(SCAN, device="edge-5")
    _, scan = device.send(SCAN)
    assert json.loads(scan.manifest)["device"] == "edge-4"
    assert (scan.received_by, scan.device_id is not None) == ("key_4", True)
    revoke_device(sender.scope, "edge-4")
    with pytest.raises(Denied):
        device.begin(SCAN * 2)


def test_the_operators_badge_stands_neither_in_the_log_nor_in_the_receipt(sender: Sender) -> None:
    _, scan = sender.send(SCAN, operator="B-4711")
    assert scan.operator_person_id
    assert "B-4711" not in json.dumps(entries(sender))
    statement = verify_receipt(scan.receipt.encode(), sender.scope.keys.own_keys())
    assert "B-4711" not in json.dumps(statement)
    entry = next(entry for entry in entries(sender) if entry["kind"] == "scan.received")
    assert "operator" in entry["personal"]


def test_a_clock_that_is_far_off_is_marked(sender: Sender) -> None:
    _, scan = sender.send(SCAN, captured_at="2100-01-01T00:00:00Z")
    assert scan.clock_skew_s is not None
    assert scan.clock_skew_s > 300


def test_compressed_content_is_kept_as_it_came_and_named_by_what_it_holds(sender: Sender, tmp_path: Any) -> None:
    packed = b"".join(deflate([SCAN]))
    _, scan = sender.send(SCAN, sent=packed, encoding="zstd")
    assert (scan.state, scan.sha256, scan.size_bytes) == ("stored", SHA, len(SCAN))
    assert scan.stored_sha256 == hashlib.sha256(packed).hexdigest()
    assert ObjectStore.of(sender.scope).read(scan.object) == packed
    copy_scan(sender.scope, scan, tmp_path / "scan")
    assert (tmp_path / "scan").read_bytes() == SCAN
    upload, same = sender.send(SCAN)
    assert (upload.duplicate, same.id) == (1, scan.id)
    assert len(list(ObjectStore.of(sender.scope).names())) == 1


def test_known_content_changes_nothing_with_the_same_manifest_and_adds_another(sender: Sender) -> None:
    _, first = sender.send(SCAN)
    upload, again = sender.send(SCAN)
    assert (again.id, upload.duplicate) == (first.id, 1)
    assert kinds(sender) == ["scan.received"]
    _, third = sender.send(SCAN, captured_at="2026-04-01T00:00:00Z")
    assert third.id == first.id
    assert kinds(sender) == events(sender) == ["scan.received", "scan.manifest_added"]
    sender.send(SCAN, captured_at="2026-04-01T00:00:00Z")
    with sender.scope:
        rows = list(ScanManifest.select().order_by(ScanManifest.id))
        assert Scan.select().count() == 1
    assert len(rows) == len({row.receipt for row in rows}) == 2
    assert json.loads(third.manifest)["captured_at"].startswith("2026-03")


BOMB = zstandard.ZstdCompressor().compress(bytes(len(SCAN) * 50))
QUARANTINED: dict[str, tuple[dict[str, Any], bytes]] = {
    "ingest.sha256": ({"sha256": "0" * 64}, SCAN),
    "ingest.format": ({"format": "e57"}, SCAN),
    "ingest.bomb": ({"encoding": "zstd"}, BOMB),
    "ingest.compression": ({"encoding": "zstd"}, b"no zstandard"),
    "ingest.size": ({"encoding": "zstd"}, b"".join(deflate([SCAN[:-1]]))),
}


@pytest.mark.parametrize("code", QUARANTINED)
def test_bytes_that_are_not_what_was_announced_are_put_aside_with_a_reason(sender: Sender, code: str) -> None:
    said, sent = QUARANTINED[code]
    _, scan = sender.send(SCAN, sent=sent, **said)
    assert (scan.state, scan.reason_code) == ("quarantined", code)
    assert scan.reason
    assert ObjectStore.of(sender.scope).read(scan.object) == sent
    assert sender.inspected == []
    predicate = verify_receipt(scan.receipt.encode(), sender.scope.keys.own_keys())["predicate"]
    assert (predicate["state"], predicate["reason_code"]) == ("quarantined", code)
    _, again = sender.send(SCAN, sent=sent, **said)
    assert again.id == scan.id


def test_an_empty_file_is_put_aside(sender: Sender) -> None:
    _, scan = sender.finish(sender.begin(b""))
    assert scan.reason_code == "ingest.empty"


def test_what_cannot_be_true_is_refused_before_a_byte_is_sent(sender: Sender) -> None:
    with pytest.raises(InvalidInput) as caught:
        service.begin(sender.scope, len(SCAN) - 1, manifest=manifest(SCAN))
    assert caught.value.code == "ingest.length"
    huge = manifest(SCAN, encoding="zstd").model_copy(update={"size_bytes": 1 << 40})
    with pytest.raises(InvalidInput) as caught:
        service.begin(sender.scope, 1000, manifest=huge)
    assert caught.value.code == "ingest.bomb"


def test_a_corrected_manifest_releases_a_scan(sender: Sender) -> None:
    _, scan = sender.send(SCAN, sha256="0" * 64)
    with pytest.raises(InvalidInput, match="SHA-256"):
        quarantine.retry(sender.scope, scan.id, {}, sender.inspect)
    with pytest.raises(InvalidInput):
        quarantine.retry(sender.scope, scan.id, {"format": "exe"}, sender.inspect)
    released = quarantine.retry(sender.scope, scan.id, {"sha256": SHA}, sender.inspect)
    assert (released.id, released.state, released.reason_code) == (scan.id, "stored", None)
    assert kinds(sender) == events(sender) == ["scan.received", "scan.released"]
    with pytest.raises(Conflict):
        quarantine.retry(sender.scope, scan.id, {}, sender.inspect)


def test_the_same_content_with_a_manifest_that_fits_releases_it_too(sender: Sender) -> None:
    _, scan = sender.send(SCAN, format="e57")
    upload, same = sender.send(SCAN)
    assert (same.id, same.state, upload.duplicate) == (scan.id, "stored", 1)
    assert len(list(ObjectStore.of(sender.scope).names())) == 1


def test_released_content_stays_the_bytes_that_came_first(sender: Sender, tmp_path: Any) -> None:
    _, scan = sender.send(SCAN, format="e57")
    packed = b"".join(deflate([SCAN]))
    _, same = sender.send(SCAN, sent=packed, encoding="zstd")
    assert (same.id, same.state, same.encoding, same.object) == (scan.id, "stored", "identity", scan.object)
    assert same.stored_sha256 == SHA
    copy_scan(sender.scope, same, tmp_path / "scan")
    assert (tmp_path / "scan").read_bytes() == SCAN


def test_evidence_that_is_not_what_its_row_names_is_not_handed_out(sender: Sender, tmp_path: Any) -> None:
    _, scan = sender.send(SCAN)
    scan.sha256 = "0" * 64
    with pytest.raises(Modified):
        copy_scan(sender.scope, scan, tmp_path / "scan")
    assert not (tmp_path / "scan").exists()
    _, packed = sender.send(SCAN * 2, sent=b"".join(deflate([SCAN * 2])), encoding="zstd")
    packed.size_bytes -= 1
    with pytest.raises(Modified):
        copy_scan(sender.scope, packed, tmp_path / "scan")
    assert not (tmp_path / "scan").exists()


def test_an_encoding_that_was_left_out_can_be_put_right(sender: Sender, tmp_path: Any) -> None:
    packed = b"".join(deflate([SCAN]))
    _, scan = sender.send(packed)
    assert scan.reason_code == "ingest.format"
    fixed = {"encoding": "zstd", "sha256": SHA, "size_bytes": len(SCAN)}
    released = quarantine.retry(sender.scope, scan.id, fixed, sender.inspect)
    assert (released.encoding, released.sha256) == ("zstd", SHA)
    copy_scan(sender.scope, released, tmp_path / "scan")
    assert (tmp_path / "scan").read_bytes() == SCAN


def test_a_scan_that_no_parser_reads_is_put_aside_once_and_can_be_tried_again(sender: Sender) -> None:
    _, scan = sender.send(SCAN)
    put_aside(sender.scope, scan.id, "scan.text", "No numbers.")
    put_aside(sender.scope, scan.id, "scan.other", "A later reason.")
    with sender.scope:
        row = Scan.get_by_id(scan.id)
    assert (row.state, row.reason_code) == ("quarantined", "scan.text")
    assert kinds(sender) == ["scan.received", "scan.quarantined"]
    assert quarantine.retry(sender.scope, scan.id, {"unit": "m"}, sender.inspect).state == "stored"


def test_discarded_evidence_is_gone_and_its_row_says_who_and_why(sender: Sender) -> None:
    _, scan = sender.send(SCAN, format="e57")
    for reason in ("", "  ", "x" * 501):
        with pytest.raises(InvalidInput):
            quarantine.discard(sender.scope, scan.id, reason)
    gone = quarantine.discard(sender.scope, scan.id, "wrong file")
    assert (gone.state, gone.reason, gone.removed_at is not None) == ("discarded", "wrong file", True)
    assert not ObjectStore.of(sender.scope).exists(scan.object)
    assert kinds(sender)[-1] == "scan.discarded"
    _, anew = sender.send(SCAN)
    assert (anew.id != scan.id, anew.state) == (True, "stored")
    with pytest.raises(Conflict):
        quarantine.discard(sender.scope, anew.id, "not in quarantine")


def test_only_a_scan_whose_part_can_be_inspected_asks_for_an_inspection(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender.send(SCAN)
    assert sender.inspected == []
    monkeypatch.setattr("appliance.ingest.acceptance.can_be_inspected", lambda scope, asset_id: True)
    add_instrument(sender.scope, "ATOS 5", STATEMENT.encode())
    _, fitted = sender.send(SCAN * 2, alignment="fit", unit="in", priority="high", instrument="ATOS 5")
    _, posed = sender.send(SCAN * 3, alignment={"part_from_scanner": POSE}, instrument_statement=STATEMENT)
    (first, one), (second, two) = sender.inspected
    store = ObjectStore.of(sender.scope)
    assert (first, second) == (fitted.id, posed.id)
    assert one["parameters"] == {"fit": True, "scan_unit": "in"}
    assert one["priority"] == "high"
    assert one["instrument_object"] == two["instrument_object"] == store.put_bytes(STATEMENT.encode()).name
    assert json.loads(store.read(two["alignment_object"]))["part_from_scanner"] == POSE


def test_destroying_the_workspaces_key_makes_all_evidence_unreadable(sender: Sender) -> None:
    _, scan = sender.send(SCAN)
    lost = replace(sender.scope, data_key=bytes(32))
    with pytest.raises(Modified):
        ObjectStore.of(lost).read(scan.object)
