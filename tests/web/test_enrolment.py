"""Devices come in over HTTP with nothing but the published calls, and act with their own keys from then on."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.core.canonical import canonical_bytes
from appliance.crypto.dsse import sign_envelope
from appliance.crypto.vkey import ALG_ED25519, Signer
from tests.device import Gadget, b64
from tests.web.conftest import Caller, Cast

API = "/api/v1"
SCAN = b"0 0 0\n1 0 0\n0 1 0\n"


def came_in(cast: Cast, name: str) -> tuple[Gadget, Caller]:
    """A device that is enrolled, and how it calls."""
    gadget = Gadget(name=name, host="localhost")
    code = cast.operator.made("device-codes", {"device": name})["code"]
    gadget.take(cast.nobody.made(f"{API}/device-enrolments", gadget.application(code)))
    return gadget, calling(cast, gadget)


def calling(cast: Cast, gadget: Gadget) -> Caller:
    token = cast.nobody.made(f"{API}/device-tokens", gadget.proof())["token"]
    return replace(cast.nobody, token=token)


def announced(gadget: Gadget, signer: Ed25519PrivateKey | None, data: bytes, asset: str) -> dict[str, str]:
    manifest = canonical_bytes({
        "asset": asset, "format": "xyz", "sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data),
        "captured_at": "2026-11-28T08:00:00Z", "unit": "mm",
    })  # fmt: skip
    said = f"manifest {b64(manifest)}"
    if signer is not None:
        seed = Signer(gadget.device, ALG_ED25519, signer.private_bytes_raw())
        envelope = sign_envelope(manifest, "application/vnd.d2r.scan-manifest+json", (seed,))
        said = f"envelope {base64.b64encode(envelope).decode()}"
    media = "application/offset+octet-stream"
    return {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(data)), "Upload-Metadata": said, "Content-Type": media}


@pytest.fixture(scope="module")
def asset(cast: Cast) -> str:
    name: str = cast.owner.made("assets", {"name": "press-07"})["name"]
    return name


def test_a_device_comes_in_and_sends_a_scan_that_it_signed(cast: Cast, asset: str) -> None:
    gadget, calls = came_in(cast, "sender")
    answer = calls("POST", "uploads", data=SCAN, headers=announced(gadget, gadget.key, SCAN, asset))
    assert answer.status_code == 201, answer.text
    scan = cast.owner.get(answer.headers["D2R-Scan"])
    assert (scan["state"], scan["device_id"]) == ("stored", gadget.device)
    assert cast.owner.get("devices/sender")["vkey"].startswith(gadget.device)


def test_a_device_with_a_key_of_its_own_signs_what_it_sends(cast: Cast, asset: str) -> None:
    gadget, calls = came_in(cast, "unsigned")
    answer = calls("POST", "uploads", data=SCAN, headers=announced(gadget, None, SCAN, asset))
    assert (answer.status_code, answer.json["code"]) == (422, "manifest.unsigned")
    stranger = Ed25519PrivateKey.generate()
    answer = calls("POST", "uploads", data=SCAN, headers=announced(gadget, stranger, SCAN, asset))
    assert (answer.status_code, answer.json["code"]) == (403, "manifest.signature")


def test_a_device_does_what_devices_may_and_nothing_else(cast: Cast) -> None:
    _, calls = came_in(cast, "modest")
    assert calls("GET", "devices").status_code == 403
    assert calls("POST", "device-codes", {}).status_code == 403
    assert calls("POST", "scans/lookup", {"sha256": ["0" * 64]}).status_code == 200
    assert calls("GET", f"{API}/workspaces/other/scans").status_code == 404


def test_a_device_replaces_its_own_key(cast: Cast) -> None:
    gadget, calls = came_in(cast, "careful")
    new = Ed25519PrivateKey.generate()
    said = gadget.renewal(new)
    del said["workspace"]
    made = calls.made("device-key", said)
    assert calls.made("device-key", said) == made
    later = replace(gadget, key=new, key_id=made["key"])
    assert calling(cast, later)("POST", "scans/lookup", {"sha256": ["0" * 64]}).status_code == 200
    assert calling(cast, gadget)
    assert cast.owner("POST", "device-key", said).status_code == 403


def test_an_owner_revokes_one_key_of_a_device_and_its_other_one_goes_on(cast: Cast, asset: str) -> None:
    gadget, calls = came_in(cast, "two-keys")
    only = cast.owner("DELETE", f"devices/two-keys/keys/{gadget.key_id}?reason=x")
    assert (only.status_code, only.json["code"]) == (409, "device_key.last")
    new = Ed25519PrivateKey.generate()
    said = gadget.renewal(new)
    del said["workspace"]
    later = replace(gadget, key=new, key_id=calls.made("device-key", said)["key"])
    calls_later = calling(cast, later)
    path = f"devices/{gadget.device}/keys/{gadget.key_id}"
    for caller in (cast.supervisor, cast.operator, cast.auditor, calls_later):
        assert caller("DELETE", f"{path}?reason=x").status_code == 403
    assert cast.owner("DELETE", path).status_code == 422, "no reason"
    revoked = cast.owner("DELETE", f"{path}?reason=Copied")
    assert (revoked.status_code, revoked.json["reason"]) == (200, "Copied")
    answer = calls("POST", "scans/lookup", {"sha256": ["0" * 64]})
    assert (answer.status_code, answer.json["code"]) == (401, "token.refused")
    data = SCAN + b"0 0 1\n"
    sent = calls_later("POST", "uploads", data=data, headers=announced(later, gadget.key, data, asset))
    assert (sent.status_code, sent.json["code"]) == (403, "manifest.signature")
    assert calls_later("POST", "uploads", data=data, headers=announced(later, new, data, asset)).status_code == 201
    listed = cast.auditor.get("devices/two-keys/keys")["items"]
    assert [(one["is_current"], bool(one["revoked_at"]), bool(one["last_used_at"])) for one in listed] == [
        (True, False, True), (False, True, True),
    ]  # fmt: skip
    assert cast.owner("DELETE", f"{path}?reason=again").json["code"] == "device_key.ended"
    other, _ = came_in(cast, "another")
    elsewhere = cast.owner("DELETE", f"devices/{other.device}/keys/{later.key_id}?reason=x")
    assert (elsewhere.status_code, elsewhere.json["code"]) == (404, "device_key.unknown")


def test_a_revoked_device_is_refused_with_the_token_that_it_holds(cast: Cast) -> None:
    _, calls = came_in(cast, "lost")
    assert calls("POST", "scans/lookup", {"sha256": ["0" * 64]}).status_code == 200
    cast.owner("POST", "devices/lost/revoke")
    answer = calls("POST", "scans/lookup", {"sha256": ["0" * 64]})
    assert (answer.status_code, answer.json["code"]) == (401, "token.refused")


def test_a_code_is_shown_once_and_listed_without_it(cast: Cast) -> None:
    made = cast.supervisor.made("device-codes", {"minutes": 5})
    listed = cast.owner.get("device-codes")["items"]
    assert made["id"] in {one["id"] for one in listed}
    assert made["code"] not in str(listed)
    assert cast.owner("POST", f"device-codes/{made['id']}/withdraw").json["closed_at"]
    assert cast.owner("POST", f"device-codes/{made['id']}/withdraw").status_code == 409
    assert cast.owner("POST", "device-codes/nothing/withdraw").status_code == 404


def test_a_clock_that_is_off_is_told_the_appliances_time(cast: Cast) -> None:
    gadget, _ = came_in(cast, "late")
    gadget.ahead_s = -900
    answer: Any = cast.nobody("POST", f"{API}/device-tokens", gadget.proof())
    assert (answer.status_code, answer.json["code"]) == (403, "proof.clock")
    assert re.search(r"90\d s behind the appliance's, where it is 20.*Z\.", answer.json["detail"])


@pytest.mark.parametrize("path", ["device-enrolments", "device-tokens"])
def test_what_is_no_proof_is_refused(cast: Cast, path: str) -> None:
    assert cast.nobody("POST", f"{API}/{path}", {"workspace": "main"}).status_code == 422
    assert cast.nobody("POST", f"{API}/{path}", data=b"{", content_type="application/json").status_code == 400


def test_guesses_are_counted_by_the_address_that_they_come_from(cast: Cast) -> None:
    gadget, _ = came_in(cast, "guesser")
    gadget.key = Ed25519PrivateKey.generate()
    statuses = [
        cast.nobody.client.post(f"{API}/device-tokens", json=gadget.proof()).status_code for _ in range(70)
    ]  # fmt: skip
    assert statuses[0] == 403
    assert statuses[-1] == 429
