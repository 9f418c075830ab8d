"""What a response must say to be believed; each test forges one that a provider of good will never sends."""

from __future__ import annotations

from typing import Any

import pytest
import xmlsec
from lxml import etree

from appliance.crypto.service_certificate import new_service_identity
from appliance.errors import Denied
from appliance.identity.saml.markup import MESSAGE_BYTES
from appliance.identity.saml.own import Own
from appliance.identity.saml.response import Assertion, verify
from appliance.identity.saml.settings import read_metadata
from tests.saml_forge import NAMES, Forge, metadata, moments, posted, sign

OWN = Own("https://d2r.plant.example", new_service_identity("d2r"))
FORGE = Forge(OWN)
OTHER = new_service_identity("another one")
PROVIDER = read_metadata(metadata([FORGE.signer]))
REQUEST = "_request"
C = xmlsec.constants


def believed(root: Any, request: str | None = REQUEST) -> Assertion:
    return verify(root if isinstance(root, str) else posted(root), PROVIDER, OWN, request)


def refusal(root: Any, request: str | None = REQUEST) -> str:
    """Why nobody is let in with it, as the log is told."""
    with pytest.raises(Denied) as refused:
        believed(root, request)
    assert refused.value.code == "saml.refused"
    assert refused.value.message == "The provider did not prove who this is."
    return str(refused.value.__notes__[0])


def test_a_good_response_says_who_somebody_is() -> None:
    found = believed(FORGE.genuine(REQUEST))
    assert (found.name_id.value, found.session_index) == ("ann-for-good", "_session-1")
    assert found.attributes == {"uid": ("ann",), "displayName": ("Ann Lee",), "groups": ("leads",)}
    assert believed(FORGE.signed(FORGE.genuine(REQUEST))).name_id == found.name_id
    assert believed(FORGE.genuine(None), None).name_id == found.name_id


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"ends": moments(m=-2)["m"]}, "any more"),
        ({"begins": moments(m=2)["m"]}, "does not count yet"),
        ({"until": moments(m=-2)["m"]}, "SubjectConfirmation"),
        ({"ends": moments(m=60 * 48)["m"], "until": moments(m=60 * 48)["m"]}, "longer than a day"),
        ({"audience": "https://another.example"}, "audience"),
        ({"audience": ""}, "no audience"),
        ({"recipient": "https://another.example/acs"}, "SubjectConfirmation"),
        ({"recipient": OWN.consumer_url + "/more"}, "nobody confirms"),
        ({"issuer": "https://evil.example"}, "issue"),
        ({"request": "_another"}, "SubjectConfirmation"),
        ({"request": None}, "nobody confirms"),
        ({"name": ""}, "empty"),
        ({"name": "  "}, "nobody"),
    ],
)
def test_an_assertion_that_was_not_made_for_this_is_refused(said: dict[str, Any], why: str) -> None:
    assert why in refusal(FORGE.genuine(REQUEST, **said))


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"destination": "https://another.example/acs"}, "instead of"),
        ({"destination": OWN.consumer_url + "/more"}, "it was made for"),
        ({"destination": None}, "it was made for None"),
        ({"issuer": "https://evil.example"}, "issue"),
        ({"status": "Requester"}, "not Success"),
    ],
)
def test_a_response_that_was_not_made_for_this_is_refused(said: dict[str, Any], why: str) -> None:
    root = FORGE.response(REQUEST, FORGE.signed(FORGE.assertion(REQUEST)), **said)
    assert why in refusal(root)


def test_it_answers_the_request_that_it_must_and_no_other() -> None:
    assert "InResponseTo" in refusal(FORGE.genuine("_another"))
    assert "request" in refusal(FORGE.genuine(None))
    assert "request" in refusal(FORGE.genuine(REQUEST), None)
    mixed = FORGE.response(None, FORGE.signed(FORGE.assertion(REQUEST)))
    assert "another request" in refusal(mixed)


def test_what_the_provider_refuses_is_said_in_its_words() -> None:
    root = FORGE.response(REQUEST, status="Responder")
    assert refusal(root) == "the provider says Responder"


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


