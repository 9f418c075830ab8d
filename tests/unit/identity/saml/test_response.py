"""What a response must say to be believed; each test forges one that a provider of good will never sends."""

from __future__ import annotations

from typing import Any

import pytest
import xmlsec
from lxml import etree
from onelogin.saml2.response import OneLogin_Saml2_Response

from appliance.crypto.service_certificate import new_service_identity
from appliance.errors import Denied
from appliance.identity.saml.markup import MESSAGE_BYTES
from appliance.identity.saml.own import Own
from appliance.identity.saml.response import Assertion, verify
from appliance.identity.saml.settings import read_metadata
from tests.saml_forge import NAMES, Forge, metadata, minutes, posted

OWN = Own("https://d2r.plant.example", new_service_identity("d2r"))
FORGE = Forge(OWN)
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
        ({"ends": minutes(-2)}, "any more"),
        ({"begins": minutes(2)}, "does not count yet"),
        ({"until": minutes(-2)}, "SubjectConfirmation"),
        ({"ends": minutes(60 * 48), "until": minutes(60 * 48)}, "longer than a day"),
        ({"audience": "https://another.example"}, "audience"),
        ({"audience": ""}, "no audience"),
        ({"recipient": "https://another.example/acs"}, "SubjectConfirmation"),
        ({"recipient": OWN.consumer_url + "/more"}, "nobody confirms"),
        ({"issuer": "https://evil.example"}, "issue"),
        ({"request": "_another"}, "SubjectConfirmation"),
        ({"request": None}, "nobody confirms"),
        ({"name": ""}, "empty"),
        ({"name": "  "}, "nobody"),
        ({"session_until": minutes(-2)}, "SessionNotOnOrAfter"),
        ({"version": "1.1"}, "not of SAML 2.0"),
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
        ({"status": "Requester"}, "the provider says Requester"),
    ],
)
def test_a_response_that_was_not_made_for_this_is_refused(said: dict[str, Any], why: str) -> None:
    root = FORGE.response(REQUEST, FORGE.signed(FORGE.assertion(REQUEST)), **said)
    assert why in refusal(root)


@pytest.mark.parametrize(
    "said",
    [
        {"ends": minutes(-2)}, {"begins": minutes(2)}, {"until": minutes(-2)}, {"audience": ""},
        {"audience": "https://another.example"}, {"recipient": "https://another.example/acs"}, {"request": "_another"},
        {"issuer": "https://evil.example"}, {"session_until": minutes(-2)}, {"version": "1.1"}, {"name": ""},
    ],
    ids=lambda said: ", ".join(said),
)  # fmt: skip
def test_our_own_look_refuses_the_same_where_the_toolkit_agrees_with_everything(
    said: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OneLogin_Saml2_Response, "is_valid", lambda *told, **how: True)
    assert believed(FORGE.genuine(REQUEST))
    assert refusal(FORGE.genuine(REQUEST, **said))
    sealed = FORGE.sealed(FORGE.genuine(REQUEST, **said), C.TransformAes256Gcm, C.TransformRsaOaep)
    assert refusal(sealed)


def test_an_assertion_within_an_assertion_or_beside_a_sealed_one_is_one_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assertion = FORGE.assertion(REQUEST)
    assertion.find(".//saml:AttributeValue", NAMES).append(FORGE.assertion(REQUEST, name="the-owner"))
    nested = FORGE.response(REQUEST, FORGE.signed(assertion))
    assert refusal(nested) == "2 assertions in the response"
    beside = FORGE.sealed(FORGE.genuine(REQUEST), C.TransformAes256Gcm, C.TransformRsaOaep)
    beside.insert(2, FORGE.signed(FORGE.assertion(REQUEST)))
    assert refusal(beside) == "2 assertions in the response"
    monkeypatch.setattr(OneLogin_Saml2_Response, "is_valid", lambda *told, **how: True)
    assert refusal(FORGE.sealed(nested, C.TransformAes256Gcm, C.TransformRsaOaep)) == "2 assertions in the response"


def test_it_answers_the_request_that_it_must_and_no_other() -> None:
    assert "InResponseTo" in refusal(FORGE.genuine("_another"))
    assert "request" in refusal(FORGE.genuine(None))
    assert "request" in refusal(FORGE.genuine(REQUEST), None)
    mixed = FORGE.response(None, FORGE.signed(FORGE.assertion(REQUEST)))
    assert "another request" in refusal(mixed)


def test_what_the_provider_refuses_is_said_in_its_words() -> None:
    root = FORGE.response(REQUEST, status="Responder")
    assert refusal(root) == "the provider says Responder"


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
        (posted(b"<?xml version='1.0' encoding='ISO-8859-1'?><a/>"), "UTF-8"),
        (posted(b"<a>" * 5000 + b"</a>" * 5000), "XML"),
    ],
)  # fmt: skip
def test_what_is_no_response_is_refused(text: str, why: str) -> None:
    assert why in refusal(text)
