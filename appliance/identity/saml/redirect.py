"""The binding HTTP-Redirect: a message in an address, deflated, signed over the query as it is spelled there.

What is verified is the query as it came, byte by byte: each parameter once, and a signature algorithm of our list.
"""

from __future__ import annotations

import zlib
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import quote_plus, unquote_plus

import xmlsec

from appliance.crypto.service_certificate import ServiceIdentity
from appliance.errors import InvalidInput
from appliance.identity.saml.markup import MESSAGE_BYTES, decode
from appliance.identity.saml.own import SIGNATURE
from appliance.identity.saml.trust import key_of, refused

Parameter = Literal["SAMLRequest", "SAMLResponse"]

#: No secret that both sides hold, and no SHA-1.
_RSA: Final = "http://www.w3.org/2001/04/xmldsig-more#rsa-"
_ECDSA: Final = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-"
_TRANSFORMS: Final[dict[str, Any]] = {
    _RSA + "sha256": xmlsec.constants.TransformRsaSha256,
    _RSA + "sha384": xmlsec.constants.TransformRsaSha384,
    _RSA + "sha512": xmlsec.constants.TransformRsaSha512,
    _ECDSA + "sha256": xmlsec.constants.TransformEcdsaSha256,
    _ECDSA + "sha384": xmlsec.constants.TransformEcdsaSha384,
    _ECDSA + "sha512": xmlsec.constants.TransformEcdsaSha512,
}
_QUERY_CHARACTERS: Final = 32 << 10


@dataclass(frozen=True)
class Arrived:
    """A message whose signature counts."""

    parameter: Parameter
    xml: bytes
    relay_state: str


def address(url: str, parameter: Parameter, message: bytes, relay_state: str, identity: ServiceIdentity) -> str:
    """Where a browser goes to bring ``message`` there, signed; an empty ``relay_state`` is left out."""
    packer = zlib.compressobj(wbits=-15)
    packed = b64encode(packer.compress(message) + packer.flush()).decode()
    told = [(parameter, packed), *([("RelayState", relay_state)] if relay_state else []), ("SigAlg", SIGNATURE)]
    query = "&".join(f"{name}={quote_plus(value)}" for name, value in told)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(identity.key_pem, xmlsec.constants.KeyDataFormatPem, None)
    signature = context.sign_binary(query.encode(), _TRANSFORMS[SIGNATURE])
    return f"{url}{'&' if '?' in url else '?'}{query}&Signature={quote_plus(b64encode(signature).decode())}"


def verified(query: str, certificates: Sequence[str]) -> Arrived:
    """The message of a query, if one of ``certificates`` signed it.

    Raises
    ------
    Denied : no message, or nothing that was signed by a key of the provider with an algorithm that counts
    """
    if len(query) > _QUERY_CHARACTERS:
        raise refused("the query is too long")
    spelled = _spelled(query)
    parameter: Parameter = "SAMLRequest" if "SAMLRequest" in spelled else "SAMLResponse"
    if "SAMLRequest" in spelled and "SAMLResponse" in spelled:
        raise refused("a request and a response in one")
    signed = "&".join(f"{name}={spelled[name]}" for name in (parameter, "RelayState", "SigAlg") if name in spelled)
    told = {name: unquote_plus(value, errors="replace") for name, value in spelled.items()}
    transform = _TRANSFORMS.get(told.get("SigAlg", ""))
    if transform is None or "Signature" not in told or parameter not in told:
        raise refused("no signature, or of an algorithm that does not count")
    try:
        _require_signed(signed.encode(), transform, decode(told["Signature"]), certificates)
        return Arrived(parameter, _inflated(decode(told[parameter])), told.get("RelayState", ""))
    except InvalidInput as error:
        raise refused(error.message) from error


def _spelled(query: str) -> dict[str, str]:
    """Parameters as they are spelled; none of ours stands there twice."""
    found: dict[str, str] = {}
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if name in found:
            raise refused("a parameter stands there twice")
        found[name] = value
    return found


def _require_signed(data: bytes, transform: Any, signature: bytes, certificates: Sequence[str]) -> None:
    for certificate in certificates:
        context = xmlsec.SignatureContext()
        context.key = key_of(certificate)
        try:
            context.verify_binary(data, transform, signature)
        except xmlsec.Error:
            continue
        return
    raise refused("no key of the provider signed it")


def _inflated(data: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=-15)
    try:
        found = unpacker.decompress(data, MESSAGE_BYTES)
    except zlib.error as error:
        raise refused("the message is not deflated") from error
    if not unpacker.eof or unpacker.unused_data:
        raise refused("the message is cut off, too long, or followed by something")
    return found