@pytest.mark.parametrize("tag", ["samlp:Extensions", "saml:Advice", "samlp:Response", "saml:Subject"])
@pytest.mark.parametrize("is_inside", [False, True])
def test_nothing_is_put_beside_what_a_response_holds(tag: str, is_inside: bool) -> None:
    """Inside of the assertion too, where the provider signed it."""
    prefix, _, name = tag.partition(":")
    more, assertion = etree.Element(f"{{{NAMES[prefix]}}}{name}"), FORGE.assertion(REQUEST)
    if is_inside:
        assertion.append(more)
    root = FORGE.response(REQUEST, FORGE.signed(assertion), *([] if is_inside else [more]))
    assert refusal(root).endswith(("has no place there", "is not of SAML 2.0"))


def test_what_the_provider_says_does_not_write_lines_into_the_log() -> None:
    root = FORGE.response(REQUEST, status="Responder")
    etree.SubElement(root.find("samlp:Status", NAMES), f"{{{NAMES['samlp']}}}StatusMessage").text = "no\nroot: in"
    assert refusal(root) == "the provider says Responder no root: in"


def test_a_secret_made_of_the_public_key_proves_nothing() -> None:
    """HMAC under what everybody knows: the certificate."""
    assertion = FORGE.signed(FORGE.assertion(REQUEST))
    method = assertion.find("ds:Signature/ds:SignedInfo/ds:SignatureMethod", NAMES)
    method.set("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")
    assert "algorithm" in refusal(FORGE.response(REQUEST, assertion))


@pytest.mark.parametrize("at", ["name", "uid"])
def test_a_comment_in_a_name_does_not_cut_it_off(at: str) -> None:
    """CVE-2017-11427: the signature holds, since comments are not signed, and careless readers stop at one."""
    mail = "owner@plant.example.evil.example"
    attributes = {"uid": [mail]}
    root = FORGE.genuine(REQUEST, name=mail, attributes=attributes)
    text = etree.tostring(root).decode()
    forged = text.replace(mail, "owner@plant.example<!-- -->.evil.example", 2 if at == "uid" else 1)
    assert refusal(posted(forged.encode())) == "A message with comments or instructions is not read."
    sealed = FORGE.sealed(etree.fromstring(forged.encode()), C.TransformAes256Gcm, C.TransformRsaOaep)
    assert "A message with comments" in refusal(sealed)


def test_a_document_type_and_entities_are_not_read() -> None:
    text = etree.tostring(FORGE.genuine(REQUEST, name="ann")).decode()
    bombs = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    for subset in (
        "",
        '<!ENTITY x SYSTEM "file:///etc/passwd">',
        f'<!ENTITY e0 "ha">{bombs}',
        '<!ENTITY % p SYSTEM "http://127.0.0.1:1/x.dtd"> %p;',
        "<!ATTLIST saml:Assertion ID ID #IMPLIED>",
    ):
        forged = f"<!DOCTYPE samlp:Response [{subset}]>{text}"
        assert refusal(posted(forged.encode())) in (
            "XML with a document type is not read.",
            "This is no well-formed XML.",
        )
    assert "well-formed" in refusal(posted(text.replace(">ann<", ">&undefined;<").encode()))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "XML"), ("####", "base64"), ("YQ", "base64"), (posted(b"<a"), "XML"), (posted(b"\xff\xfe<\x00a"), "XML"),
        (posted(b"<a/>"), "no SAML 2.0 response"), ("A" * (MESSAGE_BYTES + 1), "at most"),
        (posted(b"<?pi x?><a/>"), "instructions"), (posted("<a/>".encode("utf-16")), "UTF-8"),
        (posted(b"<a>" * 5000 + b"</a>" * 5000), "XML"),
    ],
)  # fmt: skip
def test_what_is_no_response_is_refused(text: str, why: str) -> None:
    assert why in refusal(text)


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


def test_either_of_two_keys_signs_while_the_provider_changes_from_one_to_the_other() -> None:
    both = read_metadata(metadata([OTHER, FORGE.signer]))
    for signer in (OTHER, FORGE.signer):
        root = FORGE.response(REQUEST, FORGE.signed(FORGE.assertion(REQUEST), signer=signer))
        assert verify(posted(root), both, OWN, REQUEST).name_id.value == "ann-for-good"
    with pytest.raises(Denied):
        verify(posted(FORGE.genuine(REQUEST)), read_metadata(metadata([OTHER])), OWN, REQUEST)
