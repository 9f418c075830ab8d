"""What a response must look like before anything of it is believed: one skeleton, and no room beside it.

Everything that the known ways of signature wrapping need to hide the signed original or the forged copy in (a second
assertion, a second response, ``Extensions``, an ``Object`` in a signature, an assertion in another one's ``Advice``) is
refused where it stands, whether or not it would do harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from appliance.identity.saml.markup import find, name_of
from appliance.identity.saml.trust import refused, require_signature, require_unique_ids

_RESPONSE: Final = ("saml:Issuer", "ds:Signature", "samlp:Status", "saml:Assertion", "saml:EncryptedAssertion")
_ASSERTION: Final = (
    "saml:Issuer", "ds:Signature", "saml:Subject", "saml:Conditions", "saml:AuthnStatement", "saml:AttributeStatement",
)  # fmt: skip
#: What may stand more than once in an assertion.
_SEVERAL: Final = frozenset((name_of("saml", "AttributeStatement"),))
_GCM: Final = frozenset(f"http://www.w3.org/2009/xmlenc11#aes{bits}-gcm" for bits in (128, 192, 256))
_CBC: Final = frozenset(f"http://www.w3.org/2001/04/xmlenc#aes{bits}-cbc" for bits in (128, 192, 256))
#: Never RSA with PKCS#1 v1.5 padding, which answers questions about what it seals (Bleichenbacher).
_OAEP: Final = frozenset((
    "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p", "http://www.w3.org/2009/xmlenc11#rsa-oaep",
))  # fmt: skip


def require_response(root: Any, certificates: Sequence[str]) -> None:
    """Return if a response may be looked into.

    In order: 1. it is one response with one assertion, sealed or not, and nothing beside; 2. no two elements have one
    id; 3. its own signature, where it has one, is the provider's; 4. a sealed assertion is opened only if nobody can
    have changed it since: sealed with authentication, or below the signature of step 3 (else every try would tell
    something about it: Jager and Somorovsky, "How to Break XML Encryption", 2011).

    Raises
    ------
    Denied : it may not
    """
    # 1. The skeleton.
    if root.tag != name_of("samlp", "Response") or root.get("Version") != "2.0":
        raise refused("the message is no SAML 2.0 response")
    _require_children(root, _RESPONSE)
    sealed, plain = find(root, "//saml:EncryptedAssertion"), find(root, "//saml:Assertion")
    if len(sealed) + len(plain) != 1 or (sealed + plain)[0].getparent() is not root:
        raise refused(_status_of(root) or f"{len(sealed) + len(plain)} assertions in the response")
    # 2. Ids.
    require_unique_ids(root)
    # 3. The signature of the response: not needed, but not ignored either.
    if is_signed := bool(find(root, "ds:Signature")):
        require_signature(root, certificates)
    # 4. What is sealed.
    if sealed:
        _require_sealed(sealed[0], is_signed)
    else:
        require_assertion(root, certificates)


def require_assertion(root: Any, certificates: Sequence[str]) -> Any:
    """The assertion of a response, opened where it was sealed, if the provider signed it and nothing is beside it.

    Raises
    ------
    Denied : it is not signed, or there is more than one, or more in it than there must be
    """
    found = find(root, "//saml:Assertion")
    if len(found) != 1 or found[0].getparent() is not root:
        raise refused(f"{len(found)} assertions in the response")
    assertion = found[0]
    if assertion.get("Version") != "2.0" or len(find(root, "//samlp:Response")) != 1:
        raise refused("the assertion is not of SAML 2.0")
    _require_children(assertion, _ASSERTION)
    if len(find(root, "//ds:Signature")) != len(find(root, "ds:Signature | saml:Assertion/ds:Signature")):
        raise refused("a signature stands where none belongs")
    require_unique_ids(root)
    require_signature(assertion, certificates)
    return assertion


def _require_children(element: Any, names: Sequence[str]) -> None:
    """Return if ``element`` holds these elements and no others, in this order, all but a few once at most."""
    order = [name_of(*name.split(":")) for name in names]
    tags = [child.tag for child in element]
    if any(tag not in order for tag in tags) or sorted(tags, key=order.index) != tags:
        pass
    if any(tags.count(tag) > 1 and tag not in _SEVERAL for tag in tags):
        raise refused(f"{element.tag.rpartition('}')[2]} holds something twice")


def _require_sealed(sealed: Any, is_signed: bool) -> None:
    data = {str(name) for name in find(sealed, ".//xenc:EncryptedData/xenc:EncryptionMethod/@Algorithm")}
    keys = {str(name) for name in find(sealed, ".//xenc:EncryptedKey/xenc:EncryptionMethod/@Algorithm")}
    if len(find(sealed, ".//xenc:EncryptedData")) != 1 or len(find(sealed, ".//xenc:EncryptedKey")) != 1:
        raise refused("the sealed assertion is not one datum under one key")
    if find(sealed, ".//xenc:CipherReference | .//ds:RetrievalMethod/ds:Transforms"):
        raise refused("the sealed assertion lies elsewhere")
    if not keys or not keys <= _OAEP:
        raise refused("the key of the sealed assertion is not sealed with RSA-OAEP")
    if not data or not data <= (_GCM | _CBC if is_signed else _GCM):
        raise refused("sealed without authentication: the provider must use AES-GCM, or sign the response as well")


def _status_of(root: Any) -> str:
    """What the provider says where it vouches for nobody."""
    codes = [str(code).rpartition(":")[2] for code in find(root, "samlp:Status//samlp:StatusCode/@Value")]
    told = " ".join(str(text) for text in find(root, "samlp:Status/samlp:StatusMessage/text()"))
    return f"the provider says {' '.join(codes)} {told}".strip() if codes and codes != ["Success"] else ""
