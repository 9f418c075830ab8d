"""A SAML provider whose key the tests hold: it says whatever a test wants, and signs it, or does not."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from secrets import token_hex
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import xmlsec
from lxml import etree

from appliance.core.clock import rfc3339, utc_now
from appliance.crypto.service_certificate import ServiceIdentity, new_service_identity
from appliance.identity.saml.own import Own
from appliance.identity.saml.settings import SamlSettings

ENTITY = "https://idp.plant.example/metadata"
SIGN_ON = "https://idp.plant.example/sso?a=1&b=2"
LOGOUT = "https://idp.plant.example/slo"
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
NAMES = {
    "samlp": "urn:oasis:names:tc:SAML:2.0:protocol",
    "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
}
_SPACES = " ".join(f'xmlns:{prefix}="{name}"' for prefix, name in NAMES.items() if prefix != "ds")


def plain(pem: str) -> str:
    """A certificate as metadata shows it."""
    return "".join(line for line in pem.splitlines() if not line.startswith("-----"))


def metadata(identities: Sequence[ServiceIdentity], **other: str) -> str:
    """What a provider with these keys publishes."""
    told = {"entity": ENTITY, "sign_on": SIGN_ON, "logout": LOGOUT, "more": ""} | other
    keys = "".join(
        '<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>'
        f"{plain(one.certificate_pem)}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        for one in identities
    )
    return (
        f'<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="{NAMES["ds"]}" '
        f"entityID={quoteattr(told['entity'])} {told['more']}>"
        '<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
        f'{keys}<md:SingleLogoutService Binding="{REDIRECT}" Location={quoteattr(told["logout"])}/>'
        f'<md:SingleSignOnService Binding="{REDIRECT}" Location={quoteattr(told["sign_on"])}/>'
        "</md:IDPSSODescriptor></md:EntityDescriptor>"
    )


@dataclass
class Forge:
    """What the provider says about somebody; ``signer`` is its key."""

    own: Own
    signer: ServiceIdentity = field(default_factory=lambda: new_service_identity("idp"))
    attributes: Mapping[str, Sequence[str]] = field(
        default_factory=lambda: {"uid": ["ann"], "displayName": ["Ann Lee"], "groups": ["leads"]}
    )

    def settings(self, **other: Any) -> SamlSettings:
        """How an owner names this provider."""
        return SamlSettings(**{"metadata": metadata([self.signer]), "label": "Plant", **other})

    def assertion(self, request_id: str | None, **other: Any) -> etree._Element:
        """An assertion, not signed yet; ``other`` replaces what it says."""
        now = utc_now()
        told: dict[str, Any] = {
            "id": f"_{token_hex(16)}", "issuer": ENTITY, "name": "ann-for-good", "format": PERSISTENT,
            "audience": self.own.entity_id, "recipient": self.own.consumer_url, "request": request_id,
            "begins": now - timedelta(minutes=1), "ends": now + timedelta(minutes=5), "index": "_session-1",
            "version": "2.0", "session_until": now + timedelta(hours=8),
            "until": now + timedelta(minutes=5), "shown_at": now, "attributes": self.attributes,
        } | resolved(other)  # fmt: skip
        answers = f"InResponseTo={quoteattr(told['request'])}" if told["request"] else ""
        audience = f"<saml:Audience>{escape(told['audience'])}</saml:Audience>" if told["audience"] else ""
        restriction = f"<saml:AudienceRestriction>{audience}</saml:AudienceRestriction>" if audience else ""
        text = (
            f'<saml:Assertion {_SPACES} ID="{told["id"]}" Version="{told["version"]}" '
            f'IssueInstant="{rfc3339(now)}">'
            f"<saml:Issuer>{escape(told['issuer'])}</saml:Issuer>"
            f'<saml:Subject><saml:NameID Format="{told["format"]}">{told["name"]}</saml:NameID>'
            '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">'
            f"<saml:SubjectConfirmationData {answers} Recipient={quoteattr(told['recipient'])} "
            f'NotOnOrAfter="{rfc3339(told["until"])}"/></saml:SubjectConfirmation></saml:Subject>'
            f'<saml:Conditions NotBefore="{rfc3339(told["begins"])}" NotOnOrAfter="{rfc3339(told["ends"])}">'
            f"{restriction}</saml:Conditions>"
            f'<saml:AuthnStatement AuthnInstant="{rfc3339(told["shown_at"])}" SessionIndex="{told["index"]}" '
            f'SessionNotOnOrAfter="{rfc3339(told["session_until"])}">'
            "<saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password"
            "</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>"
            f"{_statement(told['attributes'])}</saml:Assertion>"
        )
        return etree.fromstring(text)

    def signed(self, element: etree._Element, **how: Any) -> etree._Element:
        """``element`` with a signature over itself behind its issuer."""
        return sign(element, how.pop("signer", self.signer), **how)

    def response(self, request_id: str | None, *inside: etree._Element, **other: str | None) -> etree._Element:
        """A response that holds ``inside``, not signed."""
        told = {"issuer": ENTITY, "destination": self.own.consumer_url, "status": "Success"} | other
        answers = f"InResponseTo={quoteattr(request_id)}" if request_id else ""
        destination = f"Destination={quoteattr(told['destination'])}" if told["destination"] else ""
        root = etree.fromstring(
            f'<samlp:Response {_SPACES} ID="_{token_hex(16)}" Version="2.0" IssueInstant="{rfc3339(utc_now())}" '
            f"{destination} {answers}><saml:Issuer>{escape(told['issuer'] or '')}</saml:Issuer><samlp:Status>"
            f'<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:{told["status"]}"/></samlp:Status>'
            "</samlp:Response>"
        )
        root.extend(inside)
        return root

    def genuine(self, request_id: str | None, **other: Any) -> etree._Element:
        """What a provider of good will sends."""
        return self.response(request_id, self.signed(self.assertion(request_id, **other)))

    def sealed(self, response: etree._Element, data: Any, key: Any) -> etree._Element:
        """The same with its assertion sealed for the appliance."""
        manager = xmlsec.KeysManager()
        manager.add_key(
            xmlsec.Key.from_memory(self.own.identity.certificate_pem, xmlsec.constants.KeyDataFormatCertPem)
        )
        place = response.find("saml:Assertion", NAMES)
        template = xmlsec.template.encrypted_data_create(
            response, data, type=xmlsec.constants.TypeEncElement, ns="xenc"
        )
        xmlsec.template.encrypted_data_ensure_cipher_value(template)
        info = xmlsec.template.encrypted_data_ensure_key_info(template, ns="ds")
        xmlsec.template.encrypted_data_ensure_cipher_value(xmlsec.template.add_encrypted_key(info, key))
        context = xmlsec.EncryptionContext(manager)
        bits = 256 if "256" in data.name else 128
        context.key = xmlsec.Key.generate(xmlsec.constants.KeyDataAes, bits, xmlsec.constants.KeyDataTypeSession)
        found = context.encrypt_binary(template, etree.tostring(place))
        wrapper = etree.Element(f"{{{NAMES['saml']}}}EncryptedAssertion", nsmap={"saml": NAMES["saml"]})
        wrapper.append(found)
        place.getparent().replace(place, wrapper)
        return response


def sign(
    element: etree._Element, signer: ServiceIdentity, method: Any = xmlsec.constants.TransformRsaSha256,
    digest: Any = xmlsec.constants.TransformSha256, has_certificate: bool = True, uri: str | None = None,
    transforms: Sequence[Any] = (xmlsec.constants.TransformEnveloped, xmlsec.constants.TransformExclC14N),
    references: int = 1, canonical: Any = xmlsec.constants.TransformExclC14N,
) -> etree._Element:  # fmt: skip
    """``element`` with an enveloped signature over itself."""
    for former in element.findall("ds:Signature", NAMES):
        element.remove(former)
    signature = xmlsec.template.create(element, canonical, method, ns="ds")
    element.find("saml:Issuer", NAMES).addnext(signature)
    for _ in range(references):
        reference = xmlsec.template.add_reference(
            signature, digest, uri=f"#{element.get('ID')}" if uri is None else uri
        )
        for transform in transforms:
            xmlsec.template.add_transform(reference, transform)
    if has_certificate:
        xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(signature))
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(signer.key_pem, xmlsec.constants.KeyDataFormatPem)
    context.key.load_cert_from_memory(signer.certificate_pem.encode(), xmlsec.constants.KeyDataFormatPem)
    xmlsec.tree.add_ids(element, ["ID"])
    context.sign(signature)
    return element


def posted(root: etree._Element | bytes) -> str:
    """A response as a form carries it."""
    return b64encode(root if isinstance(root, bytes) else etree.tostring(root)).decode()


def resolved(said: Mapping[str, Any]) -> dict[str, Any]:
    """``said`` with every span of time as the moment that lies so far from now: tests are collected long before."""
    return {name: utc_now() + one if isinstance(one, timedelta) else one for name, one in said.items()}


def minutes(count: float) -> timedelta:
    """A span of time."""
    return timedelta(minutes=count)


def _statement(attributes: Mapping[str, Sequence[str]]) -> str:
    told = "".join(
        f"<saml:Attribute Name={quoteattr(name)}>"
        + "".join(f"<saml:AttributeValue>{escape(value)}</saml:AttributeValue>" for value in values)
        + "</saml:Attribute>"
        for name, values in attributes.items()
    )
    return f"<saml:AttributeStatement>{told}</saml:AttributeStatement>" if told else ""
