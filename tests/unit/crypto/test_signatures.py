"""Ed25519 as the appliance accepts it: strict, so that one message has one signature."""

from __future__ import annotations

import json
from pathlib import Path

from appliance.crypto import sodium

#: The order of the group of Ed25519 (RFC 8032, 5.1).
ORDER = 2**252 + 27742317777372353535851937790883648493


def test_the_wycheproof_vectors_are_judged_as_published(shared_data: Path) -> None:
    suite = json.loads((shared_data / "ed25519" / "wycheproof_ed25519_test.json").read_text())
    judged = 0
    for group in suite["testGroups"]:
        public = bytes.fromhex(group["publicKey"]["pk"])
        for case in group["tests"]:
            found = sodium.is_signature(public, bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
            assert found == (case["result"] == "valid"), case
            judged += 1
    assert judged == suite["numberOfTests"]


def test_a_signature_with_s_beyond_the_group_order_is_refused() -> None:
    seed = bytes(range(32))
    signature = sodium.sign(seed, b"report")
    shifted = (int.from_bytes(signature[32:], "little") + ORDER).to_bytes(32, "little")
    assert sodium.is_signature(sodium.public_key_of(seed), b"report", signature)
    assert not sodium.is_signature(sodium.public_key_of(seed), b"report", signature[:32] + shifted)


def test_a_public_key_of_small_order_signs_nothing() -> None:
    identity = b"\x01" + bytes(31)
    assert not sodium.is_signature(identity, b"anything", identity + bytes(32))


def test_a_public_key_or_signature_of_another_length_is_refused() -> None:
    seed = bytes(32)
    signature = sodium.sign(seed, b"x")
    assert not sodium.is_signature(sodium.public_key_of(seed)[:-1], b"x", signature)
    assert not sodium.is_signature(sodium.public_key_of(seed), b"x", signature + b"\0")
