"""Signature wrapping: whoever moves what was signed, and puts something else in its place, gets nobody in."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Any

import pytest
from lxml import etree

from appliance.crypto.service_certificate import new_service_identity
from appliance.errors import Denied
from appliance.identity.saml.own import Own
from appliance.identity.saml.response import verify
from appliance.identity.saml.settings import read_metadata
from tests.saml_forge import NAMES, Forge, metadata, posted
from tests.saml_wrapping import WAYS

OWN = Own("https://d2r.plant.example", new_service_identity("d2r"))
FORGE = Forge(OWN)
PROVIDER = read_metadata(metadata([FORGE.signer]))
REQUEST = "_request"


def before(name: str) -> Any:
    """The response that is wrapped: signed in its assertion; for the ways that wrap a response, around it too."""
    genuine = FORGE.genuine(REQUEST)
    return FORGE.signed(genuine) if name in ("XSW1", "XSW2") else genuine


def still_hold(root: Any) -> int:
    """How many signatures hold for who takes any element with the id that they refer to, less the signature in it."""
    count = 0
    for signature in root.iter(f"{{{NAMES['ds']}}}Signature"):
        reference = signature.find("ds:SignedInfo/ds:Reference", NAMES)
        digest = reference.find("ds:DigestValue", NAMES).text
        found = root.getroottree().xpath("//*[@ID=$wanted]", wanted=reference.get("URI")[1:])
        count += any(_digest(element) == digest for element in found)
    return count


def _digest(element: Any) -> str:
    bare = etree.fromstring(etree.tostring(element, method="c14n", exclusive=True))
    for signature in bare.findall("ds:Signature", NAMES):
        bare.remove(signature)
    return b64encode(sha256(etree.tostring(bare, method="c14n", exclusive=True)).digest()).decode()


@pytest.mark.parametrize("name", WAYS)
def test_the_response_that_is_wrapped_is_a_good_one(name: str) -> None:
    assert verify(posted(before(name)), PROVIDER, OWN, REQUEST).name_id.value == "ann-for-good"


@pytest.mark.parametrize("name", WAYS)
def test_what_is_wrapped_around_a_signature_that_holds_is_refused(name: str) -> None:
    good = before(name)
    root = WAYS[name](good, "the-owner")
    assert still_hold(root) >= still_hold(good) > 0, "the forgery broke a signature: it would prove nothing"
    assert "the-owner" in etree.tostring(root).decode()
    with pytest.raises(Denied) as refused:
        verify(posted(root), PROVIDER, OWN, REQUEST)
    assert refused.value.code == "saml.refused"


@pytest.mark.parametrize("name", WAYS)
def test_it_is_refused_by_its_shape_and_not_by_the_toolkit_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The toolkit refuses most of them too: what comes before must not lean on it."""
    monkeypatch.setattr("appliance.identity.saml.response._toolkit_agrees", lambda *told: pytest.fail("asked"))
    with pytest.raises(Denied):
        verify(posted(WAYS[name](before(name), "the-owner")), PROVIDER, OWN, REQUEST)


@pytest.mark.parametrize("name", WAYS)
def test_the_toolkit_is_a_second_look_of_its_own(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.identity.saml.response.require_response", lambda *told: None)
    with pytest.raises(Denied):
        verify(posted(WAYS[name](before(name), "the-owner")), PROVIDER, OWN, REQUEST)
