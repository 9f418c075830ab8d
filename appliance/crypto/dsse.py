"""Signed envelopes (DSSE v1): a payload, its type, and signatures over exactly those bytes.

The signature covers ``PAE = "DSSEv1" SP len(type) SP type SP len(payload) SP payload``, so no
verifier has to re-encode JSON.  The envelope file itself has one spelling too (RFC 8785, canonical
base64): every flipped byte of it is found, also one that a lenient reader would skip.

What a verification says: ``Modified`` where bytes differ from what a trusted key signed, and
``NotProvable`` only where no trusted key has anything to do with the envelope.

Source: https://github.com/secure-systems-lab/dsse, protocol.md and envelope.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.crypto.encoding import b64decode, b64encode
from appliance.crypto.vkey import ALG_ED25519, Signer, VerifierKey
from appliance.errors import InvalidInput, Modified, NotProvable

#: More signatures than this on one envelope is an attack on the reader's time.
SIGNATURE_LIMIT: Final = 16


@dataclass(frozen=True)
class Signature:
    """One signature: the label (``name+hex(keyID)``) of its key and 64 bytes."""

    keyid: str
    sig: bytes


@dataclass(frozen=True)
class Envelope:
    """An envelope as it was read, with nothing verified."""

    payload: bytes
    payload_type: str
    signatures: tuple[Signature, ...]


@dataclass(frozen=True)
class Verified:
    """A payload that ``key``, one of the trusted keys, has signed."""

    payload: bytes
    payload_type: str
    key: VerifierKey


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """The bytes that a DSSE signature covers."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sign_envelope(payload: bytes, payload_type: str, signers: Sequence[Signer]) -> bytes:
    """The envelope file: ``payload`` with one signature of each signer."""
    message = pre_authentication_encoding(payload_type, payload)
    signatures = tuple(Signature(signer.verifier.label, signer.sign(message)) for signer in signers)
    return _encode(Envelope(payload, payload_type, signatures))


def open_envelope(data: bytes) -> Envelope:
    """Read an envelope file strictly; nothing is verified.

    Raises
    ------
    Modified : these are not the bytes that ``sign_envelope`` wrote: broken JSON, fields missing or
        added, base64 or JSON spelled in another way
    """
    try:
        envelope = _decode(loads_strict(data))
        spelled = _encode(envelope)
    except InvalidInput as error:
        raise Modified("dsse.form", f"The envelope is damaged: {error.message}") from error
    if spelled != data:
        raise Modified("dsse.spelling", "The envelope is not in its one canonical spelling.")
    return envelope


def verify_envelope(data: bytes, trusted: Sequence[VerifierKey]) -> Verified:
    """The payload, if a trusted key signed it and no trusted key disagrees.

    1. The file is in its one spelling: a change that readers could overlook.
    2. It carries signatures: an envelope stripped of them proves nothing.
    3. Every signature under a trusted label verifies: a changed payload, type or signature.
    4. No trusted key stands behind a signature under another label: a changed label.
    5. At least one trusted key signed.

    Not checked here: what the payload says (``statement``), and since when it exists (``audit``).

    Raises
    ------
    Modified : steps 1, 3 and 4; the message names the part
    NotProvable : step 2, or every signature is by keys that are not trusted
    """
    # 1. One spelling.
    envelope = open_envelope(data)
    # 2. Signatures are there.
    if not envelope.signatures:
        raise NotProvable("dsse.unsigned", "The envelope carries no signature.")
    message = pre_authentication_encoding(envelope.payload_type, envelope.payload)
    keys = {key.label: key for key in trusted if key.algorithm == ALG_ED25519}
    signed_by: list[VerifierKey] = []
    for signature in envelope.signatures:
        key = keys.get(signature.keyid)
        if key is None:
            # 4. The label of a trusted key was changed.
            _refuse_relabelled(signature, message, keys.values())
            continue
        # 3. A trusted key must agree.
        if not key.is_signature(message, signature.sig):
            raise Modified("dsse.signature", f"The payload differs from what '{key.name}' signed.")
        signed_by.append(key)
    # 5. Someone trusted signed.
    if not signed_by:
        raise NotProvable(
            "dsse.unknown_key",
            f"The envelope is signed by '{envelope.signatures[0].keyid}', which is not a trusted key.",
            "Name the signer's verifier key with --trust.",
        )
    return Verified(envelope.payload, envelope.payload_type, signed_by[0])


def _refuse_relabelled(signature: Signature, message: bytes, keys: Any) -> None:
    for key in keys:
        if key.is_signature(message, signature.sig):
            raise Modified("dsse.keyid", f"A signature of '{key.name}' stands under another key's name.")


def _encode(envelope: Envelope) -> bytes:
    record = {
        "payload": b64encode(envelope.payload),
        "payloadType": envelope.payload_type,
        "signatures": [{"keyid": one.keyid, "sig": b64encode(one.sig)} for one in envelope.signatures],
    }
    return canonical_bytes(record)


def _decode(record: Any) -> Envelope:
    match record:
        case {"payload": str(payload), "payloadType": str(kind), "signatures": list(signatures)} if len(record) == 3:
            if len(signatures) > SIGNATURE_LIMIT:
                raise InvalidInput("dsse.signatures", "It carries too many signatures.")
            return Envelope(b64decode(payload), kind, tuple(_decode_signature(one) for one in signatures))
    raise InvalidInput("dsse.fields", "Its fields are not payload, payloadType and signatures.")


def _decode_signature(record: Any) -> Signature:
    match record:
        case {"keyid": str(keyid), "sig": str(sig)} if len(record) == 2:
            return Signature(keyid, b64decode(sig))
    raise InvalidInput("dsse.fields", "A signature's fields are not keyid and sig.")
