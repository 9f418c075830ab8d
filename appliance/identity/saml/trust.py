"""What a signature inside of a message must be before it is verified, and the keys that it is verified with.

Signature wrapping (Somorovsky et al., "On Breaking SAML", 2012) leaves a signature valid and moves what it signs, so
that the one who verifies and the one who reads look at different elements.  So the shape comes first, and only one is
possible: a signature stands in the element that it signs, refers to it alone, by an id that nothing else in the
document has, and holds nothing else.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Any, Final

import xmlsec

from appliance.errors import Denied
from appliance.identity.saml.markup import find, name_of

_EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
_ENVELOPED: Final = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
#: No secret that both sides hold (HMAC under a public key), and no SHA-1.
_SIGNATURES: Final = frozenset(
    f"http://www.w3.org/2001/04/xmldsig-more#{kind}-{digest}"
    for kind in ("rsa", "ecdsa")
    for digest in ("sha256", "sha384", "sha512")
)
_DIGESTS: Final = frozenset((
    "http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512",
))  # fmt: skip
#: How the id of an element may be called, in any of the languages that are mixed here.
_IDS: Final = "//@*[translate(local-name(), 'ID', 'id') = 'id' or local-name() = 'AssertionID']"


def refused(why: str) -> Denied:
    """``why`` goes to the log alone: it is for plant IT."""
    error = Denied("saml.refused", "The provider did not prove who this is.", "Try again, or ask plant IT.")
    error.add_note("".join(letter if letter.isprintable() else " " for letter in why[:200]))
    return error


def key_of(certificate: str) -> Any:
    """The public key of a certificate (base64 of DER)."""
    return xmlsec.Key.from_memory(b64decode(certificate), xmlsec.constants.KeyDataFormatCertDer, None)


def require_unique_ids(root: Any) -> None:
    """Return if no two elements have the same id, whatever the attribute is called.

    Raises
    ------
    Denied : two have
    """
    ids = [str(value) for value in find(root, _IDS)]
    if len(set(ids)) != len(ids):
        raise refused("two elements have the same id")


def require_signature(element: Any, certificates: Sequence[str]) -> None:
    """Return if ``element`` holds one signature, over itself and nothing else, by a key of the provider.

    Raises
    ------
    Denied : it does not
    """
    signatures = find(element, "ds:Signature")
    if len(signatures) != 1:
        raise refused(f"{len(signatures)} signatures in {element.tag.rpartition('}')[2]}")
    signature = signatures[0]
    # 1. It looks as it must.
    _require_shape(signature, element.get("ID", ""))
    # 2. Where it shows certificates, one is the provider's: not believed for that, but it tells why step 3 would fail.
    shown = {"".join((node.text or "").split()) for node in find(signature, ".//ds:X509Certificate")}
    if shown and not shown & set(certificates):
        raise refused("the key that signed is not in the provider's metadata: was it changed?")
    # 3. One of the provider's keys signed this very element.
    xmlsec.tree.add_ids(element, ["ID"])
    if not any(_is_signed_by(signature, certificate) for certificate in certificates):
        raise refused("no key of the provider signed it")


def _require_shape(signature: Any, identifier: str) -> None:
    wanted = {
        "ds:SignedInfo": 1, "ds:SignatureValue": 1, ".//ds:Reference": 1, "ds:SignedInfo/ds:Reference": 1,
        "ds:SignedInfo/ds:CanonicalizationMethod": 1, "ds:SignedInfo/ds:SignatureMethod": 1, ".//ds:Object": 0,
        ".//ds:Manifest": 0, ".//ds:HMACOutputLength": 0,
    }  # fmt: skip
    if any(len(find(signature, path)) != count for path, count in wanted.items()):
        raise refused("the signature holds more or less than it must")
    known = {name_of("ds", name) for name in ("SignedInfo", "SignatureValue", "KeyInfo")}
    if any(child.tag not in known for child in signature) or len(find(signature, "ds:KeyInfo")) > 1:
        raise refused("the signature holds something that is no part of one")
    reference = find(signature, "ds:SignedInfo/ds:Reference")[0]
    if not identifier or reference.get("URI") != f"#{identifier}":
        raise refused("the signature is over something else than the element that it stands in")
    _require_algorithms(signature)
    _require_canonical(find(signature, "ds:SignatureValue")[0].text or "")
    _require_canonical(next(iter(find(reference, "ds:DigestValue/text()")), ""))


def _require_algorithms(signature: Any) -> None:
    def named(path: str) -> list[str]:
        return [str(value) for value in find(signature, f"ds:SignedInfo/{path}/@Algorithm")]

    if named("ds:CanonicalizationMethod") != [_EXCLUSIVE]:
        raise refused("the signature is canonicalised in another way than it must")
    if named("ds:Reference/ds:Transforms/ds:Transform") != [_ENVELOPED, _EXCLUSIVE]:
        raise refused("what is signed is transformed in another way than it must")
    signed, digested = named("ds:SignatureMethod"), named("ds:Reference/ds:DigestMethod")
    if not set(signed) <= _SIGNATURES or not set(digested) <= _DIGESTS:
        raise refused("the signature is of an algorithm that does not count")


def _require_canonical(text: str) -> None:
    """Return if base64 is spelled in the one way that there is: bits that nobody reads are nobody's to change."""
    plain = "".join(text.split())
    try:
        is_so = b64encode(b64decode(plain, validate=True)).decode() == plain
    except ValueError:
        is_so = False
    if not is_so or not plain:
        raise refused("a value of the signature is no base64")


def _is_signed_by(signature: Any, certificate: str) -> bool:
    context = xmlsec.SignatureContext()
    context.key = key_of(certificate)
    context.set_enabled_key_data([xmlsec.constants.KeyDataX509])
    try:
        context.verify(signature)
    except xmlsec.Error:
        return False
    return True
