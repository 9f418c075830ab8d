"""The record of a key rotation: an envelope in which the old key names the new one.

Both keys sign it: the old one hands over, the new one proves that it exists.  An auditor who holds the
old verifier key follows the chain of these records to the current one without asking anybody.
"""

from __future__ import annotations

from typing import Final

from appliance.core.canonical import canonical_bytes, loads_strict
from appliance.crypto.dsse import sign_envelope, verify_envelope
from appliance.crypto.vkey import Signer, VerifierKey, parse_vkey
from appliance.errors import InvalidInput, Modified

PAYLOAD_TYPE: Final = "application/vnd.d2r.key-rotation+json"


def sign_rotation(old: Signer, new: Signer, moment_utc: str) -> bytes:
    """The envelope that says: from ``moment_utc`` on, ``new`` signs instead of ``old``."""
    record = {"new": str(new.verifier), "old": str(old.verifier), "time": moment_utc}
    return sign_envelope(canonical_bytes(record), PAYLOAD_TYPE, (old, new))


def verify_rotation(data: bytes, old: VerifierKey) -> VerifierKey:
    """The key that took over from ``old``, under the same name.

    1. ``old`` signed the record, and it is a rotation.
    2. It hands over from ``old``, to a key of the same name.
    3. The new key signed too.

    Raises
    ------
    Modified : the record was changed, or it is the rotation of another key
    NotProvable : ``old`` did not sign it
    """
    # 1. The old key hands over.
    verified = verify_envelope(data, (old,))
    if verified.payload_type != PAYLOAD_TYPE:
        raise Modified("rotation.type", "This envelope is not the record of a key rotation.")
    # 2. From this key, within this name.
    try:
        record = loads_strict(verified.payload)
        named_old, new = parse_vkey(record["old"]), parse_vkey(record["new"])
    except (InvalidInput, KeyError, TypeError, AttributeError) as error:
        raise Modified("rotation.form", "The record of the key rotation is damaged.") from error
    if named_old != old or new.name != old.name or new.algorithm != old.algorithm:
        raise Modified("rotation.keys", "This is the rotation of another key.")
    # 3. The new key exists.
    verify_envelope(data, (new,))
    return new
