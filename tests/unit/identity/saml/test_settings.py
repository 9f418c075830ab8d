"""What is read of a provider's metadata, and which metadata nobody should believe."""

from __future__ import annotations

import subprocess
import sys

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import Name, NameAttribute, random_serial_number
from cryptography.x509.base import CertificateBuilder
from cryptography.x509.oid import NameOID

from appliance.core.clock import rfc3339, utc_now
from appliance.crypto.service_certificate import ServiceIdentity, new_service_identity
from appliance.errors import InvalidInput
from appliance.identity.saml.settings import METADATA_BYTES, SamlSettings, check, load, read_metadata
from tests.saml_forge import ENTITY, LOGOUT, SIGN_ON, metadata, minutes, plain

ONE, TWO = new_service_identity("one"), new_service_identity("two")


def refusal(text: str) -> str:
    with pytest.raises(InvalidInput) as error:
        read_metadata(text)
    return error.value.code


def test_a_provider_says_what_it_is_called_and_where_it_is_reached() -> None:
    found = read_metadata(metadata([ONE, TWO, ONE]))
    assert (found.entity_id, found.sign_on_url, found.logout_url) == (ENTITY, SIGN_ON, LOGOUT)
    assert found.logout_answer_url == LOGOUT
    assert found.certificates == (plain(ONE.certificate_pem), plain(TWO.certificate_pem))
    assert len({facts.sha256 for facts in found.facts()}) == 2


def test_answers_to_its_requests_may_go_elsewhere() -> None:
    text = metadata([ONE]).replace(f'Location="{LOGOUT}"', f'Location="{LOGOUT}" ResponseLocation="{LOGOUT}/answer"')
    assert read_metadata(text).logout_answer_url == f"{LOGOUT}/answer"


def test_metadata_of_many_of_which_one_is_a_provider_is_read() -> None:
    other = '<md:EntityDescriptor entityID="https://sp.example"><md:SPSSODescriptor/></md:EntityDescriptor>'
    space = 'xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"'
    text = f"<md:EntitiesDescriptor {space}>{other}{metadata([ONE])}</md:EntitiesDescriptor>"
    assert read_metadata(text).entity_id == ENTITY
    two = f"<md:EntitiesDescriptor {space}>{metadata([ONE])}{metadata([TWO])}</md:EntitiesDescriptor>"
    assert refusal(two) == "saml.metadata"
    old = text.replace(space, f'{space} validUntil="{rfc3339(utc_now() + minutes(-1))}"', 1)
    assert refusal(old) == "saml.metadata"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "saml.xml"), ("<a/>", "saml.metadata"), ("<a", "saml.xml"), ("x" * (METADATA_BYTES + 1), "saml.metadata"),
        ("<!DOCTYPE a><a/>", "saml.doctype"), (metadata([]), "saml.certificate"),
        (metadata([ONE], sign_on="http://idp.plant.example/sso"), "saml.address"),
        (metadata([ONE], sign_on="javascript:alert(1)"), "saml.address"),
        (metadata([ONE], logout="http://idp.plant.example/slo"), "saml.address"),
        (metadata([ONE], entity=""), "saml.metadata"),
        (metadata([ONE], more='validUntil="2020-01-01T00:00:00Z"'), "saml.metadata"),
        (metadata([ONE], more='validUntil="soon"'), "time.format"),
        (metadata([ONE]).replace("HTTP-Redirect", "HTTP-POST"), "saml.address"),
        (metadata([ONE]).replace('use="signing"', 'use="encryption"'), "saml.certificate"),
        (metadata([ONE]).replace(plain(ONE.certificate_pem), "AAAA"), "certificate.broken"),
        (metadata([ONE]).replace(plain(ONE.certificate_pem), "####"), "saml.base64"),
    ],
)  # fmt: skip
def test_metadata_that_proves_nothing_is_refused(text: str, code: str) -> None:
    assert refusal(text) == code


def test_a_short_key_is_refused() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    name = Name([NameAttribute(NameOID.COMMON_NAME, "short")])
    builder = CertificateBuilder(name, name, key.public_key(), random_serial_number())
    certificate = builder.not_valid_before(utc_now()).not_valid_after(utc_now() + minutes(9)).sign(key, SHA256())
    weak = ServiceIdentity("", certificate.public_bytes(serialization.Encoding.PEM).decode())
    assert refusal(metadata([weak])) == "certificate.weak"


def test_settings_are_checked_when_they_are_said() -> None:
    good = SamlSettings(metadata([ONE]), "Plant", is_unsolicited_allowed=True)
    assert check(good).entity_id == ENTITY
    assert load(good.dump()) == good
    for change in ({"label": " "}, {"groups_attribute": ""}, {"login_attribute": "a\nb"}, {"id_attribute": "\0"}):
        with pytest.raises(InvalidInput):
            check(SamlSettings(**{"metadata": metadata([ONE]), "label": "Plant", **change}))


@pytest.mark.parametrize("order", ["import lxml.etree, xmlsec", "import xmlsec, lxml.etree"])
def test_both_libraries_bring_the_same_reader_of_xml(order: str) -> None:
    """Where they were built against different ones, keys and nodes that pass between them are read as garbage."""
    versions = "xmlsec.get_libxml_version(), xmlsec.get_libxml_compiled_version(), lxml.etree.LIBXML_VERSION"
    ask = f"{order}; print(len({{{versions}}}) == 1)"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.stderr) == ("True", "")
