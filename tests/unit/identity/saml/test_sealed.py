"""Assertions that are sealed for the appliance: opened where nobody can have changed them, and signed all the same."""

from __future__ import annotations

import pytest
import xmlsec
from lxml import etree

from appliance.crypto.service_certificate import new_service_identity
from appliance.identity.saml.own import Own
from tests.saml_forge import Forge
from tests.unit.identity.saml.test_response import FORGE, OWN, REQUEST, believed, refusal

OTHER = new_service_identity("another one")
C = xmlsec.constants


@pytest.mark.parametrize(
    ("put", "why"),
    [
        ("xenc:EncryptedKey", "one datum"),
        ("xenc:EncryptedData", "one datum"),
        ("xenc:CipherReference", "elsewhere"),
    ],
)
def test_a_sealed_assertion_is_one_datum_under_one_key_and_lies_here(put: str, why: str) -> None:
    root = FORGE.sealed(FORGE.genuine(REQUEST), C.TransformAes256Gcm, C.TransformRsaOaep)
    space = "http://www.w3.org/2001/04/xmlenc#"
    root = etree.fromstring(etree.tostring(root))
    etree.SubElement(root.find(f".//{{{space}}}EncryptedData"), f"{{{space}}}{put.partition(':')[2]}")
    assert why in refusal(root)


def test_sealed_assertions_are_opened_where_nobody_can_have_changed_them() -> None:
    for data in (C.TransformAes128Gcm, C.TransformAes256Gcm):
        root = FORGE.sealed(FORGE.genuine(REQUEST), data, C.TransformRsaOaep)
        assert b"ann-for-good" not in etree.tostring(root)
        assert believed(root).name_id.value == "ann-for-good"
    sealed = FORGE.sealed(FORGE.genuine(REQUEST), C.TransformAes256Cbc, C.TransformRsaOaep)
    assert "without authentication" in refusal(sealed)
    assert believed(FORGE.signed(sealed)).name_id.value == "ann-for-good"
    sealed = FORGE.sealed(FORGE.genuine(REQUEST), C.TransformAes256Gcm, C.TransformRsaPkcs1)
    assert "RSA-OAEP" in refusal(sealed)


def test_what_is_sealed_must_be_signed_as_well() -> None:
    """Anybody can seal something for us: the key for that is public."""
    bare = FORGE.response(REQUEST, FORGE.assertion(REQUEST))
    assert refusal(FORGE.sealed(bare, C.TransformAes256Gcm, C.TransformRsaOaep))
    other = FORGE.response(REQUEST, FORGE.signed(FORGE.assertion(REQUEST), signer=OTHER))
    assert refusal(FORGE.sealed(other, C.TransformAes256Gcm, C.TransformRsaOaep))
    foreign = Forge(Own(OWN.public_url, OTHER), FORGE.signer)
    assert refusal(foreign.sealed(foreign.genuine(REQUEST), C.TransformAes256Gcm, C.TransformRsaOaep))
