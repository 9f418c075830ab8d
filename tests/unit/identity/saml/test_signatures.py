"""What a signature must be to count: of the provider, over the assertion, in one shape, of a list of algorithms."""

from __future__ import annotations

from typing import Any

import pytest
import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from lxml import etree

from appliance.core.clock import utc_now
from appliance.crypto.service_certificate import ServiceIdentity, new_service_identity
from appliance.errors import Denied
from appliance.identity.saml.response import verify
from appliance.identity.saml.settings import read_metadata
from tests.saml_forge import NAMES, metadata, minutes, posted, sign
from tests.unit.identity.saml.test_response import FORGE, OWN, REQUEST, refusal

OTHER = new_service_identity("another one")
C = xmlsec.constants


def test_a_signature_in_what_the_provider_signed_is_none_of_the_response() -> None:
    assertion = FORGE.assertion(REQUEST)
    inner = FORGE.signed(FORGE.assertion(REQUEST)).find("ds:Signature", NAMES)
    assertion.find(".//saml:AttributeValue", NAMES).append(inner)
    root = FORGE.response(REQUEST, sign(assertion, FORGE.signer))
    assert refusal(root) == "a signature stands where none belongs"


@pytest.mark.parametrize("name", ["Id", "ID", "id", "AssertionID", "{http://www.w3.org/XML/1998/namespace}id"])
def test_an_id_is_there_once_however_it_is_called(name: str) -> None:
    """Which of two a signature refers to is for each reader to guess."""
    root = FORGE.genuine(REQUEST)
    assertion = root.find("saml:Assertion", NAMES)
    assertion.find("ds:Signature", NAMES).set(name, assertion.get("ID"))
    assert refusal(root) == "two elements have the same id"


def test_an_elliptic_curve_signs_as_well_and_its_bits_that_nobody_reads_do_not_change() -> None:
    """The last sign of 64 bytes in base64 has four of them."""
    signer = curve_identity()
    provider = read_metadata(metadata([signer]))
    assertion = FORGE.signed(FORGE.assertion(REQUEST), signer=signer, method=C.TransformEcdsaSha256)
    text = etree.tostring(FORGE.response(REQUEST, assertion))
    assert verify(posted(text), provider, OWN, REQUEST).name_id.value == "ann-for-good"
    at = text.index(b"==</ds:SignatureValue>") - 1
    forged = text[:at] + bytes([text[at] + 1]) + text[at + 1 :]
    with pytest.raises(Denied) as refused:
        verify(posted(forged), provider, OWN, REQUEST)
    assert refused.value.__notes__ == ["a value of the signature is no base64"]


def curve_identity() -> ServiceIdentity:
    """A key on P-256 and its certificate."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    certificate = (
        builder.not_valid_before(utc_now()).not_valid_after(utc_now() + minutes(60)).sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return ServiceIdentity(private.decode(), certificate.public_bytes(pem).decode())


def test_an_assertion_without_a_signature_is_refused_also_beside_one() -> None:
    bare = FORGE.response(REQUEST, FORGE.assertion(REQUEST))
    assert "0 signatures" in refusal(bare)
    assert "0 signatures" in refusal(FORGE.signed(bare))  # the response is signed, the assertion is not
    both = FORGE.genuine(REQUEST)
    both.append(FORGE.assertion(REQUEST, name="the-owner"))
    assert "twice" in refusal(both)


def test_a_signature_that_was_taken_away_is_missed() -> None:
    root = FORGE.genuine(REQUEST)
    assertion = root.find("saml:Assertion", NAMES)
    assertion.remove(assertion.find("ds:Signature", NAMES))
    assert "0 signatures" in refusal(root)


def test_a_signature_of_another_key_is_refused_whatever_certificate_it_shows() -> None:
    assertion = FORGE.signed(FORGE.assertion(REQUEST), signer=OTHER)
    assert "not in the provider's metadata" in refusal(FORGE.response(REQUEST, assertion))
    assertion = FORGE.signed(FORGE.assertion(REQUEST), signer=OTHER, has_certificate=False)
    assert "no key of the provider" in refusal(FORGE.response(REQUEST, assertion))
    assertion = FORGE.signed(FORGE.assertion(REQUEST), signer=OTHER, has_certificate=False)
    shown = FORGE.signed(FORGE.assertion(REQUEST)).find("ds:Signature", NAMES)[-1]
    assertion.find("ds:Signature", NAMES).append(shown)
    assert "no key of the provider" in refusal(FORGE.response(REQUEST, assertion))


def test_a_bad_signature_around_a_good_assertion_is_not_ignored() -> None:
    assert "metadata" in refusal(sign(FORGE.genuine(REQUEST), OTHER))


@pytest.mark.parametrize(
    "how",
    [
        {"method": C.TransformRsaSha1},
        {"digest": C.TransformSha1},
        {"method": C.TransformRsaSha1, "digest": C.TransformSha1},
    ],
)
def test_sha_1_proves_nothing(how: dict[str, Any]) -> None:
    root = FORGE.response(REQUEST, FORGE.signed(FORGE.assertion(REQUEST), **how))
    assert "algorithm" in refusal(root)


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"transforms": (C.TransformEnveloped, C.TransformInclC14N)}, "transformed"),
        ({"transforms": (C.TransformEnveloped,)}, "transformed"),
        ({"transforms": (C.TransformEnveloped, C.TransformExclC14N, C.TransformExclC14N)}, "transformed"),
        ({"references": 2}, "more or less"),
        ({"uri": ""}, "over something else"),
        ({"canonical": C.TransformInclC14N}, "canonicalised"),
    ],
)
def test_a_signature_that_holds_in_another_shape_is_refused(how: dict[str, Any], why: str) -> None:
    root = FORGE.response(REQUEST, FORGE.signed(FORGE.assertion(REQUEST), **how))
    assert why in refusal(root)


@pytest.mark.parametrize(
    ("put", "why"),
    [
        (f'<ds:Object xmlns:ds="{NAMES["ds"]}"/>', "more or less"),
        (f'<ds:KeyInfo xmlns:ds="{NAMES["ds"]}"/>', "no part of one"),
        ("<x/>", "no part of one"),
    ],
)
def test_nothing_is_put_into_a_signature(put: str, why: str) -> None:
    root = FORGE.genuine(REQUEST)
    root.find("saml:Assertion/ds:Signature", NAMES).append(etree.fromstring(put))
    assert why in refusal(root)


def test_a_secret_made_of_the_public_key_proves_nothing() -> None:
    """HMAC under what everybody knows: the certificate."""
    assertion = FORGE.signed(FORGE.assertion(REQUEST))
    method = assertion.find("ds:Signature/ds:SignedInfo/ds:SignatureMethod", NAMES)
    method.set("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")
    assert "algorithm" in refusal(FORGE.response(REQUEST, assertion))


def test_either_of_two_keys_signs_while_the_provider_changes_from_one_to_the_other() -> None:
    both = read_metadata(metadata([OTHER, FORGE.signer]))
    for signer in (OTHER, FORGE.signer):
        root = FORGE.response(REQUEST, FORGE.signed(FORGE.assertion(REQUEST), signer=signer))
        assert verify(posted(root), both, OWN, REQUEST).name_id.value == "ann-for-good"
    with pytest.raises(Denied):
        verify(posted(FORGE.genuine(REQUEST)), read_metadata(metadata([OTHER])), OWN, REQUEST)
