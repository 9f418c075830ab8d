"""Signing out in one place and so in the other; what nobody signed, or signed for somebody else, ends nothing."""

from __future__ import annotations

import zlib
from base64 import b64encode
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlsplit
from xml.sax.saxutils import quoteattr

import pytest
from lxml import etree

from appliance.core.clock import rfc3339, utc_now
from appliance.crypto.service_certificate import ServiceIdentity, new_service_identity
from appliance.errors import Denied
from appliance.identity.saml import redirect
from appliance.identity.saml.logout import begin_logout, take_logout
from appliance.identity.saml.provider import configure
from appliance.identity.saml.sign_on import Entered, finish
from appliance.identity.sessions import Visit, begin_session, find_session, list_sessions
from appliance.tenancy.records import SYSTEM
from tests.saml_forge import ENTITY, LOGOUT, NAMES, PERSISTENT, metadata, minutes, plain, resolved
from tests.unit.identity.saml.conftest import Plant
from tests.unit.identity.test_users import entries

OTHER = new_service_identity("another one")


def signed_in(plant: Plant, **said: Any) -> str:
    """What the browser of somebody holds who came through the provider."""
    found = finish(plant.site, plant.came(**said))
    assert isinstance(found, Entered)
    return begin_session(plant.site, found.principal, "saml", Visit(), found.foreign_session)


def asked(plant: Plant, signer: ServiceIdentity | None = None, relay_state: str = "", **said: Any) -> str:
    """The query with which the provider asks to sign somebody out."""
    told: dict[str, Any] = {
        "id": f"_{utc_now().timestamp()}".replace(".", ""), "issuer": ENTITY, "to": plant.own.logout_url,
        "at": utc_now(), "until": utc_now() + minutes(5), "name": "ann-for-good", "indexes": [], "tag": "LogoutRequest",
    } | resolved(said)  # fmt: skip
    indexes = "".join(f"<samlp:SessionIndex>{one}</samlp:SessionIndex>" for one in told["indexes"])
    text = (
        f'<samlp:{told["tag"]} xmlns:samlp="{NAMES["samlp"]}" xmlns:saml="{NAMES["saml"]}" ID="{told["id"]}" '
        f'Version="2.0" IssueInstant="{rfc3339(told["at"])}" NotOnOrAfter="{rfc3339(told["until"])}" '
        f"Destination={quoteattr(told['to'])}><saml:Issuer>{told['issuer']}</saml:Issuer>"
        f'<saml:NameID Format="{PERSISTENT}">{told["name"]}</saml:NameID>{indexes}</samlp:{told["tag"]}>'
    )
    address = redirect.address("x", "SAMLRequest", text.encode(), relay_state, signer or plant.forge.signer)
    return urlsplit(address).query


def answered(plant: Plant, request_id: str, signer: ServiceIdentity | None = None, status: str = "Success") -> str:
    """The query with which the provider answers our request."""
    text = (
        f'<samlp:LogoutResponse xmlns:samlp="{NAMES["samlp"]}" xmlns:saml="{NAMES["saml"]}" ID="_answer" '
        f'Version="2.0" IssueInstant="{rfc3339(utc_now())}" Destination={quoteattr(plant.own.logout_url)} '
        f"InResponseTo={quoteattr(request_id)}><saml:Issuer>{ENTITY}</saml:Issuer><samlp:Status>"
        f'<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:{status}"/></samlp:Status></samlp:LogoutResponse>'
    )
    return urlsplit(redirect.address("x", "SAMLResponse", text.encode(), "", signer or plant.forge.signer)).query


def read(plant: Plant, address: str) -> Any:
    """A message of ours, verified."""
    arrived = redirect.verified(urlsplit(address).query, [plain(plant.own.identity.certificate_pem)])
    return etree.fromstring(arrived.xml)


def refusal(plant: Plant, query: str) -> str:
    with pytest.raises(Denied) as error:
        take_logout(plant.site, query)
    assert error.value.code == "saml.refused"
    return str(error.value.__notes__[0])


def test_the_provider_signs_somebody_out(plant: Plant) -> None:
    token, other = signed_in(plant), signed_in(plant, name="ben-for-good")
    done = take_logout(plant.site, asked(plant, relay_state="their state"))
    assert find_session(plant.site, token) is None
    assert find_session(plant.site, other)
    assert done.address.startswith(f"{LOGOUT}?SAMLResponse=")
    assert parse_qs(urlsplit(done.address).query)["RelayState"] == ["their state"]
    answer = read(plant, done.address)
    assert answer.get("InResponseTo")
    assert answer.find("samlp:Status/samlp:StatusCode", NAMES).get("Value").endswith(":Success")
    assert [entry["kind"] for entry in entries(plant.site)][-1] == "session.ended"


def test_of_several_sessions_those_end_that_the_provider_names(plant: Plant) -> None:
    first, second = signed_in(plant, index="_one"), signed_in(plant, index="_two")
    take_logout(plant.site, asked(plant, indexes=["_two", "_three"]))
    assert find_session(plant.site, first)
    assert find_session(plant.site, second) is None
    take_logout(plant.site, asked(plant))
    assert find_session(plant.site, first) is None


