"""Envelopes: what is Modified, what is NotProvable, and nothing in between."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from appliance.crypto import dsse
from appliance.crypto.vkey import ALG_COSIGNATURE, ALG_ED25519, Signer
from appliance.errors import Modified, NotProvable

KIND = "application/vnd.in-toto+json"
OWN, OTHER, STRANGER = (Signer(name, ALG_ED25519, name.encode().ljust(32, b"."))
                        for name in ("plant.example/7", "plant.example/8", "stranger.example"))  # fmt: skip
PAYLOAD = b'{"verdict":"match"}'


def envelope(*signers: Signer) -> bytes:
    return dsse.sign_envelope(PAYLOAD, KIND, signers)


def test_the_signed_bytes_are_those_of_the_specification() -> None:
    """The example of DSSE's protocol.md."""
    expected = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert dsse.pre_authentication_encoding("http://example.com/HelloWorld", b"hello world") == expected


def test_what_a_trusted_key_signed_comes_back() -> None:
    verified = dsse.verify_envelope(envelope(OWN), [OTHER.verifier, OWN.verifier])
    assert (verified.payload, verified.payload_type, verified.key) == (PAYLOAD, KIND, OWN.verifier)


def test_one_trusted_key_among_strangers_is_enough() -> None:
    assert dsse.verify_envelope(envelope(STRANGER, OWN), [OWN.verifier]).key == OWN.verifier


def test_an_unknown_key_is_not_provable() -> None:
    with pytest.raises(NotProvable, match=r"stranger\.example"):
        dsse.verify_envelope(envelope(STRANGER), [OWN.verifier])


def test_an_envelope_without_signatures_is_not_provable() -> None:
    with pytest.raises(NotProvable):
        dsse.verify_envelope(envelope(), [OWN.verifier])


def test_a_witness_key_signs_no_envelopes() -> None:
    witness = replace(OWN, algorithm=ALG_COSIGNATURE)
    with pytest.raises(NotProvable):
        dsse.verify_envelope(envelope(witness), [witness.verifier])


def test_another_payload_under_a_trusted_signature_is_modified() -> None:
    record = json.loads(envelope(OWN))
    record["payload"] = json.loads(dsse.sign_envelope(b'{"verdict":"fail"}', KIND, [OWN]))["payload"]
    data = json.dumps(record, separators=(",", ":"), sort_keys=True).encode()
    with pytest.raises(Modified):
        dsse.verify_envelope(data, [OWN.verifier])


def test_one_failing_trusted_signature_rejects_although_another_verifies() -> None:
    good, other = json.loads(envelope(OWN, OTHER)), json.loads(dsse.sign_envelope(b"{}", KIND, [OTHER]))
    good["signatures"][1] = other["signatures"][0]
    data = json.dumps(good, separators=(",", ":"), sort_keys=True).encode()
    with pytest.raises(Modified, match=r"plant\.example/8"):
        dsse.verify_envelope(data, [OWN.verifier, OTHER.verifier])


def test_a_trusted_signature_under_another_label_is_modified() -> None:
    record = json.loads(envelope(OWN))
    record["signatures"][0]["keyid"] = STRANGER.verifier.label
    data = json.dumps(record, separators=(",", ":"), sort_keys=True).encode()
    with pytest.raises(Modified, match="another key's name"):
        dsse.verify_envelope(data, [OWN.verifier])


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + "\n",
        lambda text: text.replace('"payload":', '"payload" :'),
        lambda text: text.replace("{", '{"extra":1,', 1),
        lambda text: text.replace('"keyid"', '"note":"","keyid"'),
        lambda text: text.replace("fQ==", "fR=="),
        lambda text: text.replace("/", "\\/", 1),
        lambda text: text.replace('"payload":"', '"payload":"","payload":"'),
        lambda text: text[:-1],
        lambda text: "[]",
        lambda text: "",
    ],
)
def test_another_spelling_of_the_same_envelope_is_modified(change: object) -> None:
    text = envelope(OWN).decode()
    assert "fQ==" in text
    changed = change(text)  # type: ignore[operator]
    assert changed != text
    with pytest.raises(Modified):
        dsse.verify_envelope(changed.encode(), [OWN.verifier])


def test_more_signatures_than_anybody_needs_are_refused() -> None:
    with pytest.raises(Modified):
        dsse.verify_envelope(envelope(*[OWN] * 17), [OWN.verifier])
