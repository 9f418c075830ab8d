"""The custody receipt: what the appliance signs when it takes a scan over.

A DSSE envelope (Ed25519, the key of the appliance's reports) around an in-toto Statement v1 that names the scan, the
bytes that were sent, and the manifest or, where the device signed it, its envelope, each by SHA-256.  The predicate
says when they were received and which entry of the audit log says so too.  Who keeps the receipt can prove later
that the appliance had exactly these bytes; the appliance cannot deny it, nor exchange them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.crypto.dsse import sign_envelope, verify_envelope
from appliance.crypto.vkey import Signer, VerifierKey
from appliance.errors import InvalidInput, Modified

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "urn:d2r-appliance:custody-receipt:v1"
PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"

Json = dict[str, Any]


def sign_receipt(signer: Signer, subjects: Sequence[tuple[str, str]], predicate: Json) -> bytes:
    """The envelope; ``subjects`` are pairs of role and SHA-256 (hex)."""
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": role, "digest": {"sha256": digest}} for role, digest in subjects],
        "predicateType": PREDICATE_TYPE,
        "predicate": predicate,
    }
    return sign_envelope(canonical_bytes(statement), PAYLOAD_TYPE, (signer,))


def verify_receipt(envelope: bytes, trusted: Sequence[VerifierKey]) -> Json:
    """The statement of a receipt that a trusted key signed.

    1. A trusted key signed exactly these bytes.
    2. They are a custody receipt.

    Raises
    ------
    Modified : the receipt was changed, or it is another kind of statement
    NotProvable : no trusted key signed it
    """
    # 1. Signed.
    verified = verify_envelope(envelope, trusted)
    # 2. A receipt.
    try:
        statement: Json = loads_strict(verified.payload)
        kinds = (verified.payload_type, statement["_type"], statement["predicateType"])
    except (InvalidInput, KeyError, TypeError) as error:
        raise Modified("receipt.form", "The receipt is damaged.") from error
    if kinds != (PAYLOAD_TYPE, STATEMENT_TYPE, PREDICATE_TYPE):
        raise Modified("receipt.kind", "This signed statement is not a custody receipt.")
    return statement