def test_sessions_that_were_begun_otherwise_are_not_the_providers_to_end(plant: Plant) -> None:
    found = finish(plant.site, plant.came())
    assert isinstance(found, Entered)
    begin_session(plant.site, found.principal, "local", Visit())
    take_logout(plant.site, asked(plant))
    assert len(list_sessions(plant.site)) == 1


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"issuer": "https://evil.example"}, "somebody else"),
        ({"to": "https://another.example/logout"}, "it was made for"),
        ({"at": minutes(-6)}, "of now"),
        ({"at": minutes(6)}, "of now"),
        ({"until": minutes(-2)}, "of now"),
        ({"tag": "AuthnRequest"}, "no LogoutRequest"),
        ({"id": "1 2"}, "schema"),
        ({"name": ""}, "nobody"),
        ({"name": "ann<!-- -->-for-good"}, "comments"),
    ],
)
def test_a_request_that_is_not_for_us_or_not_of_now_ends_nothing(plant: Plant, said: dict[str, Any], why: str) -> None:
    token = signed_in(plant)
    assert why in refusal(plant, asked(plant, **said))
    assert find_session(plant.site, token)


def test_a_request_counts_once(plant: Plant) -> None:
    query = asked(plant)
    take_logout(plant.site, query)
    token = signed_in(plant)
    assert "before" in refusal(plant, query)
    assert find_session(plant.site, token)


def test_what_the_provider_did_not_sign_ends_nothing(plant: Plant) -> None:
    token, query = signed_in(plant), asked(plant)
    told = dict(part.split("=", 1) for part in query.split("&"))
    sha1 = quote_plus("http://www.w3.org/2000/09/xmldsig#rsa-sha1")
    hmac = quote_plus("http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")
    bomb = zlib.compressobj(wbits=-15)
    packed = quote_plus(b64encode(bomb.compress(b"<a>" + b" " * (8 << 20)) + bomb.flush()).decode())
    for forged in (
        asked(plant, OTHER),
        query.rpartition("&Signature=")[0],
        query.replace("Signature=", "Signature=AAAA"),
        f"RelayState=x&{query}",
        f"{query}&SAMLRequest={told['SAMLRequest']}",
        f"{query}&SAMLResponse={told['SAMLRequest']}",
        f"SAMLRequest={told['SAMLRequest']}&SigAlg={sha1}&Signature={told['Signature']}",
        f"SAMLRequest={told['SAMLRequest']}&SigAlg={hmac}&Signature={told['Signature']}",
        f"SAMLRequest={packed}&SigAlg={told['SigAlg']}&Signature={told['Signature']}",
        f"SAMLRequest={asked(plant, name='x').split('&')[0]}&SigAlg={told['SigAlg']}&Signature={told['Signature']}",
        "", "SAMLRequest=", "x" * (40 << 10),
    ):  # fmt: skip
        assert refusal(plant, forged)
    assert find_session(plant.site, token)
    take_logout(plant.site, query)  # the original is a good one
    assert find_session(plant.site, token) is None


def test_a_message_that_unpacks_to_megabytes_is_not_unpacked(plant: Plant) -> None:
    long = redirect.address("x", "SAMLRequest", b"<a>" + b" " * (8 << 20), "", plant.forge.signer)
    assert "the message is cut off, too long" in refusal(plant, urlsplit(long).query)
    assert refusal(plant, "x" * (40 << 10)) == "the query is too long"


def test_somebody_who_signs_out_here_is_signed_out_there(plant: Plant) -> None:
    signed_in(plant, index="_a&amp;b")
    session = list_sessions(plant.site)[0]
    address = begin_logout(plant.site, session.id)
    assert address
    request = read(plant, address)
    assert request.find("saml:NameID", NAMES).text == "ann-for-good"
    assert request.find("samlp:SessionIndex", NAMES).text == "_a&b"
    assert request.get("Destination") == LOGOUT
    assert "no key" in refusal(plant, answered(plant, request.get("ID"), OTHER))
    assert take_logout(plant.site, answered(plant, request.get("ID"))).is_complete
    assert "nobody asked" in refusal(plant, answered(plant, request.get("ID")))
    assert "nobody asked" in refusal(plant, answered(plant, "_never"))


def test_a_provider_that_did_not_end_everything_is_said_so(plant: Plant) -> None:
    signed_in(plant)
    address = begin_logout(plant.site, list_sessions(plant.site)[0].id)
    assert address
    done = take_logout(plant.site, answered(plant, read(plant, address).get("ID"), status="PartialLogout"))
    assert (done.address, done.is_complete) == ("", False)


def test_without_a_place_to_sign_out_one_signs_out_here_alone(plant: Plant) -> None:
    signed_in(plant)
    session = list_sessions(plant.site)[0].id
    assert begin_logout(plant.site, "ses_x") is None
    bare = metadata([plant.forge.signer]).replace("SingleLogoutService", "NameIDMappingService")
    configure(plant.site, plant.forge.settings(metadata=bare), SYSTEM)
    assert begin_logout(plant.site, session) is None
    other = metadata([plant.forge.signer], entity="https://other.example")
    configure(plant.site, plant.forge.settings(metadata=other), SYSTEM)
    assert begin_logout(plant.site, session) is None, "a name goes to no other provider"
